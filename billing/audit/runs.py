"""Run an audit, save its result, and freeze the wallets with findings."""

import logging
from dataclasses import asdict
from datetime import timedelta

from django.utils import timezone

from billing.audit import differences
from billing.audit import report as auditing
from billing.audit.report import AuditReport
from billing.ledger import wallets
from billing.models import AuditKind, AuditRun

logger = logging.getLogger(__name__)

_KEPT = timedelta(days=35)


def run_recent() -> AuditRun:
    """Audit what changed since the last audit."""
    last = AuditRun.objects.first()
    if last is None:
        return run_full()
    return _save(AuditKind.RECENT, auditing.audit(since=last.covered_until))


def run_full() -> AuditRun:
    """Audit everything; delete runs older than 35 days."""
    run = _save(AuditKind.FULL, auditing.audit())
    AuditRun.objects.filter(started_at__lt=timezone.now() - _KEPT).delete()
    return run


def _save(kind: AuditKind, report: AuditReport) -> AuditRun:
    """Save the report, stop new calls of the workspaces whose books it finds wrong, and have wrong
    sums of usage rolled up again."""
    for finding in report.findings:
        logger.error(
            "ledger audit: rule broken: %s, in %d places (%s)",
            finding.rule,
            finding.count,
            ", ".join(finding.places),
        )
    wallets.freeze(report.wallet_ids)
    differences.keep(report.differences, report.hours)
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
