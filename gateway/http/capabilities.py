"""What a model can take, under the names that SDKs know.

All of them are always there: to an SDK an absent one is no "no" but an error. `tools` is ours.
"""

from typing import Any

_YES = {"supported": True}
_NO = {"supported": False}


def described(can: frozenset[str]) -> dict[str, dict[str, Any]]:
    """Return the `capabilities` of a model that has these of the catalogue's."""
    thinks = _said("thinking", can)
    return {
        "batch": _NO,
        "citations": _NO,
        "code_execution": _NO,
        "context_management": _NO,
        "effort": thinks | dict.fromkeys(("low", "medium", "high", "xhigh", "max"), thinks),
        "image_input": _said("images", can),
        "pdf_input": _said("documents", can),
        "server_tools": _NO | {"code_execution": _NO, "web_search": _NO},
        "structured_outputs": _said("structured_output", can),
        "thinking": thinks
        | {
            "types": {
                "adaptive": thinks,
                "between_tools": _NO,
                "disabled": _YES,
                "enabled": thinks,
            }
        },
        "tools": _said("tools", can),
    }


def _said(name: str, can: frozenset[str]) -> dict[str, Any]:
    return _YES if name in can else _NO


NAMES = tuple(described(frozenset()))
