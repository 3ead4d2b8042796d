"""The deliveries that the verifier accepts as Stripe's."""

from collections import Counter

import pytest

from billing.errors import BadWebhook
from billing.stripe.signatures import verify
from tests.billing.top_ups.forgeries import BODY, NOW, SECRETS, Delivery, forgeries, signature


def is_accepted(delivery: Delivery) -> bool:
    try:
        verify(delivery.body, delivery.header, secrets=SECRETS, now=NOW)
    except BadWebhook:
        return False
    return True


@pytest.mark.parametrize("signers", [SECRETS[:1], SECRETS[1:], SECRETS, ("whsec_else", SECRETS[1])])
def test_either_secret_is_good_while_it_is_rolled(signers: tuple[str, ...]) -> None:
    assert is_accepted(Delivery(BODY, signature(BODY, *signers), ""))


def test_a_secret_that_was_dropped_is_no_good_any_more() -> None:
    with pytest.raises(BadWebhook):
        verify(BODY, signature(BODY, SECRETS[0]), secrets=SECRETS[1:], now=NOW)


def test_without_a_secret_nothing_is_accepted() -> None:
    for secrets in ([], [""]):
        with pytest.raises(BadWebhook):
            verify(BODY, signature(BODY, ""), secrets=secrets, now=NOW)


@pytest.mark.parametrize("skew", [-300, -1, 0, 1, 300])
def test_five_minutes_of_skew_are_allowed_in_both_directions(skew: int) -> None:
    assert is_accepted(Delivery(BODY, signature(BODY, SECRETS[0], at=NOW + skew), ""))


@pytest.mark.parametrize("skew", [-(10**9), -301, 301, 10**9])
def test_more_skew_is_not(skew: int) -> None:
    with pytest.raises(BadWebhook, match="too far from now"):
        verify(BODY, signature(BODY, SECRETS[0], at=NOW + skew), secrets=SECRETS, now=NOW)


def test_no_forgery_is_accepted() -> None:
    accepted = Counter(one.how for one in forgeries(6_000, seed=1) if is_accepted(one))

    assert accepted == Counter()


def test_every_single_bit_counts() -> None:
    header = signature(BODY, SECRETS[0]).encode()

    for place in range(len(BODY) * 8):
        flipped = bytearray(BODY)
        flipped[place // 8] ^= 1 << place % 8
        assert not is_accepted(Delivery(bytes(flipped), header.decode(), ""))
    for place in range(len(header) * 8):
        flipped = bytearray(header)
        flipped[place // 8] ^= 1 << place % 8
        assert not is_accepted(Delivery(BODY, flipped.decode("latin-1"), ""))
