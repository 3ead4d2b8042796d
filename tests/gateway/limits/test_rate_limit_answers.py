"""A caller asks for more than their share: the answer says so and when to come back."""

from datetime import UTC, datetime, timedelta

from tests.support.callers import request_body
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import after_release, says
from tests.support.scripted_upstream import ScriptedUpstream


def test_too_many_calls_in_a_minute_are_refused_with_the_time_to_wait(
    new_customer: NewCustomer, upstream: ScriptedUpstream, start_gateway: StartGateway
) -> None:
    strict = start_gateway(RATE_LIMITS="requests=5,input_tokens=1000000")
    customer, other = new_customer(url=strict.url), new_customer(url=strict.url)
    script = upstream.script(says())

    answers = [customer.ask(script.prompt) for _ in range(6)]

    assert [answer.status for answer in answers] == [200] * 5 + [429]
    refused = answers[-1]
    assert refused.error["type"] == "rate_limit_error"
    # The window slides: late in a minute, its calls weigh on into the next one.
    assert 1 <= int(refused.headers["retry-after"]) <= 120
    assert len(script.requests) == 5
    assert customer.charges() == [60] * 5
    assert len(customer.records()) == 5
    assert other.ask(script.prompt).status == 200  # everybody has a share of their own
    assert customer.caller.get("/v1/credits").status == 200


def test_every_answer_says_how_much_is_left(
    new_customer: NewCustomer, upstream: ScriptedUpstream, start_gateway: StartGateway
) -> None:
    strict = start_gateway(RATE_LIMITS="requests=5,input_tokens=1000000")
    customer = new_customer(url=strict.url)
    script = upstream.script(says())
    asked_at = datetime.now(UTC)

    plain, stream = customer.ask(script.prompt), customer.stream(script.prompt)

    assert plain.headers["anthropic-ratelimit-requests-limit"] == "5"
    assert plain.headers["anthropic-ratelimit-requests-remaining"] == "4"
    assert stream.headers["anthropic-ratelimit-requests-remaining"] == "3"
    assert 0 < int(stream.headers["anthropic-ratelimit-input-tokens-remaining"]) < 1_000_000
    resets_at = datetime.fromisoformat(plain.headers["anthropic-ratelimit-requests-reset"])
    assert asked_at < resets_at <= datetime.now(UTC) + timedelta(minutes=1)


def test_a_large_image_is_not_taken_for_millions_of_tokens(
    new_customer: NewCustomer, upstream: ScriptedUpstream, start_gateway: StartGateway
) -> None:
    """At the limits as they are shipped."""
    customer = new_customer(url=start_gateway(RATE_LIMITS="").url)
    script = upstream.script(says())
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0K" * 1_200_000}
    content = [{"type": "image", "source": source}, {"type": "text", "text": script.prompt}]

    answer = customer.ask("", messages=[{"role": "user", "content": content}])

    assert answer.status == 200


def test_too_many_calls_of_a_key_at_once_are_refused(
    new_customer: NewCustomer, upstream: ScriptedUpstream, start_gateway: StartGateway
) -> None:
    """And come free again when they end, in whatever way."""
    narrow = start_gateway(MAX_CONCURRENT_CALLS_PER_KEY="2", MAX_CONCURRENT_CALLS="3")
    customer, other = new_customer(url=narrow.url), new_customer(url=narrow.url)
    script = upstream.script(after_release(says()))
    leaving, staying = (customer.begin(script.prompt, stream=kind) for kind in (False, True))
    script.wait_for_request(2)

    refused = customer.ask(script.prompt)

    assert (refused.status, refused.error["type"]) == (429, "rate_limit_error")
    assert int(refused.headers["retry-after"]) >= 1
    third = other.begin(script.prompt)
    script.wait_for_request(3)
    shed = other.caller.post("/v1/messages", request_body(script.prompt))
    assert (shed.status, shed.error["type"]) == (529, "overloaded_error")

    leaving.reset()
    script.wait_for_hang_up()
    again = customer.begin(script.prompt)
    script.wait_for_request(4)
    script.release(4)
    assert [call.answer().status for call in (staying, third, again)] == [200] * 3
