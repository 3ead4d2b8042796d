"""Revoking a key ends its running calls; what was delivered by then is charged."""

from datetime import timedelta

from django.utils import timezone

from keys.models import ApiKey
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.replies import after_release, events, says, silence, streams, then
from tests.support.scripted_upstream import ScriptedUpstream
from usage.models import Ending

TEXT = "The quick brown fox"


def test_a_stream_ends_with_an_error_and_costs_what_was_delivered(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(streams(*events(TEXT)[:6], silence))
    call = customer.begin(script.prompt, stream=True)
    for _ in TEXT.split():
        call.read_until("content_block_delta")

    customer.revoke()

    error = call.read_until("error").data["error"]
    assert error["type"] == "authentication_error"
    assert error["details"]["error_code"] == "api_key_revoked"
    script.wait_for_hang_up()
    record = customer.wait_for_record()
    assert (record.ending, record.error_code) == (Ending.REVOKED, "api_key_revoked")
    assert (record.input_tokens, record.output_tokens) == (14, -(-len(TEXT) // 4))
    assert customer.charges() == [14 + 2 * record.output_tokens]
    assert record.lost_credits == 0


def test_a_plain_call_ends_with_a_401_and_costs_nothing(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(after_release(says()))
    call = customer.begin(script.prompt)
    script.wait_for_request()

    customer.revoke()

    answer = call.answer()
    assert (answer.status, answer.error["type"]) == (401, "authentication_error")
    assert answer.error["details"]["error_code"] == "api_key_revoked"
    assert customer.wait_for_record().ending == Ending.REVOKED
    assert customer.charges() == []
    assert customer.open_holds() == 0


def test_a_stream_without_a_word_yet_costs_nothing(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(after_release(says()))
    call = customer.begin(script.prompt, stream=True)
    script.wait_for_request()

    customer.revoke()

    assert call.answer().status == 401
    assert customer.wait_for_record().credits == 0


def test_the_calls_of_other_keys_go_on(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    """The same workspace, another one, and a key that expires."""
    customer, neighbour = new_customer(), new_customer()
    script = upstream.script(then(after_release(says()), after_release(says())))
    expiring = customer.another_key()
    callers = [
        customer.caller,
        neighbour.caller,
        type(customer.caller)(customer.url, customer.another_key().token),
        type(customer.caller)(customer.url, expiring.token),
    ]
    calls = [caller.begin(script.prompt) for caller in callers]
    script.wait_for_request(len(calls))
    ApiKey.objects.filter(pk=expiring.key.pk).update(
        expires_at=timezone.now() - timedelta(minutes=1)
    )

    customer.revoke()

    assert calls[0].answer().status == 401
    script.release(len(calls))
    assert [call.answer().status for call in calls[1:]] == [200, 200, 200]


def test_a_call_that_removed_its_key_with_its_row_ends_too(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    """As when a workspace is removed: its keys go with it."""
    script = upstream.script(streams(*events(TEXT)[:3], silence))
    call = customer.begin(script.prompt, stream=True)
    call.read_until("content_block_delta")

    ApiKey.objects.filter(pk=customer.key.pk).delete()

    assert call.read_until("error").data["error"]["type"] == "authentication_error"
