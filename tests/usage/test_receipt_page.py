"""The receipt of one call: each class of tokens with its price, adding up to the charge."""

import pytest
import uuid_utils.compat as uuid_utils
from django.test import Client

from accounts.models import Workspace
from tests.support import people
from tests.support.reading import text_of
from tests.support.request_records import a_record, write
from usage import receipts
from usage.records import Record, RecordAttempt, RecordLine


@pytest.fixture
def call(workspace: Workspace) -> Record:
    """A call of 14 and 23 tokens: 11.75 credits, charged as 12."""
    record = a_record(
        workspace,
        id=uuid_utils.uuid7(),
        lines=(
            RecordLine("input", "caicaini/swift", 1, 14, 100_000),
            RecordLine("output", "caicaini/swift", 1, 23, 450_000),
        ),
        attempts=(RecordAttempt(1, "caicaini/swift", 0, 180, 200, ""),),
        hold_amount=500,
        balance_after=9_988,
    )
    write(record)
    return record


def page_of(record: Record) -> str:
    return f"/developers/usage/requests/req_{record.id.hex}"


def test_the_lines_add_up_to_the_charge(browser: Client, call: Record) -> None:
    page = text_of(browser.get(page_of(call)))

    assert "12 credits, $0.00012" in page
    assert "Input caicaini/swift 14 100,000 1.400" in page
    assert "Output caicaini/swift 23 450,000 10.350" in page
    assert "Sum 11.750" in page
    assert "Rounded up, once +0.250" in page
    assert "Charged 12" in page
    assert "500 credits, 488 released" in page
    assert "9,988 credits" in page


def test_rows_of_the_log_lead_to_it(browser: Client, call: Record) -> None:
    assert f'href="{page_of(call)}"' in browser.get("/developers/usage").content.decode()


def test_a_failed_call_names_its_error(browser: Client, workspace: Workspace) -> None:
    call = a_record(
        workspace, id=uuid_utils.uuid7(), status=529, error_type="overloaded_error", credits=0
    )
    write(call)

    page = text_of(browser.get(page_of(call)))

    assert "Error 529, overloaded_error" in page
    assert "0 credits, $0.00000" in page


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
    latest = receipts.parse_id("req_ffffffffffff7fffbfffffffffffffff")
    assert latest is not None

    assert receipts.find(workspace_id=workspace.pk, request_id=latest) is None
