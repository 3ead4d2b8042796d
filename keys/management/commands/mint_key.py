"""`manage.py mint_key`: print a new key's token on stdout, for scripts."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.services import give_personal_workspace
from keys import services


class Command(BaseCommand):
    help = "Mint an API key in a person's workspace and print its token, and nothing else, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True, help="who the key is for")
        parser.add_argument("--name", required=True, help="what the key is called")

    def handle(self, *args: Any, email: str, name: str, **options: Any) -> None:
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            raise CommandError(f"Nobody has signed up as {email}.")
        minted = services.mint(
            workspace=give_personal_workspace(user), name=name[:80], created_by=user
        )
        self.stdout.write(minted.token)
