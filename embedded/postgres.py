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
from embedded.paths import ClusterPaths
from embedded.subprocesses import Child, Service

_USER = _DATABASE = "caicaini"
_STOP_WINDOW_S = 20
_ORPHAN_WINDOW_S = 5
# Not our environment: the locale and libraries of the calling shell must not affect the cluster.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}

_SETTINGS = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    # A statement whose client disconnected ends within seconds and releases its locks.
    "client_connection_check_interval": "2s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}
# A commit then survives a killed server, but not a power cut.
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Postgres:
    """One cluster: its paths, its port, and whether a commit survives a power cut."""

    cluster: ClusterPaths
    port: int
    durable: bool

    def service(self) -> Service:
        """Return the server for the supervisor."""
        settings = _SETTINGS | {"port": str(self.port)} | ({} if self.durable else _NOT_DURABLE)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        child = Child(
            name="postgres",
            title="PostgreSQL",
            command=(str(self.cluster.binaries / "postgres"), "-D", str(self._data), *options),
            env=_ENVIRONMENT,
            is_ready=self._is_ready,
            owner=self.cluster.owner,
            cwd=Path("/"),
            # The fast shutdown: it disconnects clients and keeps all commits.
            stop_signal=signal.SIGINT,
            stop_window_s=_STOP_WINDOW_S,
        )
        return Service(child, {"DATABASE_URL": self._url(_DATABASE)}, is_needed_first=True)

    def initdb(self) -> Child | None:
        """Return the step that makes the cluster, or None if it exists.

        Raises DataUnusable if the existing one is of another PostgreSQL version, or lacks its
        password. The step writes to a draft folder, which `adopt` renames: an interrupted start
        leaves no incomplete cluster.
        """
        if self._data.exists():
            _require_same_version(self._data, self.cluster.binaries)
            self._password()
            return None
        shutil.rmtree(self._draft, ignore_errors=True)
        self._write_password()
        return Child(
            name="initdb",
            title="Making the database",
            command=(
                str(self.cluster.binaries / "initdb"),
                *("-D", str(self._draft), "-U", _USER, "--pwfile", str(self._password_file)),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums"),
                # Sorts text the same way on every machine, with or without locales installed.
                *("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *(() if self.durable else ("--no-sync",)),
            ),
            env=_ENVIRONMENT,
            owner=self.cluster.owner,
            cwd=Path("/"),
        )

    def adopt(self) -> None:
        """Rename the draft that `initdb` made to the cluster's folder."""
        self._draft.rename(self._data)

    @property
    def _data(self) -> Path:
        return self.cluster.root / "data"

    @property
    def _draft(self) -> Path:
        return self.cluster.root / "data.draft"

    @property
    def _password_file(self) -> Path:
        return self.cluster.root / "password"

    def _url(self, database: str) -> str:
        return f"postgresql://{_USER}:{self._password()}@{ports.LOOPBACK}:{self.port}/{database}"

    def _password(self) -> str:
        try:
            return self._password_file.read_text()
        except FileNotFoundError:
            raise DataUnusable(
                f"{self._password_file} is missing, and the database beside it cannot be opened "
                "without it: restore it, or remove the data folder to start with an empty one."
            ) from None

    def _write_password(self) -> None:
        self._password_file.unlink(missing_ok=True)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24))
        if self.cluster.owner is not None:
            os.chown(self._password_file, *self.cluster.owner)

    def _is_ready(self) -> bool:
        """Whether the server answers; makes the product's database in a new cluster."""
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


def end_orphaned_server(root: Path) -> None:
    """End the processes that still run on the cluster in `root`, and remove a stale lock file.

    When PostgreSQL's postmaster is killed, its sessions end a moment later, and until then no new
    postmaster can start. Also, PostgreSQL believes the process id in its lock file even after the
    system has reused that id for another program of the same user.
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
        if not orphans.await_end(processes, within_s=_ORPHAN_WINDOW_S):
            break
    # Safe while another server is starting: its shared memory keeps a second one out.
    lock.unlink(missing_ok=True)


def _processes_in(data: Path) -> list[psutil.Process]:
    """Return the processes whose working directory is the data folder: PostgreSQL's."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if orphans.runs(process) and process.cwd() == str(data):
                found.append(process)
    return found


def _require_same_version(data: Path, binaries: Path) -> None:
    """Refuse a cluster of another major version: PostgreSQL does not convert it."""
    found = (data / "PG_VERSION").read_text().strip()
    catalogue = (binaries.parent / "share/postgres.bki").open().readline()  # "# PostgreSQL 18"
    ours = catalogue.split()[-1]
    if found != ours:
        raise DataUnusable(
            f"{data} was made by PostgreSQL {found} and this version of Caicaini brings {ours}: "
            "dump it with the previous version, or choose another DATA_DIR."
        )
