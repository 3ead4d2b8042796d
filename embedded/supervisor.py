"""Starts children, restarts those that die, stops them all in the reverse order."""

import contextlib
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from embedded import failure_causes, subprocesses
from embedded.errors import ChildFailed, StepFailed
from embedded.orphans import CHILD_OF, Register
from embedded.stop_signals import StopSignals
from embedded.subprocesses import Child
from embedded.terminal import capital, last_lines, say

_START_ATTEMPTS = 3
_LONGEST_BACK_OFF_S = 30.0
# Whoever lived this long did not die of what it died of before.
_STEADY_AFTER_S = 60.0


@dataclass
class _Post:
    """A child's place: its process now, and how its restarts went."""

    child: Child
    log: Path
    log_start: int
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: int = 0
    restart_at: float = 0.0


class Supervisor:
    """Looks after the children of one start.

    All waiting goes through `pause`: that is where signals are obeyed (StopRequested) and where the
    dead are noticed, so a child is restarted whatever the start is busy with.
    """

    def __init__(self, *, signals: StopSignals, data_dir: Path, log_dir: Path) -> None:
        self._signals = signals
        self._log_dir = log_dir
        self._register = Register(data_dir)
        self._mark = {CHILD_OF: str(data_dir)}
        self._posts: list[_Post] = []
        self.on_pause: Callable[[], None] = lambda: None

    def start(self, child: Child) -> None:
        """Start a child without waiting for it."""
        log = subprocesses.open_log(self._log_dir, child.name)
        post = _Post(child, log, log_start=log.stat().st_size)
        self._posts.append(post)
        self._spawn(post)

    def await_ready(self, child: Child) -> None:
        """Wait until a started child answers.

        Raises ChildFailed when it died three times in a row or its time is up.
        """
        post = next(post for post in self._posts if post.child is child)
        give_up_at = time.monotonic() + child.start_window_s
        while not self._is_ready(post):
            self._require_no_failure()
            if time.monotonic() > give_up_at:
                raise _did_not_come_up(
                    post, f"did not answer within {child.start_window_s:.0f} seconds"
                )
            self.pause(0.05)

    def await_all(self) -> None:
        """Wait until every started child answers. Raises ChildFailed."""
        for post in self._posts:
            self.await_ready(post.child)

    def run(self, step: Child) -> None:
        """Run a one-off command to its end. Raises StepFailed with its own words."""
        log = subprocesses.open_log(self._log_dir, step.name)
        log_start = log.stat().st_size
        process = subprocesses.spawn(step, log=log, mark=self._mark)
        self._register.add(name=step.name, pid=process.pid, stop_signal=step.stop_signal)
        try:
            while process.poll() is None:
                self.pause(0.1)
        finally:
            subprocesses.stop(process, step, wait=self._wait_for_end)
        if process.returncode:
            raise StepFailed(_explained(step, log, log_start))

    def watch(self) -> None:
        """Restart whoever dies, until StopRequested ends it."""
        while True:
            self.pause(0.5)

    def pause(self, seconds: float) -> None:
        """Wait a moment, tending the children. Raises StopRequested."""
        self._signals.pause(seconds)
        self._tend()
        self.on_pause()

    def stop(self) -> None:
        """Stop all children, the last started first. A second signal cuts their windows short."""
        asked_before = self._signals.count
        while self._posts:
            post = self._posts.pop()
            if post.process is not None:
                hurry = self._hurry_after(asked_before)
                subprocesses.stop(post.process, post.child, wait=hurry)
            self.on_pause()
        self._register.clear()

    def _hurry_after(self, count: int) -> Callable[[float], bool]:
        def wait(seconds: float) -> bool:
            self._signals.wait(seconds)
            return self._signals.count > max(count, 1)

        return wait

    def _wait_for_end(self, seconds: float) -> bool:
        self._signals.wait(seconds)
        return False

    def _is_ready(self, post: _Post) -> bool:
        running = post.process is not None and post.process.poll() is None
        return running and (post.child.is_ready is None or post.child.is_ready())

    def _require_no_failure(self) -> None:
        for post in self._posts:
            if post.deaths >= _START_ATTEMPTS:
                raise _did_not_come_up(post, f"ended {post.deaths} times in a row")

    def _tend(self) -> None:
        now = time.monotonic()
        for post in self._posts:
            if post.process is not None and post.process.poll() is not None:
                self._bury(post, now)
            if post.process is None and now >= post.restart_at:
                self._spawn(post)

    def _bury(self, post: _Post, now: float) -> None:
        assert post.process is not None
        subprocesses.kill_group(post.process)
        steady = now - post.started_at > _STEADY_AFTER_S
        post.deaths = 1 if steady else post.deaths + 1
        post.restart_at = now + min(0.1 * 2.0**post.deaths, _LONGEST_BACK_OFF_S)
        ending = _ending(post.process.returncode)
        say(f"{capital(post.child.title)} {ending}; starting it again (log: {post.log}).")
        post.process = None

    def _spawn(self, post: _Post) -> None:
        post.process = subprocesses.spawn(post.child, log=post.log, mark=self._mark)
        post.started_at = time.monotonic()
        self._register.add(
            name=post.child.name, pid=post.process.pid, stop_signal=post.child.stop_signal
        )


def _ending(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"


def _output_since(log: Path, start: int) -> str:
    with contextlib.suppress(OSError), log.open("rb") as lines:
        lines.seek(start)
        return lines.read().decode(errors="replace")
    return ""


def _did_not_come_up(post: _Post, what: str) -> ChildFailed:
    output = _output_since(post.log, post.log_start)
    cause = failure_causes.of_failed_run(output)
    title = capital(post.child.title)
    if cause:
        return ChildFailed(f"{title} {what}. {cause}")
    return ChildFailed(f"{title} {what}; the end of {post.log}:\n{last_lines(output)}")


def _explained(step: Child, log: Path, log_start: int) -> str:
    """Return a failed step's own sentence, a known cause, or the end of its log."""
    output = _output_since(log, log_start)
    for line in reversed(output.splitlines()):
        if line.startswith("CommandError: "):
            return line.removeprefix("CommandError: ")
    cause = failure_causes.of_failed_run(output)
    if cause:
        return f"{step.title} failed. {cause}"
    return f"{step.title} failed; the end of {log}:\n{last_lines(output)}"
