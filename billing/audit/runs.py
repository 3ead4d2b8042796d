"""Audits that are kept, and what follows when one finds something."""

import logging
from dataclasses import asdict
from datetime import timedelta

from django.utils import timezone

from billing.audit import report as auditing
from billing.audit.report import AuditReport
from billing.ledger import wallets
from billing.models import AuditKind, AuditRun

logger = logging.getLogger(__name__)

_KEPT = timedelta(days=35)


def run_recent() -> AuditRun:
    """Check what changed since the last audit."""
    last = AuditRun.objects.first()
    if last is None:
        return run_full()
    return _keep(AuditKind.RECENT, auditing.audit(since=last.covered_until))


def run_full() -> AuditRun:
    """Check everything; forget runs that are of no use any more."""
    run = _keep(AuditKind.FULL, auditing.audit())
    AuditRun.objects.filter(started_at__lt=timezone.now() - _KEPT).delete()
    return run


def _keep(kind: AuditKind, report: AuditReport) -> AuditRun:
    """Write down what was seen, and stop new calls of the workspaces whose books are wrong."""
    for finding in report.findings:
        logger.error(
            "ledger audit: not so in %d places: %s (%s)",
            finding.count,
            finding.rule,
            ", ".join(finding.places),
        )
    wallets.freeze(report.wallet_ids)
    return AuditRun.objects.create(
        kind=kind,
        started_at=report.at,
        covered_from=report.covered_from,
        covered_until=report.covered_until,
        is_ok=report.is_ok,
        wallets=report.wallets,
        entries=report.entries,
        holds=report.holds,
        records=report.records,
        findings=[asdict(finding) for finding in report.findings],
    )
