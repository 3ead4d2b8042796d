"""The kinds of error that callers can tell apart."""

from gateway.errors import GatewayError


def kinds() -> list[type[GatewayError]]:
    """Every class that says what happened; those below one of them say no more."""
    found: list[type[GatewayError]] = []
    waiting = [GatewayError]
    while waiting:
        kind = waiting.pop()
        if "error_code" in vars(kind) and kind.error_code:
            found.append(kind)
        else:
            waiting += kind.__subclasses__()
    return found
