"""Starts children, restarts those that exit, stops all in the reverse order."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from embedded import child_log, failure_causes, subprocesses
from embedded.child_log import ChildLog
from embedded.errors import ChildFailed, StepFailed
from embedded.orphans import CHILD_OF, ChildRegistry
from embedded.stop_signals import StopSignals
from embedded.subprocesses import Child
from embedded.terminal import capital, last_lines, print_line

_START_ATTEMPTS = 3
_LONGEST_BACKOFF_S = 30.0
# A child that stayed up this long resets its restart backoff.
_STABLE_AFTER_S = 60.0


@dataclass
class _Slot:
    """A child, its current process, and its restarts."""

    child: Child
    log: ChildLog
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    exits: int = 0
    restart_at: float = 0.0


class Supervisor:
    """Supervises the children of one start.

    All waiting goes through `pause`, which raises StopRequested for a signal and restarts children
    that exited: so both happen during any step of a start.
    """

    def __init__(self, *, signals: StopSignals, data_dir: Path, log_dir: Path) -> None:
        self._signals = signals
        self._log_dir = log_dir
        self._registry = ChildRegistry(data_dir)
        self._mark = {CHILD_OF: str(data_dir)}
        self._slots: list[_Slot] = []
        self.on_pause: Callable[[], None] = lambda: None

    def start(self, child: Child) -> None:
        """Start a child without waiting for it."""
        slot = _Slot(child, self._log_of(child))
        self._slots.append(slot)
        self._spawn(slot)

    def await_ready(self, child: Child) -> None:
        """Wait until a started child answers.

        Raises ChildFailed when any child exited three times in a row, or on timeout.
        """
        slot = next(slot for slot in self._slots if slot.child is child)
        give_up_at = time.monotonic() + child.start_window_s
        while not self._is_ready(slot):
            self._require_no_failure()
            if time.monotonic() > give_up_at:
                raise _start_failed(
                    slot, f"did not answer within {child.start_window_s:.0f} seconds"
                )
            self.pause(0.05)

    def await_all(self) -> None:
        """Wait until every started child answers. Raises ChildFailed."""
        for slot in self._slots:
            self.await_ready(slot.child)

    def run(self, step: Child) -> None:
        """Run a one-off command to its end. Raises StepFailed with the command's own message."""
        log = self._log_of(step)
        process = self._spawn_child(step, log)
        try:
            while process.poll() is None:
                self.pause(0.1)
        finally:
            subprocesses.stop(process, step, wait=self._wait_for_end)
        if process.returncode:
            raise StepFailed(_step_failure(step, log))

    def watch(self) -> None:
        """Restart children that exit, until StopRequested."""
        while True:
            self.pause(0.5)

    def pause(self, seconds: float) -> None:
        """Wait for `seconds`, then restart children that exited. Raises StopRequested."""
        self._signals.pause(seconds)
        self._restart_exited()
        self.on_pause()

    def stop(self) -> None:
        """Stop all children, the last started first. A second signal kills them at once."""
        signals_before = self._signals.count
        while self._slots:
            slot = self._slots.pop()
            if slot.process is not None:
                wait = self._wait_unless_signalled(signals_before)
                subprocesses.stop(slot.process, slot.child, wait=wait)
                slot.log.drain()
            self.on_pause()
        self._registry.clear()

    def _wait_unless_signalled(self, count: int) -> Callable[[float], bool]:
        def wait(seconds: float) -> bool:
            self._signals.wait(seconds)
            return self._signals.count > max(count, 1)

        return wait

    def _wait_for_end(self, seconds: float) -> bool:
        self._signals.wait(seconds)
        return False

    def _is_ready(self, slot: _Slot) -> bool:
        running = slot.process is not None and slot.process.poll() is None
        return running and (slot.child.is_ready is None or slot.child.is_ready())

    def _require_no_failure(self) -> None:
        for slot in self._slots:
            if slot.exits >= _START_ATTEMPTS:
                raise _start_failed(slot, f"ended {slot.exits} times in a row")

    def _restart_exited(self) -> None:
        now = time.monotonic()
        for slot in self._slots:
            if slot.process is not None and slot.process.poll() is not None:
                self._handle_exit(slot, now)
            if slot.process is None and now >= slot.restart_at:
                self._spawn(slot)

    def _handle_exit(self, slot: _Slot, now: float) -> None:
        assert slot.process is not None
        subprocesses.kill_group(slot.process)
        stable = now - slot.started_at > _STABLE_AFTER_S
        slot.exits = 1 if stable else slot.exits + 1
        slot.restart_at = now + min(0.1 * 2.0**slot.exits, _LONGEST_BACKOFF_S)
        ending = _ending(slot.process.returncode)
        print_line(
            f"{capital(slot.child.title)} {ending}; starting it again (log: {slot.log.path})."
        )
        slot.process = None

    def _spawn(self, slot: _Slot) -> None:
        slot.process = self._spawn_child(slot.child, slot.log)
        slot.started_at = time.monotonic()

    def _spawn_child(self, child: Child, log: ChildLog) -> subprocess.Popen[bytes]:
        with log.pipe() as output:
            process = subprocesses.spawn(child, output=output, mark=self._mark)
        self._registry.add(name=child.name, pid=process.pid, stop_signal=child.stop_signal)
        return process

    def _log_of(self, child: Child) -> ChildLog:
        return ChildLog(child_log.open_log(self._log_dir, child.name))


def _ending(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"


def _start_failed(slot: _Slot, what: str) -> ChildFailed:
    slot.log.drain()
    output = slot.log.output()
    cause = failure_causes.of_failed_run(output)
    title = capital(slot.child.title)
    if cause:
        return ChildFailed(f"{title} {what}. {cause}")
    return ChildFailed(f"{title} {what}; the end of {slot.log.path}:\n{last_lines(output)}")


def _step_failure(step: Child, log: ChildLog) -> str:
    """Return a failed step's own message, the sentence for a known cause, or its log's end."""
    log.drain()
    output = log.output()
    for line in reversed(output.splitlines()):
        if line.startswith("CommandError: "):
            return line.removeprefix("CommandError: ")
    cause = failure_causes.of_failed_run(output)
    if cause:
        return f"{step.title} failed. {cause}"
    return f"{step.title} failed; the end of {log.path}:\n{last_lines(output)}"
