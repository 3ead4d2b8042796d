"""`manage.py reconcile_stripe`: compare Stripe's payments with our top-ups, print JSON."""

import json
import sys
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from billing.errors import BillingError
from billing.stripe import reconciliation


class Command(BaseCommand):
    help = (
        "Compare each paid Stripe object with one converged top-up;"
        ' prints JSON with "ok", exits 1 where they differ.'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=reconciliation.RECENT.days)
        parser.add_argument(
            "--grace",
            type=int,
            default=int(reconciliation.GRACE_PERIOD.total_seconds() // 60),
            help="minutes in which the event of a payment may still arrive: a difference caused by"
            " a more recent change is counted as under way",
        )
        parser.add_argument(
            "--converge", action="store_true", help="first converge the top-ups that differ"
        )

    def handle(self, *args: Any, days: int, grace: int, converge: bool, **options: Any) -> None:
        since = timezone.now() - timedelta(days=days)
        try:
            if converge:
                reconciliation.converge_open()
                reconciliation.converge_recent(since=since)
            comparison = reconciliation.compare(since=since, grace=timedelta(minutes=grace))
        except BillingError as error:
            raise CommandError(f"The comparison with Stripe failed: {error}") from error
        body = {"ok": comparison.is_ok, **asdict(comparison)}
        self.stdout.write(json.dumps(body, indent=2, default=str))
        if not comparison.is_ok:
            sys.exit(1)
