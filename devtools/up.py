"""`bin/up`: runs the whole product on this machine, from the database to the portal."""

import contextlib
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from devtools.error_lines import ErrorLines
from devtools.options import Options, check_settings
from embedded import child_log, endpoints, ports, servers, stripe_sandbox, web_server
from embedded.errors import AlreadyRunning, StopRequested
from embedded.orphans import ChildRegistry
from embedded.stop_signals import StopSignals
from embedded.subprocesses import Child
from embedded.supervisor import Supervisor
from embedded.terminal import print_line

_USAGE = """usage: bin/up

Runs the whole product on this machine until Ctrl-C. It takes no arguments: settings come from the
environment, such as PORT=8001 bin/up; docs/configuration.md lists them. SIGHUP restarts the web
processes one by one, without losing a call."""
_WEB_PROCESSES = 2
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (recognised, not bound)


def up(arguments: list[str]) -> int:
    """Run until a stop signal, then end all children; return the exit code."""
    if arguments:
        print_line(_USAGE)
        return 0 if arguments in (["-h"], ["--help"]) else 2
    signals = StopSignals(restarts_on_hangup=True)
    check_settings()
    options = Options.from_environment(os.environ)
    with_model = options.wants_model()
    options.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _sole_start(options.data_dir):
        supervisor = Supervisor(signals=signals, data_dir=options.data_dir, log_dir=options.log_dir)
        try:
            _end_orphans(options, signals)
            _run(supervisor, options, with_model=with_model)
        except StopRequested:
            print_line("Stopping.")
        finally:
            supervisor.stop()
            endpoints.remove(options.data_dir)
    return 0


def _end_orphans(options: Options, signals: StopSignals) -> None:
    """End what a killed start left, and check the port. Raises PortInUse and BadSetting."""
    registry = ChildRegistry(options.data_dir)
    ended = registry.end_orphans(pause=signals.pause, report=print_line)
    if ended:
        print_line("Ended what an earlier start left running.")
    ports.require_free(host=options.host, port=options.port, within_s=5 if ended else 0)


def _run(supervisor: Supervisor, options: Options, *, with_model: bool) -> None:
    started_at = time.monotonic()
    env = {**os.environ, **options.environment()}
    rows = servers.table(
        supervisor, data_dir=options.data_dir, env=env, durable=True, with_model=with_model
    )
    if options.runs_stripe_sandbox:
        portal_url = f"http://{_reachable(options)}:{options.port}"
        rows.append(stripe_sandbox.service(options.data_dir, env=env, portal_url=portal_url))
    if rows:
        print_line(f"Starting {', '.join(row.child.title for row in rows)}.")
    env |= servers.bring_up(supervisor, rows, data_dir=options.data_dir)
    print_line("Preparing the database: migrations and catalogue.")
    supervisor.run(_preparation(options, env))
    print_line("Starting the portal, the gateway, the worker and the scheduler.")
    # The children inherit it. Ours is closed before they are stopped: with it open, the system
    # would go on accepting connections that nobody answers.
    with ports.listen(options.host, options.port) as listener:
        _serve(supervisor, options, env, listener)
        seconds = time.monotonic() - started_at
        print_line(f"Ready after {seconds:.1f} seconds.\n\n{_welcome(options)}")
        supervisor.watch()


def _serve(
    supervisor: Supervisor, options: Options, env: Mapping[str, str], listener: socket.socket
) -> None:
    web_log = child_log.open_log(options.log_dir, "web")
    supervisor.on_pause = ErrorLines(web_log).show_new
    for child in _processes(options, env, listener):
        supervisor.start(child)
    supervisor.await_all()


def _preparation(options: Options, env: Mapping[str, str]) -> Child:
    return Child(
        name="prepare",
        title="Preparing the database",
        command=(
            *(sys.executable, "-m", "devtools.prepare"),
            *(("--demo",) if options.seeds_demo else ()),
        ),
        env=env,
    )


def _processes(options: Options, env: Mapping[str, str], listener: socket.socket) -> list[Child]:
    """Return the product's own processes. They stop in the reverse order: web first."""
    celery = (sys.executable, "-m", "celery", "-A", "caicaini_portal")
    schedule = options.data_dir / "beat-schedule"
    worker = Child(
        name="worker",
        title="the worker",
        command=(
            *celery,
            "worker",
            *("--concurrency", "2", "--without-gossip", "--without-mingle"),
        ),
        env=env,
    )
    beat = Child(
        name="beat",
        title="the scheduler",
        # No pid file: the supervisor runs only one scheduler, and the file would survive a kill -9.
        command=(*celery, "beat", "--schedule", str(schedule), "--pidfile", ""),
        env=env,
    )
    return [worker, beat, *(_web(options, env, listener) for _ in range(_WEB_PROCESSES))]


def _web(options: Options, env: Mapping[str, str], listener: socket.socket) -> Child:
    return Child(
        name="web",
        title="a web process",
        command=web_server.command_on_socket(
            listener.fileno(), drain_window_s=options.drain_window_s
        ),
        env=env,
        is_ready=lambda: ports.answers(
            _reachable(options),
            options.port,
            "/readyz",
            name=urlsplit(options.public_url).netloc,
        ),
        final_signal=signal.SIGINT,  # closes idle connections at once: a person waits
        is_replaceable=True,
        descriptors=(listener.fileno(),),
        stop_window_s=options.drain_window_s + 5,
    )


def _reachable(options: Options) -> str:
    """Return the host by which this machine reaches its own portal."""
    return _WILDCARDS.get(options.host, options.host)


def _welcome(options: Options) -> str:
    lines = [f"Caicaini is at {options.public_url}"]
    if options.seeds_demo:
        lines.append("  sign in as demo@example.com with the password caicaini-demo")
    if options.in_development and not os.environ.get("EMAIL_URL"):
        lines.append(f"  mail it sends: {options.public_url}/development/mail")
    if options.runs_stripe_sandbox:
        lines.append("  payments go to a sandbox: 4242 4242 4242 4242 pays, with no real money")
    lines.append(f"  logs: {options.log_dir}")
    lines.append("Ctrl-C stops everything.")
    return "\n".join(lines)


@contextlib.contextmanager
def _sole_start(data_dir: Path) -> Iterator[None]:
    """Lock the data folder; the system releases the lock at any kind of exit."""
    with (data_dir / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"bin/up already runs on {data_dir}: stop it first, or choose another DATA_DIR."
            ) from None
        yield
