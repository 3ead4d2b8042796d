"""Calls that meet a fault of the tables: each must have the documented error and charge.

What each ending costs is decided in docs/adr/0006-what-each-ending-costs.md.
"""

import json
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import pytest

from tests.gateway.faults.table import Fault, Outcome, Way
from tests.support.callers import Answer, Call, Transcript
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.replies import says
from tests.support.scripted_catalogue import (
    LONG_ANSWER_CREDITS,
    LONG_ANSWER_TOKENS,
    PRICED_ANSWER_TOKENS,
)
from tests.support.scripted_upstream import Script, ScriptedUpstream
from tests.support.servers import WebServer
from tests.support.waiting import eventually

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


Meet = Callable[[Fault], None]


@pytest.fixture
def meet(
    new_customer: NewCustomer, gateways: dict[str, WebServer], upstream: ScriptedUpstream
) -> Meet:
    """Make calls that meet a fault, all of its ways at once; fail unless each has the documented
    outcome, and afterwards nothing of it has stuck to the gateway."""

    def begin(fault: Fault, way: Way, gateway: WebServer) -> Attempt:
        customer = new_customer(url=gateway.url, credits=CREDITS)
        script = upstream.script(fault.play(way.wire))
        fields = {**fields_of(fault, way), **fault.asked(script.prompt)}
        call = customer.begin(script.prompt, stream=way.stream, **fields)
        return Attempt(fault, way, customer, script, call)

    def meet(fault: Fault) -> None:
        gateway = gateway_for(fault, gateways)
        attempts = [begin(fault, way, gateway) for way in fault.ways]
        for attempt in attempts:
            attempt.assert_outcome()
            assert {request.path for request in attempt.script.requests} <= {attempt.way.wire.path}

        def is_answered() -> bool:
            return attempts[0].customer.ask(upstream.script(says()).prompt).status == 200

        # Where a deadline is short, a machine that falters may miss it.
        assert is_answered() or (
            (fault.outcome.is_late or fault.has_deadline) and eventually(is_answered)
        )

    return meet


def fields_of(fault: Fault, way: Way) -> dict[str, Any]:
    """Return the model and the limit of the output for a call."""
    if fault.is_long:
        return {"model": way.wire.long_model, "max_tokens": LONG_ANSWER_TOKENS}
    if fault.is_priced:
        return {"model": way.wire.priced_model, "max_tokens": PRICED_ANSWER_TOKENS}
    return {"model": fault.model or way.wire.model, "max_tokens": 100}
