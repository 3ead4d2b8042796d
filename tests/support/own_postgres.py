"""A PostgreSQL for tests that kill it: from the wheel, like the embedded one, unsupervised."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
from django.db import connection
from psycopg import conninfo as libpq

from embedded import paths, ports, postgres, subprocesses
from embedded.paths import ClusterPaths
from embedded.postgres import Postgres
from embedded.subprocesses import Child

_TIMEOUT_S = 180  # initdb with fsync takes long on a slow disk


class OwnPostgres:
    """A durable cluster in its own folder; `url` stays the same across restarts.

    With `backup_of` it is a backup of that running server; with `is_standby` too, it follows it.
    """

    def __init__(
        self, folder: Path, *, backup_of: "OwnPostgres | None" = None, is_standby: bool = False
    ) -> None:
        self._folder = folder
        cluster = paths.cluster_for(folder)
        server = Postgres(cluster, port=ports.free_port(), durable=True)
        self._root = cluster.root
        if backup_of is None:
            step = server.initdb()
            assert step is not None, "the folder is new"
            self._run(step)
            server.adopt()
        else:
            # Copied with its owner: pg_basebackup runs as the user of the servers.
            shutil.copy2(backup_of._root / "password", self._root)
            if cluster.owner is not None:
                os.chown(self._root / "password", *cluster.owner)
            self._run(_basebackup(backup_of.url, cluster, is_standby=is_standby))
        service = server.service()
        self._child = service.child
        self._process: subprocess.Popen[bytes] | None = None
        self.url: str = service.exports["DATABASE_URL"]

    def start(self) -> None:
        """Start it and wait until it answers. Retries while killed processes still block it."""
        give_up_at = time.monotonic() + _TIMEOUT_S
        while not self._starts():
            assert time.monotonic() < give_up_at, self.log()
            time.sleep(0.1)

    def await_answer(self) -> None:
        """Wait until it answers, after a crash from which it recovers by itself."""
        give_up_at = time.monotonic() + _TIMEOUT_S
        assert self._child.is_ready is not None
        while not self._child.is_ready():
            assert time.monotonic() < give_up_at, self.log()
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill the postmaster; its other processes notice and exit."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        connection.close()  # Django's connection; Django opens a new one

    def stop(self) -> None:
        """Shut it down as `pg_ctl stop -m fast` does: it ends sessions and keeps commits."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(_TIMEOUT_S)
        connection.close()  # as above

    def promote(self) -> None:
        """Make this standby a leader, and wait until it is one."""
        with psycopg.connect(self.url, autocommit=True) as asking:
            assert asking.execute("SELECT pg_promote(wait_seconds => 180)").fetchone() == (True,)

    def uptime_s(self) -> float:
        """Return its uptime by its own clock."""
        with psycopg.connect(self.url) as asking:
            row = asking.execute(
                "SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())"
            ).fetchone()
        assert row is not None
        return float(row[0])

    @property
    def postmaster(self) -> subprocess.Popen[bytes]:
        """The running postmaster's process."""
        assert self._process is not None
        return self._process

    def freeze(self) -> None:
        """Suspend all its processes: connections stay open and get no answer."""
        for process in self._processes():  # the postmaster first, so that it spawns no more
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume all its processes."""
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        """End it, and delete its data."""
        if self._process is not None:
            self.thaw()
            subprocesses.kill_group(self._process)
            self._process.wait()
        postgres.end_orphaned_server(self._root)
        paths.remove(self._folder)

    def log(self) -> str:
        """Return its log."""
        return (self._folder / "postgres.log").read_text(errors="replace")

    def _run(self, step: Child) -> None:
        assert self._spawn(step).wait(_TIMEOUT_S) == 0, self.log()

    def _starts(self) -> bool:
        self._process = process = self._spawn(self._child)
        assert self._child.is_ready is not None
        while process.poll() is None:
            if self._child.is_ready():
                return True
            time.sleep(0.05)
        return False

    def _spawn(self, child: Child) -> "subprocess.Popen[bytes]":
        with (self._folder / "postgres.log").open("ab") as output:
            return subprocesses.spawn(child, output=output, mark={})

    def _processes(self) -> Iterator[psutil.Process]:
        """Yield the postmaster, and only then list its children."""
        assert self._process is not None
        if self._process.poll() is None:
            postmaster = psutil.Process(self._process.pid)
            yield postmaster
            yield from postmaster.children(recursive=True)


def _basebackup(url: str, cluster: ClusterPaths, *, is_standby: bool) -> Child:
    """Return the step that copies a running server, with the WAL of meanwhile."""
    return Child(
        name="basebackup",
        title="Backup",
        command=(
            str(cluster.binaries / "pg_basebackup"),
            *("--dbname", url, "--pgdata", str(cluster.root / "data")),
            *("--wal-method=stream", "--checkpoint=fast"),
            *(("--write-recovery-conf",) if is_standby else ()),
        ),
        env={"PATH": os.defpath, "LC_ALL": "C"},
        owner=cluster.owner,
        cwd=Path("/"),
    )


@contextlib.contextmanager
def own_postgres(folder: Path, **origin: Any) -> Iterator[OwnPostgres]:
    """Run a server for the block; `origin` is OwnPostgres's."""
    server = OwnPostgres(folder, **origin)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@contextlib.contextmanager
def served_by(url: str) -> Iterator[None]:
    """Connect Django in this process to that server, or the leader of several, for the block."""
    theirs = libpq.conninfo_to_dict(url)
    ours = connection.settings_dict
    wanted = {"target_session_attrs": theirs.get("target_session_attrs", "any")}
    changed = {
        "OPTIONS": {**ours["OPTIONS"], **wanted},
        "HOST": theirs["host"],
        "PORT": theirs["port"],
        "USER": theirs["user"],
        "PASSWORD": theirs["password"],
        "NAME": theirs["dbname"],
    }
    before = {name: ours[name] for name in changed}
    connection.close()
    ours.update(changed)
    try:
        yield
    finally:
        connection.close()
        ours.update(before)
