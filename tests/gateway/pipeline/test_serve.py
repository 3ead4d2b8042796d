"""`serve` runs calls for sinks other than HTTP: plain, streamed, and with a sink that leaves."""

import asyncio
import contextlib
import gc
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pytest_django import Settings

from billing.models import Source
from gateway.call import Caller, CallerGone, Head
from gateway.errors import GatewayError, OutOfCredits, UpstreamFailed
from gateway.metering.operations import SettleResult
from gateway.pipeline.serve import OnDisconnect, Policy, Served, serve
from gateway.pipeline.sink import FanOut
from gateway.request import parse
from gateway.runtime.services import THREAD_TURN_S, GatewayServices, running_services
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.replies import (
    answers,
    does,
    events,
    message,
    reset,
    says,
    silence,
    streams,
    until_read,
    usage,
    wait,
)
from tests.support.scripted_upstream import Script, ScriptedUpstream
from usage.models import Ending, RequestRecord

CANCEL = Policy(OnDisconnect.CANCEL)
FINISH = Policy(OnDisconnect.FINISH)
TEXT = "The quick brown fox"

Result = TypeVar("Result")
Scenario = Callable[[GatewayServices], Awaitable[Any]]
RunInGateway = Callable[[Scenario], Any]


class MemorySink:
    """Keeps what it receives. `leave` reports that nobody reads any more."""

    def __init__(self) -> None:
        self.heads: list[Head] = []
        self.received = b""
        self.credits_consumed: int | None = None
        self.is_closed = False
        self._has_left = asyncio.Event()
        self._has_changed = asyncio.Condition()

    def leave(self) -> None:
        self._has_left.set()

    async def until(self, part: bytes) -> None:
        """Return once `part` has been received."""
        async with self._has_changed:
            await self._has_changed.wait_for(lambda: part in self.received)

    async def gone(self) -> None:
        await self._has_left.wait()

    async def answer(self, head: Head, body: bytes, result: SettleResult) -> None:
        self.heads.append(head)
        self.credits_consumed = result.charged
        await self.send(body)

    async def open(self, head: Head) -> None:
        self.heads.append(head)

    async def send(self, frames: bytes) -> None:
        async with self._has_changed:
            self.received += frames
            self._has_changed.notify_all()

    async def close(self) -> None:
        self.is_closed = True


class ClosedSink(MemorySink):
    """Accepts the beginning of a stream; then its methods report that it has gone."""

    async def send(self, frames: bytes) -> None:
        if self.received:
            raise CallerGone
        await super().send(frames)


class LeavingSink(MemorySink):
    """Leaves as soon as it has the answer, and reports that by a future."""

    def __init__(self) -> None:
        super().__init__()
        self._leaving = asyncio.get_running_loop().create_future()

    def gone(self) -> "asyncio.Future[None]":  # type: ignore[override]
        return self._leaving

    async def answer(self, head: Head, body: bytes, result: SettleResult) -> None:
        await super().answer(head, body, result)
        self._leaving.set_result(None)


@pytest.fixture
def in_gateway(
    gateway_env: dict[str, str], settings: Settings, tmp_path: Path
) -> Iterator[RunInGateway]:
    """Run a scenario with the services of a gateway process, in a thread and loop of its own."""
    settings.DATABASE_URL = gateway_env["DATABASE_URL"]
    settings.DATA_DIR = tmp_path
    thresholds, turn_s = gc.get_threshold(), sys.getswitchinterval()

    async def with_services(scenario: Scenario) -> Any:
        async with running_services() as services:
            return await scenario(services)

    with ThreadPoolExecutor(1) as thread:
        yield lambda scenario: thread.submit(asyncio.run, with_services(scenario)).result()
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(turn_s)


def console(customer: Customer) -> Caller:
    return Caller(workspace_id=customer.workspace.pk, source=Source.CONSOLE)


def request(script: Script, *, stream: bool = False) -> parse.MessagesRequest:
    body = {
        "model": "scripted/messages",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": script.prompt}],
        "stream": stream,
    }
    return parse.messages_request(json.dumps(body).encode())


def test_a_thread_keeps_the_event_loop_waiting_for_a_short_turn(in_gateway: RunInGateway) -> None:
    async def scenario(services: GatewayServices) -> float:
        return sys.getswitchinterval()

    assert in_gateway(scenario) == pytest.approx(THREAD_TURN_S)


def charged_in_lines(record: RequestRecord) -> int:
    millionths: int = sum(line["units"] * line["price"] for line in record.lines or [])
    return -(-millionths // 1_000_000)


def test_a_plain_call_is_answered_in_one_piece_and_settled(
    customer: Customer, upstream: ScriptedUpstream, in_gateway: RunInGateway
) -> None:
    script = upstream.script(says("Hello there"))

    async def scenario(services: GatewayServices) -> tuple[MemorySink, Served]:
        sink = MemorySink()
        return sink, await serve(services, console(customer), request(script), sink, CANCEL)

    sink, served = in_gateway(scenario)

    answer = json.loads(sink.received)
    assert answer["content"][0]["text"] == "Hello there"
    assert answer["usage"]["credits_consumed"] == sink.credits_consumed == 60
    assert [head.route for head in sink.heads] == ["scripted/messages"]
    assert (served.record.credits, served.charge.actual) == (60, 60)
    assert served.balance_after == served.record.balance_after == customer.wallet().posted
    assert customer.charges() == [60]


def test_a_sink_that_leaves_as_its_call_ends_cancels_nothing_else_in_the_task(
    customer: Customer, upstream: ScriptedUpstream, in_gateway: RunInGateway
) -> None:
    script = upstream.script(says("Hello there"))

    async def scenario(services: GatewayServices) -> bytes:
        sink = LeavingSink()
        await serve(services, console(customer), request(script), sink, CANCEL)
        await asyncio.sleep(0)  # a late cancellation would be raised here
        return sink.received

    assert b"Hello there" in in_gateway(scenario)
    assert customer.charges() == [60]


def test_what_is_known_of_a_call_is_in_its_record(
    customer: Customer, upstream: ScriptedUpstream, in_gateway: RunInGateway
) -> None:
    script = upstream.script(says("Hello there"))

    async def scenario(services: GatewayServices) -> Served:
        return await serve(services, console(customer), request(script), MemorySink(), CANCEL)

    in_gateway(scenario)

    record = customer.wait_for_record()
    [attempt] = record.attempts or []
    assert (record.source, record.key_id, record.ending) == (
        Source.CONSOLE,
        None,
        Ending.COMPLETED,
    )
    assert [(line["class"], line["units"]) for line in record.lines or []] == [
        ("input", 14),
        ("output", 23),
    ]
    assert charged_in_lines(record) == record.credits == 60
    assert record.hold_amount >= 60
    assert record.balance_after == customer.wallet().posted
    assert (attempt["upstream_id"], attempt["status"], attempt["error"]) == (
        record.upstream_id,
        200,
        "",
    )
    assert record.queue_ms is not None
    assert record.hold_ms is not None


def test_the_cache_that_is_kept_for_an_hour_is_in_the_record(
    customer: Customer, upstream: ScriptedUpstream, in_gateway: RunInGateway
) -> None:
    written = {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30}
    script = upstream.script(
        answers(message(usage=usage(cache_write=50) | {"cache_creation": written}))
    )

    async def scenario(services: GatewayServices) -> Served:
        return await serve(services, console(customer), request(script), MemorySink(), CANCEL)

    in_gateway(scenario)

    record = customer.wait_for_record()
    assert record.cache_creation_1h_input_tokens == 30
    assert record.cache_creation_input_tokens == 50


def test_a_failed_attempt_is_in_the_record_beside_the_one_that_answered(
    customer: Customer, upstream: ScriptedUpstream, in_gateway: RunInGateway
) -> None:
    script = upstream.script(says("Hello there"))
    body = {
        "model": "scripted/first-is-dead",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": script.prompt}],
    }

    async def scenario(services: GatewayServices) -> Served:
        parsed = parse.messages_request(json.dumps(body).encode())
        return await serve(services, console(customer), parsed, MemorySink(), CANCEL)

    in_gateway(scenario)

    record = customer.wait_for_record()
    assert [(one["status"], one["error"]) for one in record.attempts or []] == [
        (None, "upstream_unavailable"),
        (200, ""),
    ]


def test_a_streamed_call_is_passed_on_in_frames_and_closed(
    customer: Customer, upstream: ScriptedUpstream, in_gateway: RunInGateway
) -> None:
    script = upstream.script(streams(*events(TEXT)))

    async def scenario(services: GatewayServices) -> tuple[MemorySink, Served]:
        sink = MemorySink()
        parsed = request(script, stream=True)
        return sink, await serve(services, console(customer), parsed, sink, CANCEL)

    sink, served = in_gateway(scenario)

    assert sink.received.startswith(b"event: message_start")
    assert b'"credits_consumed":60' in sink.received
    assert sink.received.endswith(b'data: {"type":"message_stop"}\n\n')
    assert (len(sink.heads), sink.is_closed) == (1, True)
    assert served.charge.actual == served.record.credits == 60
    assert served.balance_after == customer.wallet().posted


def test_a_sink_that_leaves_ends_its_call_and_pays_for_what_it_received(
    customer: Customer, upstream: ScriptedUpstream, in_gateway: RunInGateway
) -> None:
    script = upstream.script(streams(*events(TEXT)[:4], silence))

    async def scenario(services: GatewayServices) -> None:
        sink = MemorySink()
        parsed = request(script, stream=True)
        call = asyncio.create_task(serve(services, console(customer), parsed, sink, CANCEL))
        await sink.until(b"quick")
        sink.leave()
        with pytest.raises(CallerGone):
            await call

    in_gateway(scenario)

    script.wait_for_hang_up()
    record = customer.wait_for_record()
    assert (record.ending, record.status) == (Ending.CALLER_LEFT, 200)
    assert customer.charges() == [record.credits] != [0]
    assert charged_in_lines(record) == record.credits


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_sink_that_leaves_before_the_first_byte_pays_nothing(
    customer: Customer, upstream: ScriptedUpstream, in_gateway: RunInGateway, stream: bool
) -> None:
    script = upstream.script(does(silence))

    async def scenario(services: GatewayServices) -> None:
        sink = MemorySink()
        parsed = request(script, stream=stream)
        call = asyncio.create_task(serve(services, console(customer), parsed, sink, CANCEL))
        await asyncio.to_thread(script.wait_for_request)
        sink.leave()
        with pytest.raises(CallerGone):
            await call

    in_gateway(scenario)

    script.wait_for_hang_up()
    assert customer.wait_for_record().status == 499
    assert customer.charges() == []


def test_a_sink_that_fails_counts_as_one_that_left(
    customer: Customer, upstream: ScriptedUpstream, in_gateway: RunInGateway
) -> None:
    script = upstream.script(streams(*events(TEXT)[:4], silence))

    async def scenario(services: GatewayServices) -> None:
        parsed = request(script, stream=True)
        with pytest.raises(CallerGone):
            await serve(services, console(customer), parsed, ClosedSink(), CANCEL)

    in_gateway(scenario)

    script.wait_for_hang_up()
    assert customer.wait_for_record().ending == Ending.CALLER_LEFT


@pytest.mark.parametrize("sink_type", [MemorySink, ClosedSink])
def test_a_call_that_is_to_finish_does_so_after_its_sink_has_left(
    customer: Customer,
    upstream: ScriptedUpstream,
    in_gateway: RunInGateway,
    sink_type: type[MemorySink],
) -> None:
    frames = events(TEXT)
    script = upstream.script(streams(*frames[:4], wait, *frames[4:]))

    async def scenario(services: GatewayServices) -> tuple[MemorySink, Served]:
        sink = sink_type()
        parsed = request(script, stream=True)
        call = asyncio.create_task(serve(services, console(customer), parsed, sink, FINISH))
        await sink.until(b"message_start")
        sink.leave()
        script.release()
        return sink, await call

    sink, served = in_gateway(scenario)

    assert b"message_stop" not in sink.received
    assert (served.record.ending, served.charge.actual) == (Ending.COMPLETED, 60)
    assert customer.charges() == [60]
    assert script.hang_ups == 0


def test_a_call_that_is_to_finish_outlives_the_task_that_made_it(
    customer: Customer, upstream: ScriptedUpstream, in_gateway: RunInGateway
) -> None:
    frames = events(TEXT)
    script = upstream.script(streams(*frames[:4], wait, *frames[4:]))

    async def scenario(services: GatewayServices) -> None:
        sink = MemorySink()
        parsed = request(script, stream=True)
        call = asyncio.create_task(serve(services, console(customer), parsed, sink, FINISH))
        await sink.until(b"quick")
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await call
        script.release()
        await sink.until(b"message_stop")

    in_gateway(scenario)

    assert customer.wait_for_record().ending == Ending.COMPLETED
    assert customer.charges() == [60]


def test_an_error_before_the_first_frame_is_raised_and_reaches_no_sink(
    new_customer: NewCustomer, upstream: ScriptedUpstream, in_gateway: RunInGateway
) -> None:
    customer = new_customer(credits=5)
    script = upstream.script(says())

    async def scenario(services: GatewayServices) -> tuple[MemorySink, GatewayError]:
        sink = MemorySink()
        with pytest.raises(OutOfCredits) as raised:
            await serve(services, console(customer), request(script), sink, CANCEL)
        return sink, raised.value

    sink, error = in_gateway(scenario)

    assert error.credits_available == 5
    assert (sink.heads, sink.received) == ([], b"")
    assert customer.records() == []


def test_an_error_after_the_first_frame_is_the_last_frame(
    customer: Customer, upstream: ScriptedUpstream, in_gateway: RunInGateway
) -> None:
    script = upstream.script(streams(*events(TEXT)[:4], until_read, reset))

    async def scenario(services: GatewayServices) -> tuple[MemorySink, Served]:
        sink = MemorySink()
        parsed = request(script, stream=True)
        return sink, await serve(services, console(customer), parsed, sink, CANCEL)

    sink, served = in_gateway(scenario)

    last = sink.received.split(b"\n\n")[-2]
    assert last.startswith(b"event: error")
    assert UpstreamFailed.error_code.encode() in last
    assert (served.record.ending, served.charge.actual) == (Ending.BROKE_OFF, None)
    assert served.charge.lost == customer.wait_for_record().lost_credits > 0
    assert customer.charges() == []


class _Call:
    """As much of a call as a fan-out needs."""

    def head(self) -> Head:
        return Head("req_1", "scripted/messages", None, 100)


async def test_a_second_sink_receives_the_same_answer_and_may_leave_without_an_effect() -> None:
    caller, second, leaving = MemorySink(), MemorySink(), ClosedSink()
    out = FanOut(_Call(), caller, on_disconnect=OnDisconnect.CANCEL)
    out.attach(second)
    out.attach(leaving)

    for frames in (b"one ", b"two ", b"three"):
        await out.send(frames)
    await out.close()

    assert caller.received == second.received == b"one two three"
    assert len(second.heads) == 1
    assert leaving.received == b"one "
    assert (caller.is_closed, second.is_closed, leaving.is_closed) == (True, True, False)
