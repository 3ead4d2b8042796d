"""Celery's worker and beat, restarted when they exit, as by a supervisor; and their killer."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from django.conf import settings

from caicaini_portal.celery import app

_CELERY = (sys.executable, "-m", "celery", "-A", "caicaini_portal")
_LOOK_EVERY_S = 0.5
_KILL_EVERY_S = 3.0
_START_WINDOW_S = 60


class Worker:
    """The worker and its beat. Their output goes into `logs`."""

    def __init__(self, *, env: Mapping[str, str], logs: Path) -> None:
        self._env = {**os.environ, **env}
        self._log = logs / "worker.log"
        self._commands = (
            (*_CELERY, "worker", "--concurrency", "4", "--without-gossip", "--without-mingle"),
            (*_CELERY, "beat", "--schedule", str(logs / "beat"), "--pidfile", ""),
        )
        self._running: dict[tuple[str, ...], subprocess.Popen[bytes]] = {}
        self.killed = 0

    def keep_up(self) -> None:
        """Start the processes that are not running."""
        for command in self._commands:
            process = self._running.get(command)
            if process is None or process.poll() is not None:
                self._running[command] = self._start(command)

    def await_ready(self) -> None:
        """Wait until the worker accepts tasks."""
        until = time.monotonic() + _START_WINDOW_S
        while not app.control.ping(timeout=1.0):
            assert time.monotonic() < until, self._log.read_text()

    def kill_one(self, dice: random.Random) -> None:
        """Kill one of the handlers with SIGKILL, or once in ten their parent.

        A worker that is still starting has no handlers yet, and is spared: killed every three
        seconds, it would never process anything.
        """
        with suppress(psutil.NoSuchProcess):
            main = psutil.Process(self._running[self._commands[0]].pid)
            handlers = main.children()
            if not handlers:
                return
            victim = dice.choice(handlers) if dice.random() < 0.9 else main
            victim.kill()
            self.killed += 1

    def stop(self) -> None:
        """Kill the processes and their children."""
        for process in self._running.values():
            with suppress(psutil.NoSuchProcess):
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
            process.kill()
            process.wait()

    def _start(self, command: tuple[str, ...]) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command, cwd=settings.BASE_DIR, env=self._env, stdout=log, stderr=log
            )


@contextmanager
def running(
    *, env: Mapping[str, str], logs: Path, may_kill: Callable[[], bool]
) -> Iterator[Worker]:
    """Run a worker for the block; kill one of its processes every three seconds, if `may_kill`."""
    worker = Worker(env=env, logs=logs)
    worker.keep_up()
    worker.await_ready()
    is_over = threading.Event()

    def watch_and_kill() -> None:
        dice, waited_s = random.Random(7), 0.0
        while not is_over.wait(_LOOK_EVERY_S):
            worker.keep_up()
            waited_s += _LOOK_EVERY_S
            if waited_s >= _KILL_EVERY_S and may_kill():
                worker.kill_one(dice)
                waited_s = 0.0

    thread = threading.Thread(target=watch_and_kill, daemon=True)
    thread.start()
    try:
        yield worker
    finally:
        is_over.set()
        thread.join()
        worker.stop()
