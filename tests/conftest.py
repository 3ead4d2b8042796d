"""Fixtures for every test, and a person with their browser for tests of pages."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker, Settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from accounts.models import User, Workspace
from tests.support import people
from tests.support.roll_ups import TABLES

pytest_plugins = ["tests.support.gateways", "tests.gateway.faults.attempts"]

# The time an example takes depends on how busy the machine is, not on the product.
hypothesis_settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("any machine")
# For bin/bench seeded_bugs: that there is a failure is enough, a small example of it takes minutes.
hypothesis_settings.register_profile(
    "first failure",
    hypothesis_settings.get_profile("any machine"),
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
)


if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    # Under nohup the processes that tests start would ignore it too, and some are sent a SIGHUP. A
    # handler is not inherited.
    signal.signal(signal.SIGHUP, lambda *_: None)


_LONGEST = ("browser", "faults")  # folders; those whose files take longest come first


class _Together(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Keeps a file's tests in one process, and a folder's where they use a running product. xdist's
    own groups have no effect with this pytest."""

    def _split_scope(self, nodeid: str) -> str:
        file = Path(nodeid.partition("::")[0])
        has_product = any(
            (self.config.rootpath / folder / "product.py").exists() for folder in file.parents
        )
        return str(file.parent if has_product else file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: a process that began it last would run alone at the end."""
    items.sort(key=lambda item: [folder not in item.path.parts for folder in _LONGEST])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _Together:
    """Share the tests of a parallel run out."""
    return _Together(config, log)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Allow a test that is rolled back to keep its transaction open for as long as it runs."""
    options = connection.settings_dict["OPTIONS"]
    options["options"] += " -c idle_in_transaction_session_timeout=0"


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    """Use a fast hash: the real one is slow on purpose, and tests make hundreds of people."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _empty_record_table(
    request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """After a test that commits, empty the tables that Django does not manage."""
    yield
    mark = request.node.get_closest_marker("django_db")
    commits = mark is not None and mark.kwargs.get("transaction")
    if commits or "transactional_db" in request.fixturenames:
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE usage_requestrecord, usage_kept_tag, {', '.join(TABLES)}")


@pytest.fixture
def person(db: None) -> User:
    """A person with a confirmed address and a workspace of their own."""
    return people.new_person()


@pytest.fixture
def workspace(person: User) -> Workspace:
    """The person's workspace."""
    return people.workspace_of(person)


@pytest.fixture
def browser(person: User) -> Client:
    """The person's browser, signed in."""
    return people.browser_of(person)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def bare_environ(data_dir: Path) -> dict[str, str]:
    """An environment in which only the data folder is set."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "DATA_DIR": str(data_dir),
    }
