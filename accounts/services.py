"""Operations on people and workspaces."""

from django.db import transaction

from accounts.models import Membership, Role, User, Workspace


@transaction.atomic
def give_personal_workspace(user: User) -> Workspace:
    """Create a person's own workspace; the second time return the one they have."""
    own = Workspace.objects.filter(memberships__user=user).order_by("memberships__id").first()
    if own is not None:
        return own
    name = user.email.partition("@")[0][:60]
    workspace = Workspace.objects.create(name=f"{name}'s workspace")
    Membership.objects.create(user=user, workspace=workspace, role=Role.OWNER)
    return workspace
