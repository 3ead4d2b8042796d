"""A caller spends what is there, never more, and is told what is missing."""

import asyncio
import signal
import time
from collections import Counter
from contextlib import suppress

import aiohttp
import pytest
from django.utils import timezone

from billing.models import Wallet
from tests.support import scripted_catalogue
from tests.support.callers import Caller, request_body
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import (
    after_release,
    answers,
    counts,
    cut,
    events,
    message,
    says,
    streams,
    usage,
    wait,
)
from tests.support.scripted_upstream import Script, ScriptedUpstream
from tests.support.servers import WebServer
from tests.support.waiting import eventually


@pytest.mark.parametrize("stream", [False, True])
def test_without_credits_no_upstream_is_asked_anything(
    new_customer: NewCustomer, upstream: ScriptedUpstream, stream: bool
) -> None:
    customer = new_customer(credits=0)
    script = upstream.script(says(), counting=counts(1))

    answer = customer.ask(script.prompt, stream=stream)

    assert answer.status == 402
    assert answer.error["type"] == "billing_error"
    assert answer.headers["x-should-retry"] == "false"
    assert "retry-after" not in answer.headers
    assert script.requests == script.counts == []
    assert customer.records() == []


def test_the_refusal_says_what_is_needed_and_what_would_fit(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(credits=3000)
    script = upstream.script(says())
    body = request_body(script.prompt, max_tokens=4000)

    answer = customer.caller.post("/v1/messages", body)

    required = scripted_catalogue.bound(body, max_tokens=4000)
    assert answer.status == 402
    details = answer.error["details"]
    assert details["error_code"] == "out_of_credits"
    assert details["credits_required"] == required
    assert details["credits_available"] == 3000
    assert str(required) in answer.error["message"]
    fitting = details["affordable_max_tokens"]
    assert customer.ask(script.prompt, max_tokens=fitting + 1).status == 402
    assert script.requests == []
    assert customer.ask(script.prompt, max_tokens=fitting).status == 200


def test_a_call_that_costs_more_than_any_wallet_has_is_refused_like_others(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0K"}
    script = upstream.script(says())
    content = [{"type": "image", "source": source}] * 5_000 + [
        {"type": "text", "text": script.prompt}
    ]

    answer = customer.ask(
        "", model="scripted/dearest", messages=[{"role": "user", "content": content}]
    )

    assert answer.status == 402
    assert answer.error["details"]["credits_required"] > 2**63
    assert script.requests == []


def test_what_is_said_to_fit_does_fit_where_prices_are_fractions_of_a_credit(
    new_customer: NewCustomer, upstream: ScriptedUpstream, small: WebServer
) -> None:
    """At 0.125 credits for a token of input and 0.45 for one of output."""
    caller = new_customer(credits=905).at(small.url)
    script = upstream.script(says(), counting=counts(100))

    refused = caller.ask(script.prompt, model="caicaini/swift", max_tokens=2001)

    assert refused.status == 402
    fitting = refused.error["details"]["affordable_max_tokens"]
    assert caller.ask(script.prompt, model="caicaini/swift", max_tokens=fitting).status == 200


def test_a_hold_is_the_most_the_call_can_cost_and_no_more_is_ever_taken(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    """An upstream that counts more than was asked of it is believed up to the hold."""
    script = upstream.script(after_release(answers(message(usage=usage(50, 1_400)))))
    body = request_body(script.prompt, max_tokens=100)
    hold = scripted_catalogue.bound(body, max_tokens=100)
    call = customer.caller.call("POST", "/v1/messages", body)
    script.wait_for_request()
    assert customer.wallet().held == hold

    script.release()

    assert call.answer().json()["usage"]["credits_consumed"] == hold
    assert customer.charges() == [hold]
    record = customer.wait_for_record()
    assert (record.credits, record.lost_credits) == (hold, 50 + 2 * 1_400 - hold)


def test_who_is_told_of_a_failure_has_their_credits_again(
    new_customer: NewCustomer, upstream: ScriptedUpstream, twin: WebServer
) -> None:
    """Wherever the next call comes in, at once and with the last credit: a 402 is never retried."""
    script = upstream.script(answers(b"{}", status=400))
    body = request_body(script.prompt)
    customer = new_customer(credits=scripted_catalogue.bound(body, max_tokens=100))

    for url in [customer.url, twin.url] * 30:
        assert customer.at(url).post("/v1/messages", body).status == 400


def test_who_hears_an_answer_break_off_has_their_credits_again(
    new_customer: NewCustomer, upstream: ScriptedUpstream, twin: WebServer
) -> None:
    script = upstream.script(streams(*events()[:3], wait, cut))
    body = request_body(script.prompt, stream=True)
    customer = new_customer(credits=scripted_catalogue.bound(body, max_tokens=100))

    for url in [customer.url, twin.url] * 30:
        call = customer.at(url).call("POST", "/v1/messages", body)
        assert call.response.status == 200
        call.read_until("content_block_delta")
        script.release()
        call.read_until("error")
        call.hang_up()


def test_a_process_that_stood_still_tells_of_a_failure_no_sooner(
    new_customer: NewCustomer, upstream: ScriptedUpstream, start_gateway: StartGateway
) -> None:
    """Nor is it the ledger that was slow: machines that are moved stand still, and so do their
    databases."""
    gateway = start_gateway()
    customer = new_customer(url=gateway.url)
    script = upstream.script(after_release(answers(b"{}", status=400)))
    call = customer.begin(script.prompt)
    script.wait_for_request()
    with customer.wallet_locked():
        script.release()
        eventually(customer.is_awaited, what="the writer standing before the lock")
        gateway.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        gateway.send_signal(signal.SIGCONT)
        for _ in range(2):  # its event loop has been through what was due before
            assert customer.caller.get("/v1/nothing").status == 404
        assert not call.is_answered()

    assert call.answer().status == 400
    assert customer.open_holds() == 0


def test_images_are_held_for_at_their_most(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(after_release(says()))
    image = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    content = [{"type": "text", "text": script.prompt}, image, image]
    body = request_body("", messages=[{"role": "user", "content": content}])
    call = customer.caller.call("POST", "/v1/messages", body)
    script.wait_for_request()

    images = 2 * scripted_catalogue.MAX_TOKENS_PER_IMAGE * 1_250_000 // 1_000_000
    assert customer.wallet().held == scripted_catalogue.bound(body, max_tokens=100) + images

    script.release()
    call.answer()


@pytest.mark.parametrize("model", ["scripted/messages", "scripted/chat"])
def test_an_image_is_not_taken_for_as_many_tokens_as_its_base64_has_bytes(
    new_customer: NewCustomer, upstream: ScriptedUpstream, model: str
) -> None:
    customer = new_customer(credits=5000)
    script = upstream.script(after_release(says()))
    source = {"type": "base64", "media_type": "image/png", "data": ""}
    text = {"type": "text", "text": script.prompt}
    turns = [{"role": "user", "content": [{"type": "image", "source": source}, text]}]
    without = request_body("", model=model, messages=turns)
    source["data"] = "iVBORw0K" * 500_000
    call = customer.begin("", model=model, messages=turns)
    script.wait_for_request()

    one_image = scripted_catalogue.MAX_TOKENS_PER_IMAGE * 1_250_000 // 1_000_000
    assert customer.wallet().held == scripted_catalogue.bound(without, max_tokens=100) + one_image

    script.release()
    assert call.answer().status == 200


def test_a_prompt_that_fits_once_its_tokens_are_counted_is_let_in(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    """The first bound takes each byte for a token; this one has 2,000 bytes and 500 tokens."""
    customer = new_customer(credits=1000)
    script = upstream.script(
        after_release(answers(message(usage=usage(500, 100)))), counting=counts(500)
    )
    call = customer.begin(script.prompt + "word" * 500, max_tokens=100)
    script.wait_for_request()
    assert customer.wallet().held == 500 * 5 // 4 + 2 * 100

    script.release()

    assert call.answer().json()["usage"]["credits_consumed"] == 700
    [counted] = script.counts
    assert counted.path == "/v1/messages/count_tokens"
    assert counted.body["model"] == "a-name-for-insiders"
    assert not {"max_tokens", "stream"} & counted.body.keys()


def test_a_prompt_that_does_not_fit_by_its_tokens_either_is_refused(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(credits=800)
    script = upstream.script(says(), counting=counts(500))

    answer = customer.ask(script.prompt + "word" * 500, max_tokens=100)

    assert answer.status == 402
    assert answer.error["details"]["credits_required"] == 500 * 5 // 4 + 2 * 100
    assert len(script.counts) == 1
    assert script.requests == []


def test_a_call_that_fits_once_running_ones_have_ended_is_a_429_with_the_figures(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(after_release(says()))
    body = request_body(script.prompt)
    bound = scripted_catalogue.bound(body, max_tokens=100)
    customer = new_customer(credits=bound + 5)
    call = customer.caller.call("POST", "/v1/messages", body)
    script.wait_for_request()

    refused = customer.caller.post("/v1/messages", body)

    assert (refused.status, refused.error["type"]) == (429, "rate_limit_error")
    assert refused.headers["retry-after"] == "2"
    assert "x-should-retry" not in refused.headers
    details = refused.error["details"]
    assert details["error_code"] == "credits_held"
    assert (details["credits_available"], details["credits_held"]) == (5, bound)
    assert 5 < details["credits_required"] <= bound
    assert str(bound) in refused.error["message"]
    script.release()
    assert call.answer().status == 200
    # What that call cost is gone from the balance itself, so the next never fits.
    assert customer.caller.post("/v1/messages", body).status == 402


def test_a_counted_call_above_the_balance_is_a_402_while_others_run(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    running = upstream.script(after_release(says()), counting=counts(100))
    script = upstream.script(says(), counting=counts(500))
    customer = new_customer(credits=800)
    call = customer.begin(running.prompt, max_tokens=100)
    running.wait_for_request()
    held = customer.wallet().held
    assert held == 100 * 5 // 4 + 2 * 100

    refused = customer.ask(script.prompt + "word" * 500, max_tokens=100)

    assert refused.status == 402
    assert refused.error["details"]["credits_required"] == 500 * 5 // 4 + 2 * 100
    assert refused.error["details"]["credits_available"] == 800 - held
    assert script.requests == []
    running.release()
    assert call.answer().status == 200


def test_the_last_credit_can_be_spent(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(answers(message(usage=usage(50, 1_400))))
    body = request_body(script.prompt)
    customer = new_customer(credits=scripted_catalogue.bound(body, max_tokens=100))

    assert customer.caller.post("/v1/messages", body).status == 200

    assert customer.wallet().posted == 0
    assert customer.caller.post("/v1/messages", body).status == 402


def test_a_frozen_wallet_pays_for_nothing(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(says())
    Wallet.objects.filter(pk=customer.wallet().pk).update(frozen_at=timezone.now())

    answer = customer.ask(script.prompt)

    assert answer.status == 403
    assert answer.error["type"] == "permission_error"
    assert script.requests == []


def test_credits_of_the_subscription_are_never_spent(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(credits=0)
    Wallet.objects.create(workspace=customer.workspace, pool="subscription")
    script = upstream.script(says())

    answer = customer.ask(script.prompt)

    assert answer.status == 402
    assert answer.error["details"]["credits_available"] == 0


def test_200_calls_at_once_on_a_balance_for_20_let_in_exactly_20(
    new_customer: NewCustomer,
    gateway: WebServer,
    twin: WebServer,
    upstream: ScriptedUpstream,
) -> None:
    """Over two processes. The answers wait, so no credits come free while the calls arrive."""
    script = upstream.script(after_release(says()))
    body = request_body(script.prompt)
    customer = new_customer(credits=20 * scripted_catalogue.bound(body, max_tokens=100))
    urls = [f"{gateway.url}/v1/messages", f"{twin.url}/v1/messages"] * 100

    statuses = asyncio.run(_ask_all(urls, body, customer.token, script=script))

    assert Counter(statuses) == {200: 20, 429: 180}
    assert len(script.requests) == 20
    assert customer.charges() == [60] * 20
    assert len(customer.records()) == 20


def test_calls_that_race_until_the_balance_is_gone_overspend_by_nothing(
    new_customer: NewCustomer,
    gateway: WebServer,
    twin: WebServer,
    upstream: ScriptedUpstream,
) -> None:
    """Here credits do come free all the time: each call holds more than it costs."""
    script = upstream.script(answers(message(usage=usage(1000, 100))))
    body = request_body(script.prompt)
    customer = new_customer(credits=10_000)
    urls = [f"{gateway.url}/v1/messages", f"{twin.url}/v1/messages"] * 30

    statuses = asyncio.run(_ask_all(urls, body, customer.token))

    spent = Counter(statuses)[200]
    assert Counter(statuses).keys() <= {200, 402, 429}
    assert customer.charges() == [1200] * spent
    assert customer.wallet().posted == 10_000 - 1200 * spent >= 0
    assert len(script.requests) == spent


def test_two_keys_share_one_balance(new_customer: NewCustomer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(after_release(says()))
    body = request_body(script.prompt)
    customer = new_customer(credits=scripted_catalogue.bound(body, max_tokens=100))
    call = customer.caller.call("POST", "/v1/messages", body)
    script.wait_for_request()

    refused = Caller(customer.url, customer.another_key().token).post("/v1/messages", body)

    assert refused.error["details"]["error_code"] == "credits_held"
    script.release()
    assert call.answer().status == 200


def test_new_credits_can_be_spent_at_once(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(credits=0)
    script = upstream.script(says())
    assert customer.ask(script.prompt).status == 402

    customer.give(5000)

    assert customer.ask(script.prompt).status == 200
    assert customer.wallet().posted == 5000 - 60


async def _ask_all(
    urls: list[str], body: bytes, token: str, *, script: Script | None = None
) -> list[int]:
    """Send the body to all addresses at once; return the statuses.

    With a script, its answers wait until only 20 calls are still unanswered.
    """
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def ask(url: str) -> int:
            async with session.post(url, data=body) as response:
                await response.read()
                return response.status

        asked = [asyncio.create_task(ask(url)) for url in urls]
        if script is not None:
            with suppress(TimeoutError):
                await _until_answered(asked, all_but=20)
            script.release(len(asked))
        return await asyncio.wait_for(asyncio.gather(*asked), 60)


async def _until_answered(asked: list["asyncio.Task[int]"], *, all_but: int) -> None:
    for count, answer in enumerate(asyncio.as_completed(asked, timeout=60), start=1):
        await answer
        if count == len(asked) - all_but:
            return
