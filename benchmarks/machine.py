"""How late the machine schedules a process: `python -m benchmarks.machine FILE` samples it.

A benchmark that judges how soon something happens subtracts this: on a machine that is shared, a
late answer may be nobody's fault. A sample sleeps and computes for a moment; what it takes beyond
that is time in which this process was ready and not running.
"""

import bisect
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path

_SLEEP_S = 0.02
_WORK_S = 0.002


class Machine:
    """The samples of a run, by the monotonic clock, which all processes share."""

    def __init__(self, samples: list[tuple[float, float]]) -> None:
        self._ends = [end for end, _ in samples]
        self._delays = [delay for _, delay in samples]
        self._sums = [0.0, *accumulate(self._delays)]

    def lost_s(self, began: float, ended: float) -> float:
        """Return for how long a process that was ready was not scheduled in that time."""
        first = bisect.bisect_left(self._ends, began)
        last = bisect.bisect_right(self._ends, ended) + 1  # one that was under way at the end
        return self._sums[min(last, len(self._delays))] - self._sums[min(first, len(self._delays))]

    def summary(self) -> str:
        """Describe the delays in a line."""
        if not self._delays:
            return "the machine's scheduling delay was not measured"
        ordered = sorted(self._delays)
        median, late = (ordered[int(len(ordered) * at)] * 1000 for at in (0.5, 0.99))
        share = 100 * self._sums[-1] / max(self._ends[-1] - self._ends[0], _SLEEP_S)
        return (
            f"the machine scheduled a ready process {median:.0f} ms late, 99 % {late:.0f} ms,"
            f" all {ordered[-1] * 1000:.0f} ms; {share:.0f} % of its time"
        )


@contextmanager
def sampled(folder: Path) -> Iterator[Path]:
    """Sample for the block, in a process of its own; yields the file for `read`."""
    path = folder / "machine"
    path.touch()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.machine", str(path)])
    try:
        yield path
    finally:
        process.kill()
        process.wait()


def read(path: Path) -> Machine:
    """Return the samples so far."""
    whole_lines = path.read_text().split("\n")[:-1]
    pairs = (line.split() for line in whole_lines)
    return Machine([(float(end), float(delay)) for end, delay in pairs])


def _sample(path: Path) -> None:
    with path.open("a", buffering=1) as file:
        while True:
            began = time.monotonic()
            computed = time.thread_time()
            time.sleep(_SLEEP_S)
            while time.thread_time() - computed < _WORK_S:
                pass
            ended = time.monotonic()
            delay = ended - began - _SLEEP_S - (time.thread_time() - computed)
            file.write(f"{ended:.4f} {max(0.0, delay):.4f}\n")


if __name__ == "__main__":
    _sample(Path(sys.argv[1]))
