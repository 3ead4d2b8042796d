"""The embedded PostgreSQL keeps what was committed, however the start before it ended."""

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
from embedded.orphans import Register
from embedded.postgres import Postgres
from embedded.subprocesses import PROJECT
from tests.support.waiting import eventually


class Cluster:
    """One start of the data folder's PostgreSQL."""

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

    def complaint(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()


@pytest.fixture
def start_cluster(data_dir: Path) -> Iterator[Callable[[], Cluster]]:
    """Start the cluster of `data_dir`; whatever runs at the end is ended, and the data removed."""
    made: list[Cluster] = []

    def start() -> Cluster:
        made.append(Cluster(data_dir))
        return made[-1]

    yield start
    for cluster in made:
        cluster.end()
    Register(data_dir).end_leftovers()
    postgres.end_leftover((data_dir / "postgres").resolve())
    paths.remove(data_dir)


NewCluster = Callable[[], Cluster]


def _postmaster(data_dir: Path) -> psutil.Process:
    lock = data_dir / "postgres/data/postmaster.pid"
    return psutil.Process(int(lock.read_text().split()[0]))


def _write_a_row(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE promises AS SELECT 'kept' AS promise")


def _rows(url: str) -> list[tuple[str, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT promise FROM promises").fetchall()


def _kill_all(cluster: Cluster, data_dir: Path) -> None:
    postmaster = _postmaster(data_dir)
    cluster.process.send_signal(signal.SIGSTOP)  # or it would start the next at once
    postmaster.kill()
    cluster.process.kill()
    cluster.process.wait()
    eventually(lambda: not orphans.runs(postmaster), what="the server's end")


def test_a_commit_is_there_after_everything_was_killed(
    start_cluster: NewCluster, data_dir: Path
) -> None:
    first = start_cluster()
    _write_a_row(first.url)
    _kill_all(first, data_dir)

    second = start_cluster()

    assert _rows(second.url) == [("kept",)]
    assert second.end() == 0


def test_a_lock_file_whose_process_id_was_given_to_somebody_else_is_no_hindrance(
    start_cluster: NewCluster, data_dir: Path
) -> None:
    first = start_cluster()
    _write_a_row(first.url)
    owner = _postmaster(data_dir).uids().effective
    _kill_all(first, data_dir)
    lock = data_dir / "postgres/data/postmaster.pid"
    as_owner = owner if os.geteuid() == 0 else None

    with subprocess.Popen(["sleep", "600"], user=as_owner) as stranger:
        lock.write_text(lock.read_text().replace(lock.read_text().split()[0], str(stranger.pid), 1))
        second = start_cluster()
        is_left_alone = stranger.poll() is None
        stranger.kill()
    assert is_left_alone
    assert _rows(second.url) == [("kept",)]


def test_it_asks_for_its_password_and_listens_on_this_machine_only(
    start_cluster: NewCluster, data_dir: Path
) -> None:
    cluster = start_cluster()

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(cluster.url.replace("caicaini:", "caicaini:x", 1))
    with psycopg.connect(cluster.url) as connection:
        listening = connection.execute("SHOW listen_addresses").fetchone()

    assert listening == ("127.0.0.1",)
    cluster.end()


@pytest.mark.parametrize(("durable", "gives_safety_up"), [(True, False), (False, True)])
def test_only_a_test_run_gives_up_the_safety_of_a_commit(
    start_cluster: NewCluster, data_dir: Path, *, durable: bool, gives_safety_up: bool
) -> None:
    server = Postgres(paths.place_for(data_dir), port=1, durable=durable)
    initdb = server.initdb()
    (server.place.root / "data").mkdir()

    command = server.service().child.command

    assert initdb is not None
    assert ("--no-sync" in initdb.command) is gives_safety_up
    assert ("fsync=off" in command) is gives_safety_up


def test_no_folder_is_opened_wider_and_the_data_is_its_owners_alone(
    start_cluster: NewCluster, data_dir: Path
) -> None:
    folders = [data_dir, *data_dir.parents]
    modes_before = [folder.stat().st_mode for folder in folders]

    cluster = start_cluster()

    assert [folder.stat().st_mode for folder in folders] == modes_before
    assert stat.S_IMODE((data_dir / "postgres").stat().st_mode) == 0o700
    assert stat.S_IMODE((data_dir / "postgres/password").stat().st_mode) == 0o600
    cluster.end()


def test_deleting_the_data_folder_starts_anew(start_cluster: NewCluster, data_dir: Path) -> None:
    first = start_cluster()
    _write_a_row(first.url)
    first.end()
    shutil.rmtree(data_dir)
    data_dir.mkdir()

    second = start_cluster()

    with pytest.raises(psycopg.errors.UndefinedTable):
        _rows(second.url)
    second.end()


def test_a_cluster_of_another_postgresql_is_refused_with_the_way_out(
    start_cluster: NewCluster, data_dir: Path
) -> None:
    start_cluster().end()
    (data_dir / "postgres/data/PG_VERSION").write_text("12\n")

    refused = start_cluster()

    assert refused.process.wait(timeout=120) == 1
    assert "was made by PostgreSQL 12 and this version of Caicaini brings 18" in refused.complaint()


def test_a_start_that_was_cut_short_while_making_it_leaves_no_half(
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
