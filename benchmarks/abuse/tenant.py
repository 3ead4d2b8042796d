"""Makes a tenant: a workspace with credits and keys. Prints the keys, one a line.

python -m benchmarks.abuse.tenant EMAIL CREDITS KEYS
"""

import sys

import django

django.setup()

from accounts.models import User  # noqa: E402
from accounts.services import give_personal_workspace  # noqa: E402
from billing.ledger import grants  # noqa: E402
from keys import services  # noqa: E402


def main(email: str, credits: int, keys: int) -> None:
    """Make the tenant and print its keys."""
    user = User.objects.create_user(email)
    workspace = give_personal_workspace(user)
    grants.grant(workspace=workspace, credits=credits, reason="benchmark")
    for number in range(keys):
        minted = services.mint(workspace=workspace, name=f"key {number}", created_by=user)
        sys.stdout.write(f"{minted.token}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
