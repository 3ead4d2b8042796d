"""The embedded PostgreSQL keeps all commits after any kind of exit."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from embedded import orphans, paths, postgres
from embedded.orphans import ChildRegistry
from embedded.postgres import Postgres
from embedded.subprocesses import PROJECT
from tests.support.waiting import eventually


class Cluster:
    """One run of the data folder's PostgreSQL."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.embedded.cluster", str(data_dir)],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=120)

    def error_output(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()


@pytest.fixture
def start_cluster(data_dir: Path) -> Iterator[Callable[[], Cluster]]:
    """Start the cluster of `data_dir`; stop it after the test and delete its data."""
    made: list[Cluster] = []

    def start() -> Cluster:
        made.append(Cluster(data_dir))
        return made[-1]

    yield start
    for cluster in made:
        cluster.end()
    ChildRegistry(data_dir).end_orphans()
    postgres.end_orphaned_server((data_dir / "postgres").resolve())
    paths.remove(data_dir)


NewCluster = Callable[[], Cluster]


def _postmaster(data_dir: Path) -> psutil.Process:
    lock = data_dir / "postgres/data/postmaster.pid"
    return psutil.Process(int(lock.read_text().split()[0]))


def _write_a_row(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE entries AS SELECT 'kept' AS value")


def _rows(url: str) -> list[tuple[str, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT value FROM entries").fetchall()


def _kill_all(cluster: Cluster, data_dir: Path) -> None:
    postmaster = _postmaster(data_dir)
    cluster.process.send_signal(signal.SIGSTOP)  # or it would restart the server at once
    postmaster.kill()
    cluster.process.kill()
    cluster.process.wait()
    eventually(lambda: not orphans.runs(postmaster), what="the server's end")


def test_a_commit_survives_when_everything_is_killed(
    start_cluster: NewCluster, data_dir: Path
) -> None:
    first = start_cluster()
    _write_a_row(first.url)
    _kill_all(first, data_dir)

    second = start_cluster()

    assert _rows(second.url) == [("kept",)]
    assert second.end() == 0


def test_a_lock_file_with_a_reused_process_id_is_ignored(
    start_cluster: NewCluster, data_dir: Path
) -> None:
    first = start_cluster()
    _write_a_row(first.url)
    owner = _postmaster(data_dir).uids().effective
    _kill_all(first, data_dir)
    lock = data_dir / "postgres/data/postmaster.pid"
    as_owner = owner if os.geteuid() == 0 else None

    with subprocess.Popen(["sleep", "600"], user=as_owner) as other_program:
        lock.write_text(
            lock.read_text().replace(lock.read_text().split()[0], str(other_program.pid), 1)
        )
        second = start_cluster()
        is_left_alone = other_program.poll() is None
        other_program.kill()
    assert is_left_alone
    assert _rows(second.url) == [("kept",)]


def test_it_requires_its_password_and_listens_on_loopback_only(
    start_cluster: NewCluster, data_dir: Path
) -> None:
    cluster = start_cluster()

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(cluster.url.replace("caicaini:", "caicaini:x", 1))
    with psycopg.connect(cluster.url) as connection:
        listening = connection.execute("SHOW listen_addresses").fetchone()

    assert listening == ("127.0.0.1",)
    cluster.end()


@pytest.mark.parametrize(("durable", "is_unsafe"), [(True, False), (False, True)])
def test_only_a_test_run_has_no_durable_commits(
    start_cluster: NewCluster, data_dir: Path, *, durable: bool, is_unsafe: bool
) -> None:
    server = Postgres(paths.cluster_for(data_dir), port=1, durable=durable)
    initdb = server.initdb()
    (server.cluster.root / "data").mkdir()

    command = server.service().child.command

    assert initdb is not None
    assert ("--no-sync" in initdb.command) is is_unsafe
    assert ("fsync=off" in command) is is_unsafe


def test_no_folders_mode_is_widened_and_the_data_is_its_owners_alone(
    start_cluster: NewCluster, data_dir: Path
) -> None:
    folders = [data_dir, *data_dir.parents]
    modes_before = [folder.stat().st_mode for folder in folders]

    cluster = start_cluster()

    assert [folder.stat().st_mode for folder in folders] == modes_before
    assert stat.S_IMODE((data_dir / "postgres").stat().st_mode) == 0o700
    assert stat.S_IMODE((data_dir / "postgres/password").stat().st_mode) == 0o600
    cluster.end()


def test_deleting_the_data_folder_gives_an_empty_database(
    start_cluster: NewCluster, data_dir: Path
) -> None:
    first = start_cluster()
    _write_a_row(first.url)
    first.end()
    shutil.rmtree(data_dir)
    data_dir.mkdir()

    second = start_cluster()

    with pytest.raises(psycopg.errors.UndefinedTable):
        _rows(second.url)
    second.end()


def test_a_cluster_of_another_postgresql_version_is_refused(
    start_cluster: NewCluster, data_dir: Path
) -> None:
    start_cluster().end()
    (data_dir / "postgres/data/PG_VERSION").write_text("12\n")

    refused = start_cluster()

    assert refused.process.wait(timeout=120) == 1
    assert (
        "was made by PostgreSQL 12 and this version of Caicaini brings 18" in refused.error_output()
    )


def test_an_interrupted_initdb_leaves_no_incomplete_cluster(
    start_cluster: NewCluster, data_dir: Path
) -> None:
    start_cluster().end()
    root = (data_dir / "postgres").resolve()
    (root / "data").rename(root / "data.draft")
    (root / "data.draft/global/pg_control").unlink()

    second = start_cluster()

    _write_a_row(second.url)
    assert _rows(second.url) == [("kept",)]
    second.end()
