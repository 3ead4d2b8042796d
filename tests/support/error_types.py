"""The errors that callers of the API can distinguish."""

from gateway.errors import GatewayError


def kinds() -> list[type[GatewayError]]:
    """Every class with an error code of its own; subclasses without one share it."""
    found: list[type[GatewayError]] = []
    pending = [GatewayError]
    while pending:
        kind = pending.pop()
        if not kind.__module__.startswith("gateway."):
            continue  # of pages, which /openapi.json does not describe
        if "error_code" in vars(kind) and kind.error_code:
            found.append(kind)
        pending += kind.__subclasses__()
    return found
