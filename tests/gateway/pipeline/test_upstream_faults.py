"""The upstream fails in every way: the caller hears a documented error and pays what is documented.

The faults stand in tests/gateway/faults/, a row each with what must come of it. What each ending
costs is decided in docs/adr/0006-what-each-ending-costs.md.
"""

import json
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import pytest

from tests.gateway.faults import (
    beginnings,
    bodies,
    connections,
    conversations,
    disguises,
    emptiness,
    habits,
    odd_calls,
    oddities,
    refusals,
    requests,
    statuses,
    stop_sequences,
    streams,
    tool_calls,
    usage_reports,
)
from tests.gateway.faults.table import Fault, Outcome, Way
from tests.support.callers import Answer, Call, Transcript
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.replies import answers, says
from tests.support.scripted_catalogue import (
    LONG_ANSWER_CREDITS,
    LONG_ANSWER_TOKENS,
    PRICED_ANSWER_TOKENS,
)
from tests.support.scripted_upstream import Script, ScriptedUpstream
from tests.support.servers import WebServer
from tests.support.waiting import eventually
from usage.models import Ending

FAULTS = [
    *connections.FAULTS,
    *statuses.FAULTS,
    *bodies.FAULTS,
    *streams.FAULTS,
    *beginnings.FAULTS,
    *oddities.FAULTS,
    *usage_reports.FAULTS,
    *tool_calls.FAULTS,
    *odd_calls.FAULTS,
    *refusals.FAULTS,
    *emptiness.FAULTS,
    *stop_sequences.FAULTS,
    *conversations.FAULTS,
    *habits.FAULTS,
    *disguises.FAULTS,
    *requests.FAULTS,
]
CREDITS = LONG_ANSWER_CREDITS


class Attempt(NamedTuple):
    """One call that meets a fault, in one of the fault's ways."""

    fault: Fault
    way: Way
    customer: Customer
    script: Script
    call: Call

    @property
    def outcome(self) -> Outcome:
        """What must come of it."""
        return self.fault.outcome

    def assert_outcome(self) -> None:
        """Hear the call to its end; fail unless it is the documented one."""
        if self.outcome.breaks_off:
            self._assert_breaks_off()
            self._assert_recorded()
            return
        self.script.release()
        if self.outcome.error:
            self._assert_refused(self.call.answer())
        else:
            self._assert_answered(self.call.answer())
        self._assert_recorded()

    def _assert_refused(self, answer: Answer) -> None:
        assert (answer.status, answer.error["type"]) == (self.outcome.status, self.outcome.error)
        assert answer.headers["retry-after"] == self.outcome.retry_after
        assert answer.error["message"] == (self.outcome.message or answer.error["message"])
        assert_tells_nothing(answer.body, self)

    def _assert_breaks_off(self) -> None:
        first = self.call.read_until("message_start")
        self.script.release()
        seen = Transcript([first, *self.call.events()])
        assert self.call.response.status == self.outcome.status
        assert seen.error is not None
        assert seen.error["type"] == self.outcome.error
        assert seen.error["message"] == (self.outcome.message or seen.error["message"])
        last = seen.events[-1].data
        assert last["request_id"] == self.call.response.headers["request-id"]
        assert_tells_nothing(json.dumps(last).encode(), self)
        self.call.hang_up()
        assert len(self.script.requests) == 1  # what was said cannot be unsaid
        # What the upstream did for nothing is our loss: the input, and the words that went out.
        has_call = any(block["type"] == "tool_use" for block in seen.content)
        is_lost = self.customer.wait_for_record().lost_credits > 0
        assert is_lost is (bool(seen.text) or has_call)

    def _assert_answered(self, answer: Answer) -> None:
        assert answer.status == self.outcome.status
        message = answer.whole()
        if expected := self.outcome.content:
            assert _members_of(message["content"], expected) == list(expected)
        else:
            assert (
                "".join(block.get("text", "") for block in message["content"]) == self.outcome.text
            )
        assert message["stop_reason"] == (self.outcome.stop_reason or message["stop_reason"])
        counts = message["usage"]
        assert counts["credits_consumed"] == sum(self.customer.charges())
        if self.fault.is_priced:
            return
        assert counts["credits_consumed"] == counts["input_tokens"] + 2 * counts["output_tokens"]
        assert counts["output_tokens"] in (23, self.outcome.output)

    def _assert_recorded(self) -> None:
        record = self.customer.wait_for_record()
        assert (record.status, record.error_type, record.ending, record.is_stream) == (
            self.outcome.status,
            self.outcome.error,
            self.outcome.ending,
            self.way.stream,
        )
        charges = self.customer.charges()
        assert self.customer.open_holds() == 0
        assert record.credits == sum(charges) == CREDITS - self.customer.wallet().available
        if self.outcome.charge is None:
            assert record.is_usage_estimated
            assert 0 < record.credits < 100
        else:
            assert record.credits == self.outcome.charge
            assert not charges or record.is_usage_estimated is self.outcome.is_estimated


def _members_of(content: list[dict[str, Any]], expected: Sequence[dict[str, Any]]) -> list[Any]:
    """Return the blocks with only those members that are expected of each."""
    return [
        {name: (block or {}).get(name) for name in wanted} if wanted else block
        for block, wanted in zip_longest(content, expected)
    ]


def assert_tells_nothing(told: bytes, attempt: Attempt) -> None:
    """… of the upstream, the prompt or the key."""
    secrets = (b"insiders", b"10.0.0.7", b"169.254", b"<", b"nobody.invalid", b"passwd")
    asked = attempt.script.prompt.encode(), attempt.customer.token.encode()
    for secret in (*secrets, *asked):
        assert secret not in told


def gateway_for(fault: Fault, gateways: dict[str, WebServer]) -> WebServer:
    """Return the one whose deadlines end this call, and no other."""
    outcome = fault.outcome
    if not (outcome.is_late or fault.has_deadline):
        return gateways["small"]
    return gateways["hasty" if outcome.breaks_off else "impatient"]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_has_its_error_and_its_charge(
    new_customer: NewCustomer,
    gateways: dict[str, WebServer],
    upstream: ScriptedUpstream,
    fault: Fault,
) -> None:
    """All of its ways at once. Afterwards nothing of it has stuck to the gateway."""
    gateway = gateway_for(fault, gateways)

    def begin(way: Way) -> Attempt:
        customer = new_customer(url=gateway.url, credits=CREDITS)
        script = upstream.script(fault.play(way.wire))
        fields = {"model": fault.model or way.wire.model, "max_tokens": 100}
        if fault.is_long:
            fields = {"model": way.wire.long_model, "max_tokens": LONG_ANSWER_TOKENS}
        elif fault.is_priced:
            fields = {"model": way.wire.priced_model, "max_tokens": PRICED_ANSWER_TOKENS}
        fields |= fault.asked(script.prompt)
        call = customer.begin(script.prompt, stream=way.stream, **fields)
        return Attempt(fault, way, customer, script, call)

    attempts = [begin(way) for way in fault.ways]

    for attempt in attempts:
        attempt.assert_outcome()
        assert {request.path for request in attempt.script.requests} <= {attempt.way.wire.path}

    def is_answered() -> bool:
        return attempts[0].customer.ask(upstream.script(says()).prompt).status == 200

    # Where a deadline is short, a machine that falters may miss it.
    assert is_answered() or (
        (fault.outcome.is_late or fault.has_deadline) and eventually(is_answered)
    )


def test_there_are_as_many_faults_as_names() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_what_the_upstream_finds_wrong_with_the_request_is_passed_on(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    words = "messages.0.content: this model is a-name-for-insiders and takes no poems"
    script = upstream.script(answers(statuses.error("invalid_request_error", words), status=400))

    answer = customer.ask(script.prompt)

    assert answer.error["message"] == words.replace("a-name-for-insiders", "scripted/messages")
    assert len(script.requests) == 1  # another attempt would find the same


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_inside_a_success_is_passed_on_as_well(
    customer: Customer, upstream: ScriptedUpstream, stream: bool
) -> None:
    script = upstream.script(
        answers(statuses.error("invalid_request_error", "a-name-for-insiders takes no poems"))
    )

    answer = customer.ask(script.prompt, stream=stream)

    assert answer.error["message"] == "scripted/messages takes no poems"
    assert customer.wait_for_record().ending == Ending.FAILED
