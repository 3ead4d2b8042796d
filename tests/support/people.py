"""People with workspaces and browsers, for tests of pages."""

from itertools import count

from allauth.account.models import EmailAddress
from django.test import Client

from accounts.models import Membership, Role, User, Workspace
from accounts.services import give_personal_workspace

PASSWORD = "a quiet green valley"
_people = count(1)


def new_person(email: str | None = None) -> User:
    """Make a person with a confirmed address, PASSWORD and a workspace of their own."""
    user = User.objects.create_user(email or f"person{next(_people)}@example.com", PASSWORD)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    give_personal_workspace(user)
    return user


def new_member(workspace: Workspace, role: Role) -> User:
    """Make a person whose only membership is in somebody else's workspace."""
    user = User.objects.create_user(f"{role}{next(_people)}@example.com", PASSWORD)
    Membership.objects.create(user=user, workspace=workspace, role=role)
    return user


def workspace_of(user: User) -> Workspace:
    """Return the workspace a person works in."""
    return Workspace.objects.get(memberships__user=user)


def browser_of(user: User) -> Client:
    """Return a browser in which the person is signed in."""
    browser = Client()
    browser.force_login(user)
    return browser
