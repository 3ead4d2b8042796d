"""Random histories of a wallet whose calls meet upstreams of the fault table.

After each step the wallet agrees with a simple model: what was given, less what each row's right
outcome costs. Some calls run side by side, in every format, streamed and not.
"""

import random

import pytest

from tests.gateway.faults.attempts import fields_of
from tests.gateway.faults.kinds import ALL
from tests.gateway.faults.table import Fault, Way
from tests.support.callers import Call
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.servers import WebServer
from usage.models import RequestRecord

STEPS = 12
MOST_AT_ONCE = 4
MOST_RELEASES = 50  # more than any play waits for
# Those with an exact charge that neither a deadline, megabytes nor a second attempt bring about:
# calls side by side share a budget of attempts, and which of them gets the last one is open. Nor
# those that teach a habit of their upstream, by which other rows' requests would be changed.
ROWS = [
    (fault, way)
    for fault in ALL
    for way in fault.ways
    if fault.outcome.charge is not None
    and not (fault.outcome.is_late or fault.has_deadline or fault.is_long)
    and not (fault.needs_retry or fault.teaches)
]


def begin(fault: Fault, way: Way, customer: Customer, upstream: ScriptedUpstream) -> Call:
    script = upstream.script(fault.play(way.wire))
    script.release(MOST_RELEASES)
    fields = {**fields_of(fault, way), **fault.asked(script.prompt)}
    return customer.begin(script.prompt, stream=way.stream, **fields)


@pytest.mark.parametrize("seed", range(3))
def test_the_wallet_agrees_with_the_model_after_each_step(
    new_customer: NewCustomer, small: WebServer, upstream: ScriptedUpstream, seed: int
) -> None:
    draw = random.Random(seed)
    balance = 10_000_000
    customer = new_customer(url=small.url, credits=balance)
    for _ in range(STEPS):
        if draw.random() < 0.2:
            given = draw.randint(1, 500)
            customer.give(given)
            balance += given
        rows = draw.sample(ROWS, draw.randint(1, MOST_AT_ONCE))
        calls = [begin(fault, way, customer, upstream) for fault, way in rows]
        for call in calls:
            call.answer()
        customer.wait_until_settled()
        balance -= sum(fault.outcome.charge or 0 for fault, _ in rows)

        wallet = customer.wallet()
        assert (wallet.posted, wallet.held) == (balance, 0), [fault.name for fault, _ in rows]
    charged = RequestRecord.objects.filter(workspace=customer.workspace)
    assert sum(record.credits for record in charged) == sum(customer.charges())
