"""Starts children, restarts those that exit, replaces those that can be, stops all in reverse."""

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from embedded import child_log, failure_causes, subprocesses
from embedded.child_log import ChildLog
from embedded.errors import ChildFailed, StepFailed
from embedded.notices import Notices
from embedded.orphans import CHILD_OF, STOP_WINDOW_S, ChildRegistry
from embedded.stop_signals import StopSignals
from embedded.subprocesses import Child
from embedded.terminal import capital, last_lines, print_line

_START_ATTEMPTS = 3
_LONGEST_BACKOFF_S = 30.0
# A child that stayed up this long resets its restart backoff.
_STABLE_AFTER_S = 60.0


@dataclass(eq=False)
class _Slot:
    """A child, its current process, and its restarts.

    A slot is retiring while its process stops because another slot has taken its place; then it
    ends with its process, or with `kill_at`.
    """

    child: Child
    log: ChildLog
    process: subprocess.Popen[bytes] | None = None
    notices: Notices | None = None
    started_at: float = 0.0
    exits: int = 0
    restart_at: float = 0.0
    has_successor: bool = False
    is_retiring: bool = False
    kill_at: float = inf

    def has_ended(self) -> bool:
        """Whether its process has exited and is to be handled."""
        return self.process is not None and self.process.poll() is not None

    def is_stopping(self) -> bool:
        """Whether its process has reported that it accepts no more connections."""
        if self.notices is None:
            return False
        self.notices.read()
        return self.notices.is_stopping

    def is_ready(self) -> bool:
        """Whether its process answers."""
        if self.process is None or self.process.poll() is not None:
            return False
        if self.notices is not None:
            self.notices.read()
            if not self.notices.is_ready:
                return False
        return self.child.is_ready is None or self.child.is_ready()


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
        self._logs: dict[str, ChildLog] = {}
        self.on_pause: Callable[[], None] = lambda: None

    def start(self, child: Child) -> None:
        """Start a child without waiting for it."""
        self._add(child, at=len(self._slots))

    def await_ready(self, child: Child) -> None:
        """Wait until a started child answers.

        Raises ChildFailed when any child exited three times in a row, or on timeout.
        """
        slot = next(slot for slot in self._slots if slot.child is child)
        self._await_slot(slot, needed=self._slots)

    def await_all(self) -> None:
        """Wait until every started child answers. Raises ChildFailed."""
        for slot in list(self._slots):
            self.await_ready(slot.child)

    def run(self, step: Child) -> None:
        """Run a one-off command to its end. Raises StepFailed with the command's own message."""
        log = self._log_of(step)
        with log.pipe() as output:
            process = subprocesses.spawn(step, output=output, mark=self._mark_of(step))
        self._record(step, process)
        try:
            while process.poll() is None:
                self.pause(0.1)
        finally:
            subprocesses.stop(process, step, wait=self._wait_for_end)
            self._registry.forget(process.pid)
        log.drain()
        if process.returncode:
            raise StepFailed(_step_failure(step, log))

    def watch(self) -> None:
        """Restart children that exit, and replaceable ones on request, until StopRequested."""
        while True:
            if self._signals.take_restart():
                self._restart_on_request()
            self.pause(0.5)

    def pause(self, seconds: float) -> None:
        """Wait for `seconds`, then restart children that exited. Raises StopRequested."""
        self._signals.pause(seconds)
        self._tend()
        self.on_pause()

    def stop(self) -> None:
        """Stop all children, the last started first. A second signal kills them at once."""
        signals_before = self._signals.count
        while self._slots:
            name = self._slots[-1].child.name
            group = [slot for slot in self._slots if slot.child.name == name]
            self._slots = [slot for slot in self._slots if slot not in group]
            self._stop_together(group, wait=self._wait_unless_signalled(signals_before))
            for slot in group:
                slot.log.drain()
            self.on_pause()
        self._registry.clear()

    def restart(self) -> None:
        """Replace the replaceable children one by one, each by a process that is ready first.

        Raises ChildFailed when a new process does not become ready; its predecessor then stays.
        """
        for slot in list(self._slots):
            if slot.child.is_replaceable and not slot.is_retiring:
                self._replace(slot)

    def _restart_on_request(self) -> None:
        print_line("Restarting the web processes, one by one.")
        try:
            self.restart()
        except ChildFailed as error:
            print_line(
                f"{error}\nThe restart has ended early: the processes before it still serve."
            )
        else:
            print_line("Restarted the web processes.")

    def _replace(self, slot: _Slot) -> None:
        slot.has_successor = True
        successor = self._add(slot.child, at=self._slots.index(slot))
        try:
            self._await_slot(successor, needed=[successor])
        except ChildFailed:
            slot.has_successor = False
            if not slot.is_retiring:
                self._slots.remove(successor)
                self._stop_together([successor], wait=self._wait_for_end)
            raise
        self._retire(slot)
        while slot in self._slots:
            self.pause(0.1)

    def _retire(self, slot: _Slot) -> None:
        if slot.process is not None:
            subprocesses.send_signal(slot.process, slot.child.stop_signal)
        self._expect_end(slot)

    def _expect_end(self, slot: _Slot) -> None:
        if not slot.is_retiring:
            slot.is_retiring = True
            slot.kill_at = time.monotonic() + slot.child.stop_window_s

    def _add(self, child: Child, *, at: int) -> _Slot:
        slot = _Slot(child, self._log_of(child))
        self._slots.insert(at, slot)
        self._spawn(slot)
        return slot

    def _await_slot(self, slot: _Slot, *, needed: Sequence[_Slot]) -> None:
        give_up_at = time.monotonic() + slot.child.start_window_s
        while not slot.is_ready():
            for one in needed:
                if one.exits >= _START_ATTEMPTS:
                    raise _start_failed(one, f"ended {one.exits} times in a row")
            if time.monotonic() > give_up_at:
                window_s = slot.child.start_window_s
                raise _start_failed(slot, f"did not answer within {window_s:.0f} seconds")
            self.pause(0.05)

    def _stop_together(self, group: Sequence[_Slot], *, wait: Callable[[float], bool]) -> None:
        """Stop processes at the same time. Those that are stopping already get no second signal."""
        running = [slot for slot in group if slot.process is not None]
        for slot in running:
            if slot.process is not None and not slot.is_retiring:
                number = slot.child.final_signal or slot.child.stop_signal
                subprocesses.send_signal(slot.process, number)
        subprocesses.await_end(
            [slot.process for slot in running if slot.process is not None],
            within_s=max((slot.child.stop_window_s for slot in running), default=0),
            wait=wait,
        )
        for slot in running:
            self._forget_process(slot)

    def _wait_unless_signalled(self, count: int) -> Callable[[float], bool]:
        def wait(seconds: float) -> bool:
            self._signals.wait(seconds)
            return self._signals.count > max(count, 1)

        return wait

    def _wait_for_end(self, seconds: float) -> bool:
        self._signals.wait(seconds)
        return False

    def _tend(self) -> None:
        """Handle what has happened to the children since the last time."""
        now = time.monotonic()
        for slot in list(self._slots):
            if slot.is_stopping() and not slot.is_retiring and not slot.has_ended():
                self._replace_stopping(slot)
            if slot.is_retiring:
                self._tend_retiring(slot, now)
                continue
            if slot.has_ended():
                self._handle_exit(slot, now)
            if slot.process is None and now >= slot.restart_at:
                self._spawn(slot)

    def _replace_stopping(self, slot: _Slot) -> None:
        """Start another process beside one that somebody else asked to stop."""
        self._expect_end(slot)
        if not slot.has_successor:
            print_line(f"{capital(slot.child.title)} was asked to stop; starting another.")
            self._add(slot.child, at=self._slots.index(slot))

    def _tend_retiring(self, slot: _Slot, now: float) -> None:
        if slot.process is not None and not slot.has_ended() and now < slot.kill_at:
            return
        if slot.process is not None:
            subprocesses.kill_group(slot.process)
            slot.process.wait()
            self._forget_process(slot)
        self._slots.remove(slot)

    def _handle_exit(self, slot: _Slot, now: float) -> None:
        assert slot.process is not None
        subprocesses.kill_group(slot.process)
        stable = now - slot.started_at > _STABLE_AFTER_S
        slot.exits = 1 if stable else slot.exits + 1
        slot.restart_at = now + backoff_s(slot.exits)
        ending = _ending(slot.process.returncode)
        print_line(
            f"{capital(slot.child.title)} {ending}; starting it again (log: {slot.log.path})."
        )
        self._forget_process(slot)

    def _spawn(self, slot: _Slot) -> None:
        slot.notices = Notices() if slot.child.is_replaceable else None
        with slot.log.pipe() as output:
            slot.process = subprocesses.spawn(
                slot.child, output=output, mark=self._mark_of(slot.child), notices=slot.notices
            )
        if slot.notices is not None:
            slot.notices.close_writer()
        slot.started_at = time.monotonic()
        self._record(slot.child, slot.process)

    def _forget_process(self, slot: _Slot) -> None:
        if slot.notices is not None:
            slot.notices.close()
            slot.notices = None
        if slot.process is not None:
            self._registry.forget(slot.process.pid)
            slot.process = None

    def _record(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        self._registry.add(
            name=child.name,
            pid=process.pid,
            stop_signal=child.stop_signal,
            stop_window_s=child.stop_window_s,
        )

    def _log_of(self, child: Child) -> ChildLog:
        """Return the log of all processes of this name: only one may replace the file."""
        log = self._logs.get(child.name)
        if log is None:
            log = ChildLog(child_log.open_log(self._log_dir, child.name))
            self._logs[child.name] = log
        log.begin_run()
        return log

    def _mark_of(self, child: Child) -> dict[str, str]:
        return {**self._mark, STOP_WINDOW_S: str(child.stop_window_s)}


def backoff_s(exits: int) -> float:
    """Return how long to wait before a child is restarted that exited so often in a row."""
    return 0.0 if exits <= 1 else min(0.1 * 2.0**exits, _LONGEST_BACKOFF_S)


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
    output = log.output()
    for line in reversed(output.splitlines()):
        if line.startswith("CommandError: "):
            return line.removeprefix("CommandError: ")
    cause = failure_causes.of_failed_run(output)
    if cause:
        return f"{step.title} failed. {cause}"
    return f"{step.title} failed; the end of {log.path}:\n{last_lines(output)}"
