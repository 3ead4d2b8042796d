"""The steps of a new workspace's checklist are ticked when they have happened."""

import re
from uuid import UUID

import pytest
from django.test import Client

from accounts.models import Role, User, Workspace
from billing.ledger import posting
from billing.ledger.wallets import wallet_of
from billing.models import EntryKind, TopUp, TopUpState
from keys import services
from onboarding.checklist import FirstRun, progress
from tests.support import people
from tests.support.reading import text_of
from tests.support.request_records import a_record, refused, write

REFUSED = UUID("019837d2-0000-7000-8000-000000000001")
SCRIPT = {"hx-request": "true"}


def mint(person: User, workspace: Workspace) -> None:
    services.mint(workspace=workspace, name="CI", created_by=person)


def call(workspace: Workspace) -> None:
    write(a_record(workspace))


def top_up(workspace: Workspace, state: TopUpState = TopUpState.PAID) -> None:
    paid = TopUp.objects.create(
        wallet=wallet_of(workspace), amount_cents=1_000, credits=1_000_000, state=state
    )
    if state == TopUpState.PAID:
        move(workspace, 1_000_000, reference=f"{paid.pk}:1")


def move(workspace: Workspace, credits: int, *, reference: str) -> None:
    posting.post(
        wallet_id=wallet_of(workspace).pk,
        kind=EntryKind.TOP_UP if credits > 0 else EntryKind.ADJUSTMENT,
        amount=credits,
        reference=reference,
    )


def steps_done(browser: Client) -> int:
    return browser.get("/developers/").content.decode().count("step-done")


def test_each_step_is_ticked_when_it_has_happened(
    browser: Client, person: User, workspace: Workspace
) -> None:
    assert steps_done(browser) == 0
    mint(person, workspace)
    assert steps_done(browser) == 1
    call(workspace)
    assert steps_done(browser) == 2


@pytest.mark.parametrize("state", [state for state in TopUpState if state != TopUpState.PAID])
def test_a_payment_counts_once_it_is_paid(workspace: Workspace, state: TopUpState) -> None:
    top_up(workspace, state)
    assert not progress(workspace).has_topped_up

    top_up(workspace)
    assert progress(workspace).has_topped_up


def test_the_page_notices_the_first_call_by_itself(
    browser: Client, person: User, workspace: Workspace
) -> None:
    mint(person, workspace)
    page = browser.get("/developers/").content.decode()
    [poll] = re.findall(r'hx-get="(/developers/\?shown=\d+)"', page)
    assert "Waiting for your call." in page
    assert browser.get(poll, headers=SCRIPT).status_code == 204

    call(workspace)

    fragment = browser.get(poll, headers=SCRIPT).content.decode()
    assert "caicaini/swift answered" in fragment
    assert "Waiting for your call." not in fragment
    assert "<html" not in fragment


def test_topping_up_can_wait_while_credits_are_left(browser: Client, workspace: Workspace) -> None:
    assert "No credits are left" in text_of(browser.get("/developers/"))

    wallet = wallet_of(workspace)
    posting.post(wallet_id=wallet.pk, kind=EntryKind.GRANT, amount=10_000, reference="test")

    text = text_of(browser.get("/developers/"))
    assert (
        "Not needed yet: 10,000 credits are left. More can be bought on Billing at any time."
        in text
    )
    assert "Choose an amount" not in text


def test_when_all_is_done_it_always_redirects_to_the_keys(
    browser: Client, person: User, workspace: Workspace
) -> None:
    mint(person, workspace)
    call(workspace)
    top_up(workspace)
    assert progress(workspace).is_complete

    assert browser.get("/developers/")["Location"] == "/developers/keys"
    assert "Get started" not in browser.get("/developers/keys").content.decode()


def test_the_last_step_shows_as_done_before_it_leads_on(
    browser: Client, person: User, workspace: Workspace
) -> None:
    mint(person, workspace)
    call(workspace)
    top_up(workspace)

    fragment = browser.get("/developers/?shown=110", headers=SCRIPT)

    assert fragment.content.decode().count("step-done") == 3


def test_each_person_can_dismiss_it_for_themselves(browser: Client, workspace: Workspace) -> None:
    colleague = people.browser_of(people.new_member(workspace, Role.DEVELOPER))

    assert browser.post("/developers/checklist/close")["Location"] == "/developers/keys"

    assert browser.get("/developers/")["Location"] == "/developers/keys"
    assert colleague.get("/developers/").status_code == 200


def test_a_poll_after_it_was_dismissed_elsewhere_leads_nowhere(browser: Client) -> None:
    browser.post("/developers/checklist/close")

    answer = browser.get("/developers/?shown=000", headers=SCRIPT)

    assert answer.status_code == 204
    assert "HX-Redirect" not in answer


def test_a_dismissed_checklist_can_be_had_back(browser: Client, workspace: Workspace) -> None:
    browser.post("/developers/checklist/close")
    assert "Show the first steps again" in text_of(browser.get("/developers/settings"))

    answer = browser.post("/developers/checklist/reopen", follow=True)

    assert "Three steps to get started" in text_of(answer)
    assert "Show the first steps again" not in text_of(browser.get("/developers/settings"))


def test_topping_up_is_not_done_while_the_balance_is_empty(
    browser: Client, person: User, workspace: Workspace
) -> None:
    mint(person, workspace)
    call(workspace)
    top_up(workspace)
    move(workspace, -1_000_000, reference="spent")

    page = browser.get("/developers/")

    assert page.content.decode().count("step-done") == 2
    assert "No credits are left: calls are refused until you top up again." in text_of(page)


def test_a_refused_first_call_shows_with_its_reason(
    browser: Client, person: User, workspace: Workspace
) -> None:
    key = services.mint(workspace=workspace, name="CI", created_by=person).key
    assert "Waiting for your call." in text_of(browser.get("/developers/"))
    note(workspace, key.pk)

    for page in ("/developers/", f"/developers/keys/{key.pk}"):
        text = text_of(browser.get(page))
        assert "404 not_found_error" in text
        assert "model: caicaini/nothing" in text
        assert f"req_{REFUSED.hex}" in text
    fragment = browser.get(f"/developers/keys/{key.pk}/first-call?shown=", headers=SCRIPT)
    assert "A call was refused" in text_of(fragment)

    call(workspace)
    assert "A call was refused" not in text_of(browser.get("/developers/"))


def note(workspace: Workspace, key_id: int) -> None:
    """Record a refusal as the gateway does."""
    write(
        refused(
            workspace,
            id=REFUSED,
            key_id=key_id,
            status=404,
            error_type="not_found_error",
            code="model_not_found",
            error_message="model: caicaini/nothing",
        )
    )


def test_what_others_do_in_their_workspace_ticks_nothing_here(
    browser: Client, workspace: Workspace
) -> None:
    stranger = people.new_person()
    theirs = people.workspace_of(stranger)
    mint(stranger, theirs)
    call(theirs)
    top_up(theirs)

    assert progress(workspace) == FirstRun(
        has_key=False, call=None, refusal=None, has_topped_up=False, has_credits=False
    )


def test_a_member_who_may_not_create_keys_learns_whom_to_ask(workspace: Workspace) -> None:
    browser = people.browser_of(people.new_member(workspace, Role.BILLING))

    page = browser.get("/developers/").content.decode()

    assert "Ask an owner, admin or developer" in page
    assert "/developers/keys/new" not in page
