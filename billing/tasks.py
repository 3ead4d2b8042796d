"""Celery's entry points into billing."""

import logging

from celery import shared_task

from billing import audit as auditing

logger = logging.getLogger(__name__)


@shared_task(name="billing.tasks.audit")
def audit() -> None:
    """Check the books; what is wrong goes to the log as an error for every broken rule."""
    for finding in auditing.audit().findings:
        logger.error("ledger audit: %s is broken in %s places", finding.rule, finding.count)
