"""`bin/test` and `bin/bench`: a run with its own embedded servers and data folder."""

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

from embedded import paths, postgres, servers, subprocesses
from embedded.errors import StopRequested
from embedded.orphans import CHILD_OF, ChildRegistry
from embedded.stop_signals import StopSignals
from embedded.subprocesses import PROJECT
from embedded.supervisor import Supervisor
from embedded.terminal import print_line

_PREFIX = "caicaini-test-"
# Settings that the user's shell may hold: a test run starts from the defaults.
_UNSET = (
    *("DATABASE_URL", "REDIS_URL", "CATALOGUE", "PUBLIC_URL", "PORT", "HOST", "SECRET_KEY"),
    *("WELCOME_CREDITS", "RATE_LIMITS", "EMAIL_URL", "DEBUG", "LOG_LEVEL", "ALLOWED_HOSTS"),
    *("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS", "STRIPE_API_BASE", "STRIPE_CHECKOUT_ORIGINS"),
    *("STRIPE_AUTOMATIC_TAX", "STRIPE_INVOICE_CREATION", "TRUSTED_PROXY_COUNT"),
    *("OPERATOR_NAME", "SUPPORT_EMAIL", "SUPPORT_URL", "STATUS_URL", "TERMS_FILE", "PRIVACY_FILE"),
)


def suite(arguments: list[str]) -> int:
    """Run pytest with `arguments`; return its exit code, or 130 after a stop signal.

    The database runs without fsync: no test simulates a power cut.
    """
    return _on_own_servers(("pytest", *arguments), durable=False)


def bench(arguments: list[str]) -> int:
    """Run a benchmark the same way, but on a database as durable as in production."""
    return _on_own_servers(("benchmarks", *arguments), durable=True)


def _on_own_servers(module: Sequence[str], *, durable: bool) -> int:
    signals = StopSignals()
    _remove_abandoned()
    with _data_folder() as data_dir:
        supervisor = Supervisor(signals=signals, data_dir=data_dir, log_dir=data_dir / "log")
        try:
            return _run(supervisor, data_dir, module, durable=durable)
        except StopRequested:
            return 130
        finally:
            supervisor.stop()
            ChildRegistry(data_dir).end_orphans()  # what a test left running
            paths.remove(data_dir)


def _run(supervisor: Supervisor, data_dir: Path, module: Sequence[str], *, durable: bool) -> int:
    inherited = {name: value for name, value in os.environ.items() if name not in _UNSET}
    env = inherited | {"DATA_DIR": str(data_dir)}
    rows = servers.table(supervisor, data_dir=data_dir, env=env, durable=durable, with_model=True)
    print_line(f"Starting {', '.join(row.child.title for row in rows)} for this run.")
    env |= servers.bring_up(supervisor, rows, data_dir=data_dir)
    supervisor.await_all()
    return _run_module(supervisor, module, env | {CHILD_OF: str(data_dir)})


def _run_module(supervisor: Supervisor, module: Sequence[str], env: Mapping[str, str]) -> int:
    """Run the module in our own session, so that a debugger in it can use the terminal."""
    process = subprocess.Popen(
        [sys.executable, "-m", *module],
        cwd=PROJECT,
        env=env,
        preexec_fn=subprocesses.end_with_parent(signal.SIGINT),
    )
    try:
        while process.poll() is None:
            supervisor.pause(0.2)
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
