"""What explains a call's trouble."""

from typing import NamedTuple


class Cause(NamedTuple):
    """A fault that was injected: when it began and when it was over, by the monotonic clock.

    `url` is the gateway whose calls it concerns; "" for those of all. A fault that concerns no
    call, such as a killed worker, is none.
    """

    name: str
    began: float
    ended: float
    url: str = ""
