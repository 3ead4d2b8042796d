"""Find the days over their line, and the keys far above their usual: one mail per crossing.

A day, or a key's hour, has one alert for a line, however often it is checked: its crossing is
recorded under its name. Sums are those of the usage page, right to the last settled call.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.access import KEY_ROLES
from accounts.models import Workspace
from billing import outbox
from billing.ledger import wallets
from billing.models import Alert, AlertKind, Pool, Wallet
from keys.models import ApiKey
from usage.alerts import usual
from usage.dashboard import words
from usage.models import SpendAlerts
from usage.reading import Filters, Grouping, Question, UsageRow, Width, usage
from web import filter_values

# How far back a call that is settled late still brings a mail.
_DAYS_BACK = timedelta(days=7)
_HOURS_BACK = timedelta(hours=24)
_HOUR = timedelta(hours=1)


@transaction.atomic
def set_lines(
    *,
    workspace: Workspace,
    day_line: int | None,
    key_floor: int | None,
    time_zone: str,
    now: datetime | None = None,
) -> bool:
    """Set or remove the lines; return whether one is exceeded already: its mail is due at once.

    Setting the same ones again changes nothing.
    """
    lines = {"day_line": day_line, "key_floor": key_floor, "time_zone": time_zone}
    of_workspace = SpendAlerts.objects.filter(workspace=workspace)
    if of_workspace.select_for_update().filter(**lines).exists():
        return False
    now = now or timezone.now()
    wallets.wallet_of(workspace)
    alerts, _ = of_workspace.update_or_create(workspace=workspace, defaults={**lines, "since": now})
    return _compare(alerts, now) > 0


def watch(*, now: datetime | None = None) -> int:
    """Record a mail for each crossing since the last time; return how many there were."""
    moved = SpendAlerts.objects.filter(
        workspace__wallets__pool=Pool.API, checked_seq__lt=F("workspace__wallets__seq")
    )
    return sum(_check(pk, now or timezone.now()) for pk in list(moved.values_list("pk", flat=True)))


@transaction.atomic
def _check(alerts_id: int, now: datetime) -> int:
    """Compare one workspace's spending, unless another process is doing so."""
    locked = SpendAlerts.objects.select_for_update(skip_locked=True)
    alerts = locked.filter(pk=alerts_id).first()
    return _compare(alerts, now) if alerts else 0


def _compare(alerts: SpendAlerts, now: datetime) -> int:
    # Read first: the sums below have the calls of all entries up to it.
    wallet = Wallet.objects.get(workspace_id=alerts.workspace_id, pool=Pool.API)
    found = _days_over(alerts, now) + _keys_far_above(alerts, now)
    alerts.checked_seq = wallet.seq
    alerts.save(update_fields=["checked_seq"])
    return found


def _days_over(alerts: SpendAlerts, now: datetime) -> int:
    if alerts.day_line is None:
        return 0
    zone = ZoneInfo(alerts.time_zone)
    today = now.astimezone(zone).date()
    first = max(alerts.since.astimezone(zone).date(), today - _DAYS_BACK)
    question = Question(
        workspace_id=alerts.workspace_id,
        since=filter_values.midnight(min(first, today), zone),
        until=filter_values.midnight(today + timedelta(days=1), zone),
        width=Width.DAY,
        zone=zone,
    )
    return sum(
        _announce_day(alerts, row, zone) for row in usage(question) if row.credits > alerts.day_line
    )


def _announce_day(alerts: SpendAlerts, row: UsageRow, zone: ZoneInfo) -> bool:
    day = row.starts_at.astimezone(zone).date()
    return outbox.announce(
        workspace_id=alerts.workspace_id,
        kind=AlertKind.DAY_SPEND,
        crossing=f"{day}:{alerts.day_line}",
        figures={
            "day": f"{day}",
            "day_in_words": words.bucket(row.starts_at, row.ends_at, Width.DAY, zone),
            "zone": words.zone_name(zone, row.starts_at),
            "spent": row.credits,
            "line": alerts.day_line,
            "requests": row.requests,
        },
    )


def _keys_far_above(alerts: SpendAlerts, now: datetime) -> int:
    if alerts.key_floor is None:
        return 0
    this_hour = _hour(now)
    first = max(_hour(alerts.since), this_hour - _HOURS_BACK)
    question = Question(
        workspace_id=alerts.workspace_id,
        since=min(first, this_hour),
        until=this_hour + _HOUR,
        width=Width.HOUR,
        group_by=(Grouping.KEY,),
    )
    rows = [row for row in usage(question) if row.credits >= alerts.key_floor]
    return sum(_judge(alerts, row) for row in _untold(alerts, rows))


def _untold(alerts: SpendAlerts, rows: list[UsageRow]) -> Iterator[UsageRow]:
    """Yield the hours of keys that have no alert; calls from the console have no key."""
    told = _told(alerts, [_name_of(row.group[0], row.starts_at) for row in rows])
    for row in rows:
        if row.group[0] is not None and _name_of(row.group[0], row.starts_at) not in told:
            yield row


def _judge(alerts: SpendAlerts, row: UsageRow) -> bool:
    """Record an hour that is far above the key's usual; while such hours follow, only the first
    has mails."""
    key_id, floor = int(row.group[0] or 0), alerts.key_floor or 0
    usually = usual.usual(_hours_before(alerts.workspace_id, key_id, row.starts_at))
    if not usual.is_far_above(row.credits, usual=usually, floor=floor):
        return False
    goes_on = bool(_told(alerts, [_name_of(key_id, row.starts_at - _HOUR)]))
    zone = ZoneInfo(alerts.time_zone)
    key = ApiKey.objects.filter(pk=key_id, workspace_id=alerts.workspace_id).first()
    is_first = outbox.announce(
        workspace_id=alerts.workspace_id,
        kind=AlertKind.KEY_HOUR,
        crossing=_name_of(key_id, row.starts_at),
        figures={
            "key_id": key_id,
            "key": key.name if key else f"deleted key {key_id}",
            "hour_in_words": words.bucket(row.starts_at, row.ends_at, Width.HOUR, zone),
            "zone": words.zone_name(zone, row.starts_at),
            "from": f"{row.starts_at:%Y-%m-%dT%H:%M}",
            "to": f"{row.ends_at:%Y-%m-%dT%H:%M}",
            "spent": row.credits,
            "usual": usually,
            "requests": row.requests,
            "floor": floor,
        },
        roles=() if goes_on else KEY_ROLES,
    )
    return is_first and not goes_on


def _hours_before(workspace_id: int, key_id: int, hour: datetime) -> list[int]:
    question = Question(
        workspace_id=workspace_id,
        since=hour - usual.WINDOW,
        until=hour,
        width=Width.HOUR,
        filters=Filters(key_id=key_id),
    )
    return [row.credits for row in usage(question)]


def _told(alerts: SpendAlerts, names: list[str]) -> set[str]:
    known = Alert.objects.filter(workspace_id=alerts.workspace_id, kind=AlertKind.KEY_HOUR)
    return set(known.filter(crossing__in=names).values_list("crossing", flat=True))


def _name_of(key_id: object, hour: datetime) -> str:
    return f"{key_id}:{hour.astimezone(UTC):%Y-%m-%dT%H}"


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
