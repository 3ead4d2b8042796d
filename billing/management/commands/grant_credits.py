"""`manage.py grant_credits`: an operator gives credits, or takes them back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.services import give_personal_workspace
from billing.errors import NotEnoughCredits
from billing.ledger import grants


class Command(BaseCommand):
    help = "Grant apiCredits to a person's workspace; a negative number takes back, not below zero."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True, help="whose workspace")
        parser.add_argument("--credits", required=True, type=int, help="how many; not zero")
        parser.add_argument("--reason", required=True, help="shown in the ledger")

    def handle(self, *args: Any, email: str, reason: str, **options: Any) -> None:
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            raise CommandError(f"Nobody has signed up as {email}.")
        if options["credits"] == 0:
            raise CommandError("The number of credits must not be zero.")
        try:
            entry = grants.grant(
                workspace=give_personal_workspace(user),
                credits=options["credits"],
                reason=reason[:200],
            )
        except NotEnoughCredits as error:
            raise CommandError(f"Nothing was taken back: {error}.") from None
        self.stdout.write(f"{entry.amount:+,} credits; the balance is now {entry.balance_after:,}.")
