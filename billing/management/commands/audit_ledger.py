"""`manage.py audit_ledger`: audit the whole ledger and print the result as JSON."""

import json
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand

from billing.audit.report import audit


class Command(BaseCommand):
    help = 'Check every invariant of the ledger; prints JSON with "ok", exits 1 when one is broken.'
    requires_system_checks = ()  # the audit must also run with a broken catalogue file

    def handle(self, *args: Any, **options: Any) -> None:
        report = audit()
        body = {"ok": report.is_ok, **asdict(report)}
        self.stdout.write(json.dumps(body, indent=2, default=datetime.isoformat))
        if not report.is_ok:
            sys.exit(1)
