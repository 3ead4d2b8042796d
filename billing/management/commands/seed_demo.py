"""`manage.py seed_demo`: the demo person of the embedded mode, and the demo of the landing page."""

from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.services import give_personal_workspace
from billing import tasks
from billing.ledger import posting, wallets, welcome
from billing.models import EntryKind

EMAIL = "demo@example.com"
PASSWORD = "caicaini-demo"  # noqa: S105 (published; the command refuses to run in production)
CREDITS = 500_000


class Command(BaseCommand):
    help = f"Create {EMAIL} with {CREDITS:,} apiCredits. The second time nothing changes."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEVELOPMENT:
            raise CommandError("The demo person has a published password: not in production.")
        user = User.objects.filter(email=EMAIL).first()
        if user is None:
            user = User.objects.create_user(EMAIL, PASSWORD)
        EmailAddress.objects.get_or_create(
            user=user, email=EMAIL, defaults={"verified": True, "primary": True}
        )
        wallet = wallets.wallet_of(give_personal_workspace(user))
        # The published balance is exact: no welcome credits on top at the first sign-in.
        welcome.claim(wallet=wallet, email=EMAIL)
        posting.post(
            wallet_id=wallet.pk,
            kind=EntryKind.GRANT,
            amount=CREDITS,
            reference="demo",
            reason="Demo credits",
        )
        tasks.fill_demo_wallet()
        self.stdout.write(f"{EMAIL} is ready.")
