"""The embedded PostgreSQL: a cluster of its own for each data folder, on a loopback port."""

import contextlib
import os
import secrets
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from embedded import orphans, ports
from embedded.errors import DataUnusable
from embedded.paths import Place
from embedded.subprocesses import Child, Service

_USER = _DATABASE = "caicaini"
_STOP_WINDOW_S = 20
_LEFTOVER_WINDOW_S = 5
# Nothing of ours: locale and libraries of whoever starts us must not reach the cluster.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}

_SETTINGS = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    # A statement whose client has gone ends within seconds, and with it the locks it holds.
    "client_connection_check_interval": "2s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}
# Commits then outlive a server that is killed, but not a machine that loses power.
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Postgres:
    """One cluster: where it lies, where it listens, and whether a commit survives a power cut."""

    place: Place
    port: int
    durable: bool

    def service(self) -> Service:
        """Return the server's row for the supervisor."""
        settings = _SETTINGS | {"port": str(self.port)} | ({} if self.durable else _NOT_DURABLE)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        child = Child(
            name="postgres",
            title="PostgreSQL",
            command=(str(self.place.binaries / "postgres"), "-D", str(self._data), *options),
            env=_ENVIRONMENT,
            is_ready=self._is_ready,
            owner=self.place.owner,
            cwd=Path("/"),
            # The fast shutdown: clients are cut off, everything committed is kept.
            stop_signal=signal.SIGINT,
            stop_window_s=_STOP_WINDOW_S,
        )
        return Service(child, {"DATABASE_URL": self._url(_DATABASE)}, is_needed_first=True)

    def initdb(self) -> Child | None:
        """Return the step that makes the cluster, or None when there is one.

        Raises DataUnusable when the one there is of another PostgreSQL, or lacks its password.
        It is made beside its place, and `adopt` moves it there: a start cut short leaves no half.
        """
        if self._data.exists():
            _require_same_version(self._data, self.place.binaries)
            self._password()
            return None
        shutil.rmtree(self._draft, ignore_errors=True)
        self._write_password()
        return Child(
            name="initdb",
            title="Making the database",
            command=(
                str(self.place.binaries / "initdb"),
                *("-D", str(self._draft), "-U", _USER, "--pwfile", str(self._password_file)),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums"),
                # The same order of text on every machine, whatever locales it has.
                *("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *(() if self.durable else ("--no-sync",)),
            ),
            env=_ENVIRONMENT,
            owner=self.place.owner,
            cwd=Path("/"),
        )

    def adopt(self) -> None:
        """Put the cluster that `initdb` made in its place."""
        self._draft.rename(self._data)

    @property
    def _data(self) -> Path:
        return self.place.root / "data"

    @property
    def _draft(self) -> Path:
        return self.place.root / "data.draft"

    @property
    def _password_file(self) -> Path:
        return self.place.root / "password"

    def _url(self, database: str) -> str:
        return f"postgresql://{_USER}:{self._password()}@{ports.LOOPBACK}:{self.port}/{database}"

    def _password(self) -> str:
        try:
            return self._password_file.read_text()
        except FileNotFoundError:
            raise DataUnusable(
                f"{self._password_file} is missing, and with it the way into the database beside "
                "it: put it back, or remove the data folder to start anew."
            ) from None

    def _write_password(self) -> None:
        self._password_file.unlink(missing_ok=True)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24))
        if self.place.owner is not None:
            os.chown(self._password_file, *self.place.owner)

    def _is_ready(self) -> bool:
        """Whether the server answers; the product's database is made when the cluster is new."""
        try:
            with psycopg.connect(
                self._url("postgres"), autocommit=True, connect_timeout=2
            ) as connection:
                _create_missing_database(connection)
        except psycopg.OperationalError:
            return False
        return True


def _create_missing_database(connection: psycopg.Connection) -> None:
    found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_DATABASE])
    if found.fetchone() is None:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_DATABASE)))


def end_leftover(root: Path) -> None:
    """End what still runs on the cluster in `root`, and clear a lock that is nobody's.

    When PostgreSQL's master is killed its sessions end a moment later, and until then they keep a
    new one from starting. And PostgreSQL takes the process id in its lock file for a server even
    when the system has since given it to another program of the same user.
    """
    data = root / "data"
    lock = data / "postmaster.pid"
    if not lock.exists():
        return
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        processes = _processes_in(data)
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        if not orphans.await_end(processes, within_s=_LEFTOVER_WINDOW_S):
            break
    # A server in the act of starting would hold shared memory, which keeps a second one out.
    lock.unlink(missing_ok=True)


def _processes_in(data: Path) -> list[psutil.Process]:
    """Return the processes that work in the data folder, as all of PostgreSQL's do."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if orphans.runs(process) and process.cwd() == str(data):
                found.append(process)
    return found


def _require_same_version(data: Path, binaries: Path) -> None:
    """Refuse a cluster of another major version: PostgreSQL does not convert it by itself."""
    found = (data / "PG_VERSION").read_text().strip()
    catalogue = (binaries.parent / "share/postgres.bki").open().readline()  # "# PostgreSQL 18"
    ours = catalogue.split()[-1]
    if found != ours:
        raise DataUnusable(
            f"{data} was made by PostgreSQL {found} and this version of Caicaini brings {ours}: "
            "dump it with the version before, or choose another DATA_DIR."
        )
