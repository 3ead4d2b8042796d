"""Makes the hostile tenant: a workspace with one credit and three keys, which it prints.

python -m benchmarks.abuse.hostile
"""

import sys

import django

django.setup()

from accounts.models import User  # noqa: E402
from accounts.services import give_personal_workspace  # noqa: E402
from billing.ledger import grants  # noqa: E402
from keys import services  # noqa: E402


def main() -> None:
    """Make the tenant and print its keys, one a line."""
    user = User.objects.create_user("hostile@example.com")
    workspace = give_personal_workspace(user)
    grants.grant(workspace=workspace, credits=1, reason="benchmark")
    for number in range(3):
        minted = services.mint(workspace=workspace, name=f"key {number}", created_by=user)
        sys.stdout.write(f"{minted.token}\n")


if __name__ == "__main__":
    main()
