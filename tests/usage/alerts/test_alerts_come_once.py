"""Whatever happens in whatever order, each crossing brings one mail to each who gets it.

The model below knows nothing of ledger, roll-ups and locks: it adds numbers up.
"""

import threading
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billing import outbox
from billing.alerts import low_balance
from billing.models import Alert, AlertKind, AlertMail
from keys.models import ApiKey
from tests.support.books import Books, open_books
from tests.support.spending import charge
from tests.support.waiting import eventually
from usage import roll_up
from usage.alerts import spend

UNAVAILABLE = "tests.support.mail_servers.UnavailableMailServer"
# Clocks change that night in Berlin, and two weeks before in none of these.
BEGIN = datetime(2026, 10, 24, 9, 30, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Kiritimati", "America/New_York")
HOUR = timedelta(hours=1)
amounts = st.sampled_from([1, 50, 99, 100, 150, 200, 1_000])
lines = st.sampled_from([None, 100, 300, 1_000])


class Model:
    """What must have been told, and what is not told yet."""

    def __init__(self) -> None:
        self.balance = 0
        self.line: int | None = None
        self.moves = 0
        # Those that no check has seen: after how many moves, and the balance then.
        self.crossings: list[tuple[int, int]] = []
        self.crossings_told: set[tuple[int, int]] = set()
        self.day_line: int | None = None
        self.floor: int | None = None
        self.zone = "UTC"
        self.since = BEGIN
        self.calls: list[tuple[datetime, int | None, int]] = []
        self.is_moved = False
        self.told: Counter[tuple[str, str]] = Counter()
        self.days_told: set[tuple[date, int]] = set()
        self.hours_told: set[tuple[int, datetime]] = set()

    def move(self, amount: int) -> None:
        before, self.balance = self.balance, self.balance + amount
        self.moves += 1
        self.is_moved = True
        if self.line is not None and before >= self.line > self.balance:
            self.crossings.append((self.moves, self.balance))

    def set_line(self, line: int | None) -> None:
        if line is not None and line == self.line:
            return
        self.line, self.crossings = line, []
        if line is not None and self.balance < line:
            self.tell_crossing(self.moves, self.balance)

    def set_spend(self, day: int | None, floor: int | None, zone: str, now: datetime) -> None:
        if (day, floor, zone) != (self.day_line, self.floor, self.zone):
            self.day_line, self.floor, self.zone, self.since = day, floor, zone, now
            self.compare(now)

    def watch(self, now: datetime) -> None:
        for moves, balance in self.crossings:
            self.tell_crossing(moves, balance)
        self.crossings = []
        if self.is_moved:
            self.compare(now)

    def tell_crossing(self, moves: int, balance: int) -> None:
        """A line that is removed and set again meanwhile is told once."""
        name = (moves, self.line or 0)
        if name not in self.crossings_told:
            self.crossings_told.add(name)
            self.tell("low_balance", balance)

    def compare(self, now: datetime) -> None:
        self.is_moved = False
        if self.day_line is not None:
            self.compare_days(now)
        if self.floor is not None:
            self.compare_hours(now)

    def compare_days(self, now: datetime) -> None:
        zone = ZoneInfo(self.zone)
        today, since = (moment.astimezone(zone).date() for moment in (now, self.since))
        spent: Counter[date] = Counter()
        for at, _, credits in self.calls:
            spent[at.astimezone(zone).date()] += credits
        for day, credits in spent.items():
            name = (day, self.day_line or 0)
            is_in_time = max(since, today - timedelta(days=7)) <= day <= today
            if is_in_time and credits > (self.day_line or 0) and name not in self.days_told:
                self.days_told.add(name)
                self.tell("day_spend", credits)

    def compare_hours(self, now: datetime) -> None:
        this = hour_of(now)
        spent: defaultdict[int, Counter[datetime]] = defaultdict(Counter)
        for at, key_id, credits in self.calls:
            if key_id is not None:
                spent[key_id][hour_of(at)] += credits
        for hour in sorted({one for hours in spent.values() for one in hours}):
            if max(hour_of(self.since), this - 24 * HOUR) <= hour <= this:
                for key_id, hours in spent.items():
                    self.judge(key_id, hour, hours)

    def judge(self, key_id: int, hour: datetime, hours: Counter[datetime]) -> None:
        earlier = sorted(
            credits for at, credits in hours.items() if hour - timedelta(weeks=4) <= at < hour
        )
        usual = earlier[int(0.98 * (len(earlier) - 1))] if earlier else 0
        is_high = hours[hour] >= (self.floor or 0) and hours[hour] > 3 * usual
        if is_high and (key_id, hour) not in self.hours_told:
            self.hours_told.add((key_id, hour))
            if (key_id, hour - HOUR) not in self.hours_told:
                self.tell("key_hour", hours[hour])

    def tell(self, kind: str, amount: int) -> None:
        self.told[kind, str(amount)] += 1


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


class Alerts(RuleBasedStateMachine):
    """A workspace's history; each example begins another one."""

    @initialize(credits=st.sampled_from([0, 150, 400, 5_000]), line=lines, day=lines, floor=lines)
    def begin(self, credits: int, line: int | None, day: int | None, floor: int | None) -> None:
        mail.outbox.clear()
        self.books: Books = open_books()
        self.keys: list[ApiKey] = [self.books.mint() for _ in range(2)]
        self.model = Model()
        self.now = BEGIN
        if credits:
            self.add(credits)
        self.set_line(line)
        self.set_spend(day, floor, "UTC")

    @rule(credits=amounts)
    def add(self, credits: int) -> None:
        self.books.give(credits)
        self.model.move(credits)

    @rule(credits=amounts, key=st.sampled_from([None, 0, 1]), ago=st.sampled_from([0, 0, 0, 1, 30]))
    def spend(self, credits: int, key: int | None, ago: int) -> None:
        """Settle a call that was accepted up to thirty hours ago."""
        credits = min(credits, self.model.balance)
        if credits:
            at = self.now - ago * HOUR
            key_id = None if key is None else self.keys[key].pk
            charge(self.books, credits, at, key_id=key_id)
            self.model.calls.append((at, key_id, credits))
            self.model.move(-credits)

    @rule(credits=amounts, times=st.integers(1, 3))
    def swing(self, credits: int, times: int) -> None:
        """Spend and top up in turn, with no check between."""
        for _ in range(times):
            self.spend(credits, None, 0)
            self.add(credits)

    @rule(minutes=st.sampled_from([1, 59, 60, 61, 600, 1_440]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(line=lines)
    def set_line(self, line: int | None) -> None:
        low_balance.set_threshold(wallet=self.books.wallet(), credits=line)
        self.model.set_line(line)

    @rule(day=lines, floor=lines, zone=st.sampled_from(ZONES))
    def set_spend(self, day: int | None, floor: int | None, zone: str) -> None:
        spend.set_lines(
            workspace=self.books.workspace,
            day_line=day,
            key_floor=floor,
            time_zone=zone,
            now=self.now,
        )
        self.model.set_spend(day, floor, zone, self.now)

    @rule(beats=st.integers(1, 3))
    def watch(self, beats: int) -> None:
        for _ in range(beats):
            low_balance.watch()
            spend.watch(now=self.now)
        self.model.watch(self.now)

    @rule()
    def die_while_watching(self) -> None:
        with transaction.atomic():
            low_balance.watch()
            spend.watch(now=self.now)
            transaction.set_rollback(True)

    @rule()
    def roll_up(self) -> None:
        roll_up.roll_up()

    @rule()
    def send(self) -> None:
        outbox.send_due()

    @rule()
    def try_to_send(self) -> None:
        with override_settings(EMAIL_BACKEND=UNAVAILABLE):
            outbox.send_due()

    @precondition(lambda self: self.model.told)
    @rule()
    def wait_for_the_mail_server(self) -> None:
        AlertMail.objects.update(due_at=timezone.now())

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        self.watch(beats=2)
        AlertMail.objects.update(due_at=timezone.now())
        outbox.send_due()
        assert told(self.books) == self.model.told
        mails = [address for one in mail.outbox for address in one.to]
        assert mails == [self.books.user.email] * self.model.told.total()
        assert len({one.extra_headers["Message-ID"] for one in mail.outbox}) == len(mails)


def told(books: Books) -> Counter[tuple[str, str]]:
    """Return the alerts that have a mail, by kind and amount."""
    found = Alert.objects.filter(workspace=books.workspace, mails__sent_at__isnull=False)
    return Counter(
        (one.kind, str(one.figures["balance" if one.kind == "low_balance" else "spent"]))
        for one in found
    )


def test_random_histories(db: None) -> None:
    run_state_machine_as_test(
        Alerts, settings=hypothesis_settings(max_examples=40, stateful_step_count=25, deadline=None)
    )


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_send_each_mail_once() -> None:
    books = open_books(10_000)
    now = datetime(2026, 10, 26, 12, tzinfo=UTC)
    key = books.mint()
    low_balance.set_threshold(wallet=books.wallet(), credits=9_000)
    spend.set_lines(
        workspace=books.workspace, day_line=500, key_floor=500, time_zone="UTC", now=now
    )
    is_over = threading.Event()

    def beat() -> None:
        try:
            while not is_over.is_set():
                low_balance.watch()
                spend.watch(now=now)
                outbox.send_due()
        finally:
            connection.close()

    def until_told(kind: AlertKind, number: int) -> None:
        eventually(lambda: AlertMail.objects.filter(alert__kind=kind).count() >= number)

    beats = [threading.Thread(target=beat) for _ in range(3)]
    for one in beats:
        one.start()
    try:
        for number in range(1, 6):
            charge(books, 1_500, now, key_id=key.pk)
            until_told(AlertKind.LOW_BALANCE, number)
            books.give(1_500)
        eventually(lambda: not AlertMail.objects.filter(sent_at=None).exists())
    finally:
        is_over.set()
        for one in beats:
            one.join()

    kinds = Counter(Alert.objects.values_list("kind", flat=True))
    assert kinds == {"low_balance": 5, "day_spend": 1, "key_hour": 1}
    assert len(mail.outbox) == 7
    assert len({one.extra_headers["Message-ID"] for one in mail.outbox}) == 7
