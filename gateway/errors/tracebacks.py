"""Frees the memory that the frames of a handled error keep."""


def forget_frames(error: BaseException) -> None:
    """Drop the tracebacks of a handled error and of all that led to it.

    They refer to each frame that the error has passed. A frame that keeps it in a variable closes a
    cycle: the request and its encoded form would stay in memory until the garbage collector finds
    it, and the gateway has it run seldom.
    """
    seen: set[BaseException] = set()  # errors may be each other's cause
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and one not in seen:
            seen.add(one)
            one.__traceback__ = None
            waiting += (one.__cause__, one.__context__)
