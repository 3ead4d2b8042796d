"""The receipt of one call: each class of tokens with its price, adding up to the charge."""

import re
from datetime import timedelta

import pytest
import uuid_utils.compat as uuid_utils
from django.test import Client
from django.utils import timezone

from accounts.models import User, Workspace
from billing.ledger import wallets
from billing.ledger.posting import post
from billing.models import EntryKind
from keys import services
from tests.support import people
from tests.support.priced_models import a_model
from tests.support.reading import text_of
from tests.support.request_records import a_price, a_record, refused, write
from usage import lookup, roll_up
from usage.records import Record, RecordAttempt, RecordLine


def lines_of(price_id: int) -> tuple[RecordLine, ...]:
    return (
        RecordLine("input", "caicaini/swift", price_id, 14, 100_000),
        RecordLine("output", "caicaini/swift", price_id, 23, 450_000),
    )


@pytest.fixture
def call(workspace: Workspace) -> Record:
    """A call of 14 and 23 tokens: 11.75 credits, charged as 12 to a balance of 10,000."""
    wallet = wallets.wallet_of(workspace)
    id = uuid_utils.uuid7()
    post(wallet_id=wallet.pk, kind=EntryKind.GRANT, amount=10_000, reference="first")
    entry = post(wallet_id=wallet.pk, kind=EntryKind.USAGE, amount=-12, reference=str(id))
    record = a_record(
        workspace,
        id=id,
        lines=lines_of(a_price().pk),
        attempts=(RecordAttempt(1, "caicaini/swift", 8, 180, 200, ""),),
        hold_amount=500,
        queue_ms=2,
        hold_ms=5,
        balance_after=entry.balance_after,
    )
    write(record)
    return record


def page_of(record: Record) -> str:
    return f"/developers/usage/requests/req_{record.id.hex}"


def test_the_lines_add_up_to_the_charge(browser: Client, call: Record) -> None:
    page = text_of(browser.get(page_of(call)))

    assert "12 credits · $0.00012" in page
    # A price stands in its own column or, on a narrow screen, below the label.
    times = "\N{MULTIPLICATION SIGN}"
    assert f"Input {times} 100,000 per million 14 {times} 100,000 1.400" in page
    assert f"Output {times} 450,000 per million 23 {times} 450,000 10.350" in page
    assert "Sum 37 11.750" in page
    assert "Rounded up, once, to a whole credit +0.250" in page
    assert "Charged 12" in page
    assert "Prices of caicaini/swift since 1 January 2026" in page
    assert "No prompt and no answer is stored" in page


def test_the_hold_and_the_balances_add_up(browser: Client, call: Record) -> None:
    page = text_of(browser.get(page_of(call)))

    before, after = call.balance_after + 12 if call.balance_after else 0, call.balance_after or 0
    assert f"Balance before {before:,}" in page
    assert "Held: the most it could cost −500" in page
    assert "Released when it ended +488" in page
    assert f"Balance after {after:,}" in page
    assert "Receipt and ledger agree." in page


def test_it_leads_to_its_ledger_entry_and_back(browser: Client, call: Record) -> None:
    receipt = browser.get(page_of(call)).content.decode()
    found = lookup.find(workspace_id=call.workspace_id, request_id=call.id)
    assert found is not None
    assert found.entry is not None
    seq = found.entry.seq

    assert f'href="/developers/billing/ledger?before={seq + 1}#entry-{seq}"' in receipt
    ledger = browser.get(f"/developers/billing/ledger?before={seq + 1}").content.decode()
    assert f'id="entry-{seq}"' in ledger
    assert f'href="{page_of(call)}"' in ledger


def test_a_differing_ledger_is_said(browser: Client, workspace: Workspace) -> None:
    call = a_record(workspace, id=uuid_utils.uuid7(), credits=12)
    write(call)

    assert "Receipt and ledger differ." in text_of(browser.get(page_of(call)))


def test_a_charge_above_the_hold_is_our_loss(browser: Client, workspace: Workspace) -> None:
    lines = (RecordLine("output", "caicaini/swift", a_price().pk, 1_000, 450_000),)
    call = a_record(
        workspace, id=uuid_utils.uuid7(), lines=lines, hold_amount=400, credits=400, lost_credits=50
    )
    write(call)

    page = text_of(browser.get(page_of(call)))

    assert "Sum 37 450.000" in page
    assert "Above what was held: our loss −50.000" in page
    assert "Charged 400" in page


def test_route_attempts_and_times(browser: Client, workspace: Workspace) -> None:
    call = a_record(
        workspace,
        id=uuid_utils.uuid7(),
        route='caicaini/swift; needs="tools";'
        ' dropped="caicaini/atlas: failed, caicaini/tiny: context length"',
        attempts=(
            RecordAttempt(2, "caicaini/atlas", 8, 212, 529, "upstream_overloaded"),
            RecordAttempt(1, "caicaini/swift", 220, 5_824, 200, ""),
        ),
        queue_ms=4,
        hold_ms=3,
        first_byte_ms=870,
        duration_ms=6_050,
        is_stream=True,
    )
    write(call)

    page = text_of(browser.get(page_of(call)))

    assert "The cheapest that could take it: it needs tools." in page
    assert "caicaini/atlas Asked first, and failed." in page
    assert "caicaini/tiny The request is too long for it." in page
    assert "Attempt 1, caicaini/atlas: 529 0.21 s" in page
    assert "Attempt 2, caicaini/swift, to first byte 0.65 s" in page
    assert "Stream 5.17 s" in page


def test_other_models_are_compared_at_their_prices_of_then(browser: Client, call: Record) -> None:
    a_model("dear", output=9_000_000)
    a_model("later", output=1, starts_in_days=1)

    page = text_of(browser.get(page_of(call)))

    # 14 tokens at 0.1 and 23 at 9 credits: 208.4, rounded up.
    assert "test/dear 209 $0.00209 +197" in page
    assert "caicaini/swift this call 12 $0.00012" in page
    assert "test/later" not in page


def test_labels_lead_to_the_log(browser: Client, workspace: Workspace) -> None:
    call = a_record(
        workspace, id=uuid_utils.uuid7(), session_id="b71e", tags=("a&b",), user_label="u-1"
    )
    write(call)

    page = browser.get(page_of(call)).content.decode()

    assert 'href="/developers/usage/requests?range=all&amp;session=b71e"' in page
    assert 'href="/developers/usage/requests?range=all&amp;tag=a%26b"' in page
    assert "u-1" in page


@pytest.mark.parametrize("is_rolled_up", [False, True])
def test_it_says_what_its_session_cost(
    browser: Client, workspace: Workspace, is_rolled_up: bool
) -> None:
    """However long ago its calls were, and with those that were refused."""
    others = people.workspace_of(people.new_person())
    call = a_record(workspace, id=uuid_utils.uuid7(), session_id="b71e", credits=61_000)
    write(
        call,
        a_record(workspace, session_id="b71e", credits=908, at=call.accepted_at - timedelta(90)),
        refused(workspace, session_id="b71e", refusals=32),
        a_record(workspace, session_id="b72e", credits=5),
        a_record(others, session_id="b71e", credits=7),
    )
    if is_rolled_up:
        roll_up.roll_up()

    assert "b71e 34 calls, 61,908 credits" in text_of(browser.get(page_of(call)))


def test_its_key_is_named(browser: Client, person: User, workspace: Workspace) -> None:
    key = services.mint(workspace=workspace, name="Website", created_by=person).key
    call = a_record(workspace, id=uuid_utils.uuid7(), key_id=key.pk)
    write(call)

    assert "Website" in text_of(browser.get(page_of(call)))


def test_it_leads_to_the_newer_and_the_older_call(browser: Client, workspace: Workspace) -> None:
    now = timezone.now()
    older, call, newer = (
        a_record(workspace, id=uuid_utils.uuid7(), at=now + timedelta(seconds=second))
        for second in range(3)
    )
    write(older, call, newer)

    def neighbours(record: Record) -> dict[str, str]:
        page = browser.get(page_of(record)).content.decode()
        return dict(re.findall(r'rel="(prev|next)"\s+href="([^"]*)"', page))

    assert neighbours(call) == {"prev": page_of(newer), "next": page_of(older)}
    assert neighbours(newer) == {"next": page_of(call)}
    assert neighbours(older) == {"prev": page_of(call)}


def test_rows_of_the_usage_page_lead_to_it(browser: Client, call: Record) -> None:
    assert f'href="{page_of(call)}"' in browser.get("/developers/usage").content.decode()


def test_a_failed_call_names_its_error(browser: Client, workspace: Workspace) -> None:
    call = a_record(
        workspace,
        id=uuid_utils.uuid7(),
        status=529,
        error_type="overloaded_error",
        error_code="upstream_overloaded",
        credits=0,
        hold_amount=500,
    )
    write(call)

    page = text_of(browser.get(page_of(call)))

    assert "Error 529, overloaded_error, upstream_overloaded" in page
    assert "0 credits · $0.00000" in page
    assert "Nothing was charged, so the ledger has no entry." in page
    assert "Receipt and ledger agree." in page


def test_another_workspaces_call_is_a_404(call: Record) -> None:
    stranger = people.browser_of(people.new_person())

    assert stranger.get(page_of(call)).status_code == 404


@pytest.mark.parametrize(
    "id", ["", "req_", "req_1", "x" * 32, "req_" + "z" * 32, "req_" + "0" * 32, "req_" + "f" * 32]
)
def test_what_is_no_id_is_a_404(browser: Client, id: str) -> None:
    assert browser.get(f"/developers/usage/requests/{id or 'none'}").status_code == 404


@pytest.mark.parametrize("milliseconds", ["e677d21fdbff", "e677d1f00000", "000000000000"])
def test_an_id_of_the_first_or_the_last_hour_is_a_404(browser: Client, milliseconds: str) -> None:
    id = f"req_{milliseconds}7fffbfffffffffffffff"

    assert browser.get(f"/developers/usage/requests/{id}").status_code == 404


def test_an_id_of_any_time_is_looked_up_without_a_failure(workspace: Workspace) -> None:
    latest = "req_ffffffffffff7fffbfffffffffffffff"

    assert lookup.record_of(workspace_id=workspace.pk, request_id=latest) is None


@pytest.mark.parametrize("late_s", [0, 1, 2, 59, 3_000])
def test_a_call_is_found_however_long_its_body_took(
    browser: Client, workspace: Workspace, late_s: int
) -> None:
    id = uuid_utils.uuid7()
    call = a_record(workspace, id=id, at=timezone.now() + timedelta(seconds=late_s))
    write(call)

    assert browser.get(page_of(call)).status_code == 200
