"""`bin/test`, `bin/bench` and `bin/docs`: a run with its own embedded servers and data folder."""

import argparse
import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from devtools import worker_servers
from embedded import paths, postgres, servers, subprocesses
from embedded.errors import StopRequested
from embedded.orphans import CHILD_OF, ChildRegistry
from embedded.stop_signals import StopSignals
from embedded.subprocesses import PROJECT
from embedded.supervisor import Supervisor
from embedded.terminal import print_error, print_line

_PREFIX = "caicaini-test-"
# Settings that the user's shell may hold: a test run starts from the defaults.
UNSET = (
    *("DATABASE_URL", "REDIS_URL", "CATALOGUE", "PUBLIC_URL", "PORT", "HOST", "SECRET_KEY"),
    *("WELCOME_AFTER_PAYMENT", "WELCOME_GRANTS_PER_NETWORK", "WELCOME_HASH_KEY"),
    *("WELCOME_CREDITS", "RATE_LIMITS", "EMAIL_URL", "DEBUG", "LOG_LEVEL", "ALLOWED_HOSTS"),
    *("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS", "STRIPE_API_BASE", "STRIPE_CHECKOUT_ORIGINS"),
    *("STRIPE_AUTOMATIC_TAX", "STRIPE_INVOICE_CREATION", "TRUSTED_PROXY_COUNT"),
    *("OPERATOR_NAME", "SUPPORT_EMAIL", "SUPPORT_URL", "STATUS_URL", "TERMS_FILE", "PRIVACY_FILE"),
    *("DEFAULT_FROM_EMAIL", "DEMO_CREDITS_PER_DAY", "EMBEDDED_MODEL_URL", "EMBEDDED_MODEL_API_KEY"),
    *("GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET", "GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET"),
    *("HOLDS_KEPT_DAYS", "RECORDS_KEPT_DAYS", "STRIPE_EVENTS_KEPT_DAYS", "ASIDE_FILES_KEPT_DAYS"),
    *("READ_LIMITS", "MAX_KEYS_PER_WORKSPACE", "LOST_CREDITS_PER_DAY", "ALERTS_KEPT_DAYS"),
    *("BODY_MEMORY_BYTES", "BODY_DISK_BYTES", "BODY_WAIT_S", "MAX_CONCURRENT_CALLS_PER_WORKSPACE"),
    *("MAX_BODY_BYTES", "MAX_CONCURRENT_CALLS", "MAX_CONCURRENT_CALLS_PER_KEY"),
    *("DRAIN_WINDOW_S", "FAULTY_AFTER_S", "CALLER_STALL_TIMEOUT_S", "KEEP_ALIVE_EVERY_S"),
    *("UPSTREAM_CONNECT_TIMEOUT_S", "UPSTREAM_FIRST_BYTE_TIMEOUT_S", "UPSTREAM_IDLE_TIMEOUT_S"),
    *("UPSTREAM_TOTAL_TIMEOUT_S", "UPSTREAM_FAILURES_TO_OPEN"),
)
# The variables that differ between the processes of a parallel run.
_OWN = ("DATA_DIR", "DATABASE_URL", "REDIS_URL", CHILD_OF)
# The whole suite waits for more than half of its time: five processes are right for two cores. A
# part of it is run by one, whose servers start sooner.
_WORKERS = 5
_LEAST_CORES = 2
# A file's tests stay together and in order, and so do those that share a running product. A process
# that crashed is not replaced: its successor would have another one's servers.
_DISTRIBUTION = ("--dist", "loadscope", "--no-loadscope-reorder", "--max-worker-restart", "0")


class _Lane(NamedTuple):
    """The servers of one process that runs tests."""

    supervisor: Supervisor
    data_dir: Path

    def bring_up(
        self, inherited: Mapping[str, str], *, durable: bool, with_model: bool
    ) -> dict[str, str]:
        """Start the servers; return the environment of a process that uses them."""
        env = {**inherited, "DATA_DIR": str(self.data_dir)}
        rows = servers.table(
            self.supervisor, data_dir=self.data_dir, env=env, durable=durable, with_model=with_model
        )
        exports = servers.bring_up(self.supervisor, rows, data_dir=self.data_dir)
        return {**env, **exports, CHILD_OF: str(self.data_dir)}


def suite(arguments: list[str]) -> int:
    """Run pytest with `arguments`; return its exit code, or 130 after a stop signal.

    `-n` shares the tests out to so many processes, each with servers of its own; 0, the default for
    a part of the suite, is none but pytest's own. The databases run without fsync: no test
    simulates a power cut.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-n", dest="workers", type=int, default=None)
    options, rest = parser.parse_known_args(arguments)
    workers = _default_workers(rest) if options.workers is None else options.workers
    return _on_own_servers(("pytest", *rest), durable=False, workers=workers)


def _default_workers(arguments: Sequence[str]) -> int:
    """Return 0 for a part of the suite, a debugger, and a machine with one core."""
    is_whole = not any((PROJECT / one.partition("::")[0]).exists() for one in arguments)
    selects = {"-k", "-m", "--pdb", "--collect-only", "--lf", "--last-failed"}
    if is_whole and selects.isdisjoint(arguments) and (os.cpu_count() or 1) >= _LEAST_CORES:
        return _WORKERS
    return 0


def bench(arguments: list[str]) -> int:
    """Run a benchmark the same way, but on a database as durable as in production."""
    return _on_own_servers(("benchmarks", *arguments), durable=True)


def docs(arguments: list[str]) -> int:
    """Run the documentation's samples and record what they print."""
    match arguments:
        case ["record", *names]:
            return _on_own_servers(("docs_recorder", *names), durable=False)
    print_error("Usage: bin/docs record [SAMPLE]...")
    return 2


def _on_own_servers(module: Sequence[str], *, durable: bool, workers: int = 0) -> int:
    signals = StopSignals()
    _remove_abandoned()
    with contextlib.ExitStack() as stack:
        lanes = [stack.enter_context(_lane(signals)) for _ in range(max(1, workers))]
        try:
            return _run(lanes, module, durable=durable, workers=workers)
        except StopRequested:
            return 130


@contextlib.contextmanager
def _lane(signals: StopSignals) -> Iterator[_Lane]:
    with _data_folder() as data_dir:
        supervisor = Supervisor(signals=signals, data_dir=data_dir, log_dir=data_dir / "log")
        try:
            yield _Lane(supervisor, data_dir)
        finally:
            supervisor.stop()
            ChildRegistry(data_dir).end_orphans()  # what a test left running
            paths.remove(data_dir)


def _run(lanes: Sequence[_Lane], module: Sequence[str], *, durable: bool, workers: int) -> int:
    inherited = {name: value for name, value in os.environ.items() if name not in UNSET}
    first, *others = lanes
    print_line("Starting PostgreSQL, Valkey, the language model for this run.")
    env = first.bring_up(inherited, durable=durable, with_model=True)
    # One language model is enough for all: it keeps nothing of a call.
    shared = {name: value for name, value in env.items() if name not in _OWN}
    each = [env, *(lane.bring_up(shared, durable=durable, with_model=False) for lane in others)]
    for lane in lanes:
        lane.supervisor.await_all()
    if workers:
        own = [{name: one[name] for name in _OWN} for one in each]
        env |= worker_servers.variables(own)
        module = (*module, "-n", str(workers), *_DISTRIBUTION)
    return _run_module([lane.supervisor for lane in lanes], module, env)


def _run_module(
    supervisors: Sequence[Supervisor], module: Sequence[str], env: Mapping[str, str]
) -> int:
    """Run the module in our own session, so that a debugger in it can use the terminal."""
    process = subprocess.Popen(
        [sys.executable, "-m", *module],
        cwd=PROJECT,
        env=env,
        preexec_fn=subprocesses.end_with_parent(signal.SIGINT),
    )
    try:
        while process.poll() is None:
            for supervisor in supervisors:
                supervisor.pause(0.1)
    except StopRequested:
        # Like Ctrl-C at a terminal: pytest tears down its fixtures and reports.
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        process.kill()
        process.wait()
        raise
    return process.returncode


@contextlib.contextmanager
def _data_folder() -> Iterator[Path]:
    """Yield a new folder; the lock in it shows later runs whether this one was killed."""
    with contextlib.ExitStack() as stack:
        data_dir = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
        stack.callback(shutil.rmtree, data_dir, ignore_errors=True)
        lock = stack.enter_context((data_dir / "suite.lock").open("w"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield data_dir


def _remove_abandoned() -> None:
    """Clean up after test runs that were killed with -9."""
    for lock_file in Path(tempfile.gettempdir()).resolve().glob(f"{_PREFIX}*/suite.lock"):
        data_dir = lock_file.parent
        with contextlib.suppress(OSError), lock_file.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ChildRegistry(data_dir).end_orphans()
            postgres.end_orphaned_server((data_dir / "postgres").resolve())
            paths.remove(data_dir)
            shutil.rmtree(data_dir)
