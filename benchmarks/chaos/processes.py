"""The processes of the product and its servers, each of which can be killed and restarted."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psycopg

from embedded import ports, valkey, web_server
from embedded.subprocesses import PROJECT
from tests.support.own_postgres import OwnPostgres

_CELERY = (sys.executable, "-m", "celery", "-A", "caicaini_portal")


class Process:
    """A process that can be killed and restarted."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], log: Path):
        self.name = name
        self._command = command
        self._env = {**os.environ, **env}
        self._log = log / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def ensure_running(self) -> None:
        """Start it unless it is running."""
        if self._process is not None and self._process.poll() is None:
            return
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=PROJECT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill it and its children."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Valkey(Process):
    """The Redis of the run, on the same port after each restart."""

    def __init__(self, folder: Path, log: Path):
        self._service = valkey.service(folder)
        self.url = self._service.exports["REDIS_URL"]
        super().__init__("valkey", self._service.child.command, {}, log)


class Outage(NamedTuple):
    """When PostgreSQL began to be unavailable and when it was back, by the monotonic clock."""

    began: float
    ended: float


class Postgres:
    """PostgreSQL: its postmaster can be killed, or one of its backends, or it can be restarted."""

    name = "postmaster"

    def __init__(self, server: OwnPostgres):
        self._server = server
        self._down_since: float | None = None
        self.outages: list[Outage] = []

    def ensure_running(self) -> None:
        """Restart it if it was killed."""
        if self._down_since is not None:
            self._server.start()
            self.outages.append(Outage(self._down_since, time.monotonic()))
            self._down_since = None

    def kill(self) -> None:
        """Kill the postmaster and wait up to 3 s: running calls must survive that outage."""
        self._down_since = time.monotonic()
        self._server.kill()
        time.sleep(random.uniform(0, 3))

    def restart(self) -> None:
        """Restart it as an upgrade does, with a fast shutdown."""
        self._down_since = time.monotonic()
        self._server.stop()
        self.ensure_running()

    def kill_backend(self) -> None:
        """Kill the backend of one session; PostgreSQL then ends all sessions and recovers."""
        began = time.monotonic()
        self._kill_backend()
        time.sleep(0.2)  # until the postmaster has noticed, it answers
        self._server.await_answer()
        self.outages.append(Outage(began, time.monotonic()))

    def _kill_backend(self) -> None:
        with (
            contextlib.suppress(psycopg.OperationalError),
            psycopg.connect(self._server.url) as connection,
        ):
            row = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                " AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1"
            ).fetchone()
            if row is not None:
                os.kill(row[0], signal.SIGKILL)


class Processes:
    """All processes, and the addresses of the two gateways."""

    def __init__(self, server: OwnPostgres, folder: Path, *, catalogue: Path):
        self.postgres = Postgres(server)
        self.valkey = Valkey(folder, folder)
        env = {
            "DATABASE_URL": server.url,
            "REDIS_URL": self.valkey.url,
            "DATA_DIR": str(folder),
            "CATALOGUE": str(catalogue),
            "RATE_LIMITS": "requests=1000000000,input_tokens=1000000000000",
            "LOG_LEVEL": "WARNING",
        }
        gateway_ports = [ports.free_port() for _ in range(2)]
        self.urls = [f"http://127.0.0.1:{port}" for port in gateway_ports]
        self.gateways = [
            Process(
                f"gateway-{number}", web_server.command(host=ports.LOOPBACK, port=port), env, folder
            )
            for number, port in enumerate(gateway_ports)
        ]
        self.worker = Process(
            "worker",
            (*_CELERY, "worker", "--concurrency", "1", "--without-gossip", "--without-mingle"),
            env,
            folder,
        )
        beat = ("beat", "--schedule", str(folder / "beat-schedule"), "--pidfile", "")
        self.beat = Process("beat", (*_CELERY, *beat), env, folder)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start all processes for the block, and kill them at its end."""
        try:
            self.ensure_running()
            for url in self.urls:
                _await_answer(url)
            yield
        finally:
            for process in self._processes:
                process.kill()

    def ensure_running(self) -> None:
        """Restart the processes that were killed."""
        self.postgres.ensure_running()
        for process in self._processes:
            process.ensure_running()

    def kill_one(self, names: Sequence[str]) -> str:
        """Kill a random process of these, or of all if there are none; return its name."""
        victims = {
            "gateway": random.choice(self.gateways).kill,
            "worker": self.worker.kill,
            "beat": self.beat.kill,
            "backend": self.postgres.kill_backend,
            "postmaster": self.postgres.kill,
            "restart": self.postgres.restart,
            "valkey": self.valkey.kill,
        }
        name = random.choice(names or list(victims))
        victims[name]()
        return name

    @property
    def _processes(self) -> list[Process]:
        return [self.valkey, *self.gateways, self.worker, self.beat]


def _await_answer(url: str) -> None:
    give_up_at = time.monotonic() + 60
    port = int(url.rpartition(":")[2])
    while not ports.answers(ports.LOOPBACK, port, "/healthz", name="localhost"):
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"no answer from {url}")
        time.sleep(0.1)
