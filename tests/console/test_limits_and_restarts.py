"""Runs count against the limits, and live through a restart, as calls with a key do."""

import signal

from tests.support.callers import Answer
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.page_caller import at_a_page
from tests.support.replies import events, says, streams, wait
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.waiting import eventually

RATE = "requests=2,input_tokens=100000"


def test_runs_are_limited_by_workspace_and_a_restart_lets_them_come_to_their_end(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    server = start_gateway(DRAIN_WINDOW_S="60", MAX_CONCURRENT_CALLS_PER_KEY="1", RATE_LIMITS=RATE)
    customer = new_customer(url=server.url)
    page = at_a_page(customer.owner, url=server.url)
    short = upstream.script(says("Hello"))
    script = upstream.script(streams(*events()[:3], wait, *events()[3:]))
    running = page.begin(script.prompt, stream=True)
    running.read_until("content_block_delta")

    assert page.ask(short.prompt).error["message"] == (
        "This workspace has 1 calls running; wait for one to end."
    )
    assert customer.ask(short.prompt).status == 200  # counted by its key
    refused: list[Answer] = []

    def is_refused() -> bool:
        refused.append(customer.ask(short.prompt))
        return refused[-1].status == 429

    eventually(is_refused, what="the limit of requests")
    assert "This workspace's limit of 2 requests a minute" in refused[-1].error["message"]
    other = new_customer(url=server.url)
    staying = at_a_page(other.owner, url=server.url).begin(script.prompt, stream=True)
    staying.read_until("content_block_delta")

    server.ask_to_stop()

    eventually(lambda: not server.accepts(), what="the end of accepting")
    script.release(2)
    assert [event.kind for event in running.events()][-1] == "message_stop"
    assert [event.kind for event in staying.events()][-1] == "message_stop"
    assert server.wait(within_s=60) == -signal.SIGTERM
    assert len(other.charges()) == 1
