"""Simulated delivery faults: duplicated, late, shuffled, lost, held."""

import itertools

import pytest
import stripe

from stripe_sandbox.client import Sandbox, SandboxRefused
from tests.stripe_sandbox.library import Checkout
from tests.stripe_sandbox.receiver import Receiver
from tests.support.waiting import eventually


def make_customers(api: stripe.StripeClient, number: int) -> list[str]:
    return [api.v1.customers.create().id for _ in range(number)]


def arrived(sandbox: Sandbox, receiver: Receiver) -> list[str]:
    """Ids of the objects in the events, in order of arrival; clears the receiver."""
    sandbox.wait_until_delivered()
    ids = [event["data"]["object"]["id"] for event in receiver.events]
    receiver.received.clear()
    return ids


def test_every_delivery_doubled(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.set_faults(copies_min=3, copies_max=3)
    made = make_customers(api, 2)

    assert sorted(arrived(sandbox, receiver)) == sorted(made * 3)


def test_a_seed_fixes_how_many_copies(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver
) -> None:
    counts = []
    for seed in (7, 7, 8):
        sandbox.set_faults(seed=seed, copies_min=1, copies_max=10)
        made = make_customers(api, 8)
        came = arrived(sandbox, receiver)
        counts.append([came.count(one) for one in made])

    assert counts[0] == counts[1] != counts[2]
    assert set(itertools.chain(*counts)) <= set(range(1, 11))


def test_late_deliveries_wait_and_come(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.set_faults(delay_s=3600)
    late = make_customers(api, 1)
    waiting = sandbox.deliveries(state="pending")
    sandbox.set_faults(delay_s=0.05)
    soon = make_customers(api, 1)
    eventually(lambda: sandbox.deliveries(state="delivered"))

    assert [event["data"]["object"]["id"] for event in receiver.events] == soon
    assert len(waiting) == len(late) == 1
    created = api.v1.events.retrieve(waiting[0]["event_id"]).created
    assert waiting[0]["due_at"] >= created + 3600


def test_shuffled_deliveries_overtake_each_other(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.set_faults(seed=3, shuffle_within_s=2.5, concurrency=1)
    made = make_customers(api, 12)

    came = arrived(sandbox, receiver)

    assert sorted(came) == sorted(made)
    assert came != made


def test_one_at_a_time_keeps_the_order(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.set_faults(concurrency=1)
    made = make_customers(api, 12)

    assert arrived(sandbox, receiver) == made
    assert receiver.most_at_once == 1


def test_many_at_once(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver, hold_answers: None
) -> None:
    sandbox.set_faults(concurrency=16, copies_min=16, copies_max=16)
    make_customers(api, 2)
    eventually(lambda: receiver.at_once == 16)

    assert sandbox.status()["deliveries"]["in_flight"] == 16
    assert receiver.gate is not None
    receiver.gate.set()
    assert len(arrived(sandbox, receiver)) == 32
    assert receiver.most_at_once == 16


def test_lost_deliveries_never_come_but_are_listed(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.set_faults(seed=1, drop_probability=0.5)
    made = make_customers(api, 20)

    came = arrived(sandbox, receiver)

    dropped = sandbox.deliveries(state="dropped")
    assert 0 < len(came) < 20
    assert len(came) + len(dropped) == 20
    listed = [one.data.object.to_dict()["id"] for one in api.v1.events.list({"limit": 50}).data]
    assert sorted(listed) == sorted(made)
    missed = api.v1.events.list({"delivery_success": False, "limit": 50}).data
    assert {one.id for one in missed} == {one["event_id"] for one in dropped}


def test_events_of_a_type_can_vanish_altogether(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver, checkout: Checkout
) -> None:
    sandbox.set_faults(drop_types=["checkout.session.*"], unlisted=True)
    sandbox.pay(checkout().id)
    sandbox.wait_until_delivered()
    lost = sandbox.deliveries(state="dropped")[0]

    assert "payment_intent.succeeded" in receiver.types
    assert "checkout.session.completed" not in receiver.types
    assert api.v1.events.list({"type": "checkout.session.completed"}).data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such event"):
        api.v1.events.retrieve(lost["event_id"])


def test_a_lost_event_can_still_be_sent_by_hand(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.set_faults(drop_probability=1)
    made = make_customers(api, 1)
    before = arrived(sandbox, receiver)

    sandbox.redeliver(sandbox.deliveries()[0]["event_id"])

    assert before == []
    assert arrived(sandbox, receiver) == made


def test_faults_can_be_for_some_types_only(
    sandbox: Sandbox, receiver: Receiver, checkout: Checkout
) -> None:
    sandbox.set_faults(only=["charge.*"], copies_min=2, copies_max=2)
    sandbox.pay(checkout().id)
    sandbox.wait_until_delivered()

    assert receiver.types.count("charge.succeeded") == 2
    assert receiver.types.count("payment_intent.succeeded") == 1


def test_held_deliveries_leave_in_the_order_that_is_asked_for(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.set_faults(hold=True, concurrency=1)
    made = make_customers(api, 4)
    held = [one["event_id"] for one in sandbox.deliveries(state="held")]
    nothing_yet = arrived(sandbox, receiver)

    released = [sandbox.release(order=[held[2], held[0]])]
    first = arrived(sandbox, receiver)
    released.append(sandbox.release())

    assert nothing_yet == []
    assert first == [made[2], made[0]]
    assert arrived(sandbox, receiver) == [made[1], made[3]]
    assert released == [2, 2]


def test_held_deliveries_leave_shuffled_by_a_seed(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.set_faults(hold=True, concurrency=1)
    orders = []
    for seed in (1, 1, 2):
        made = make_customers(api, 8)
        sandbox.release(shuffle_seed=seed)
        orders.append([made.index(one) for one in arrived(sandbox, receiver)])

    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != list(range(8))


@pytest.mark.parametrize("faults", [{"drop_probability": 2}, {"copies_min": 0}, {"colour": "red"}])
def test_faults_that_make_no_sense_are_refused(sandbox: Sandbox, faults: dict[str, object]) -> None:
    with pytest.raises(SandboxRefused) as caught:
        sandbox.set_faults(**faults)

    assert caught.value.status == 400


def test_a_reset_forgets_all_but_the_endpoint(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.set_faults(hold=True)
    make_customers(api, 2)

    sandbox.reset()

    assert api.v1.customers.list().data == []
    assert sandbox.deliveries() == []
    new = make_customers(api, 1)
    assert arrived(sandbox, receiver) == new
