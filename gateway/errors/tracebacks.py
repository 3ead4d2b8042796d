"""Frees the memory that the frames of a handled error keep."""


def forget_frames(error: BaseException) -> None:
    """Drop the tracebacks of a handled error and of those behind it.

    They refer to each frame that the error has passed. A frame that keeps it in a variable closes a
    cycle: the request and its encoded form would stay in memory until the garbage collector finds
    it, and the gateway has it run seldom.
    """
    behind: BaseException | None = error
    while behind is not None:
        behind.__traceback__ = None
        behind = behind.__cause__ or behind.__context__
