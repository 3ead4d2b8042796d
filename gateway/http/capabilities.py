"""A model's capabilities under the names that SDKs know.

All are always present: an SDK treats an absent one as an error, not as "no". `tools` is ours.
"""

from typing import Any

_YES = {"supported": True}
_NO = {"supported": False}


def described(can: frozenset[str]) -> dict[str, dict[str, Any]]:
    """Return the `capabilities` of a model that has these of the catalogue's."""
    thinks = _supported("thinking", can)
    return {
        "batch": _NO,
        "citations": _NO,
        "code_execution": _NO,
        "context_management": _NO,
        "effort": thinks | dict.fromkeys(("low", "medium", "high", "xhigh", "max"), thinks),
        "image_input": _supported("images", can),
        "pdf_input": _supported("documents", can),
        "server_tools": _NO | {"code_execution": _NO, "web_search": _NO},
        "structured_outputs": _supported("structured_output", can),
        "thinking": thinks
        | {
            "types": {
                "adaptive": thinks,
                "between_tools": _NO,
                "disabled": _YES,
                "enabled": thinks,
            }
        },
        "tools": _supported("tools", can),
    }


def _supported(name: str, can: frozenset[str]) -> dict[str, Any]:
    return _YES if name in can else _NO


NAMES = tuple(described(frozenset()))
