"""What tests of pages share: a person, their workspace, their browser."""

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User, Workspace
from tests import people


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    """Hashing a password is slow on purpose; hundreds of test people need not wait for it."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def person(db: None) -> User:
    """Somebody with a confirmed address and a workspace of their own."""
    return people.new_person()


@pytest.fixture
def workspace(person: User) -> Workspace:
    """The person's workspace."""
    return people.workspace_of(person)


@pytest.fixture
def browser(person: User) -> Client:
    """The person's browser, signed in."""
    return people.browser_of(person)
