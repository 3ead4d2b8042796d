"""The sandbox's clock. A test may move it to make old objects or to let time pass."""

import time


class Clock:
    """Real time plus an offset. Webhook signatures do not use it: they carry real time."""

    def __init__(self) -> None:
        self.offset_s = 0

    def now(self) -> int:
        return int(time.time()) + self.offset_s
