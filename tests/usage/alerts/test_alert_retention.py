"""Alerts that were sent long ago are deleted, and bring no second mail."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import override_settings
from django.utils import timezone

from accounts.models import Workspace
from billing import outbox, tasks
from billing.alerts import retention
from billing.models import Alert, AlertKind, AlertMail
from tests.support import people

YEAR = timedelta(days=365)


def announced(workspace: Workspace, kind: AlertKind, crossing: str, *, age: timedelta) -> Alert:
    """Record an alert as it was some time ago."""
    outbox.announce(workspace_id=workspace.pk, kind=kind, crossing=crossing, figures={})
    alert = Alert.objects.get(workspace=workspace, kind=kind, crossing=crossing)
    Alert.objects.filter(pk=alert.pk).update(created_at=timezone.now() - age)
    return alert


def sent(alert: Alert) -> Alert:
    AlertMail.objects.filter(alert=alert).update(sent_at=timezone.now())
    return alert


def test_old_alerts_go_with_their_mails_and_younger_ones_stay(workspace: Workspace) -> None:
    old = [
        sent(announced(workspace, AlertKind.REFUND, f"{one}", age=YEAR + timedelta(hours=1)))
        for one in range(5)
    ]
    young = sent(announced(workspace, AlertKind.REFUND, "young", age=YEAR - timedelta(hours=1)))
    # While such hours follow, they have alerts without mails.
    without_mails = announced(workspace, AlertKind.KEY_HOUR, "1:2025", age=2 * YEAR)
    AlertMail.objects.filter(alert=without_mails).delete()

    assert retention.forget_old(kept=YEAR, batch=2) == len(old) + 1
    assert list(Alert.objects.all()) == [young]
    assert {one.alert_id for one in AlertMail.objects.all()} == {young.pk}
    assert retention.forget_old(kept=YEAR) == 0


def test_an_alert_stays_while_one_of_its_mails_is_due(workspace: Workspace) -> None:
    people.new_person()  # of another workspace
    alert = announced(workspace, AlertKind.DISPUTE, "1", age=2 * YEAR)

    assert retention.forget_old(kept=YEAR) == 0

    AlertMail.objects.filter(alert=alert).update(given_up_at=timezone.now())
    assert retention.forget_old(kept=YEAR) == 1


def test_a_failed_payment_that_is_converged_again_brings_no_second_mail(
    workspace: Workspace,
) -> None:
    sent(announced(workspace, AlertKind.PAYMENT_FAILED, "of a top-up", age=3 * YEAR))

    retention.forget_old(kept=YEAR)
    outbox.announce(
        workspace_id=workspace.pk,
        kind=AlertKind.PAYMENT_FAILED,
        crossing="of a top-up",
        figures={},
    )

    assert outbox.send_due() == 0
    assert mail.outbox == []


@pytest.mark.parametrize(("days", "left"), [(400, 1), (100, 0)])
def test_the_setting_says_for_how_long(workspace: Workspace, days: int, left: int) -> None:
    sent(announced(workspace, AlertKind.REFUND, "1", age=timedelta(days=200)))

    with override_settings(ALERTS_KEPT_DAYS=days):
        tasks.delete_old_alerts()

    assert Alert.objects.count() == left
