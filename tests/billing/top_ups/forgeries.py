"""Forged webhook deliveries, almost like Stripe's. The benchmark makes a hundred thousand."""

import random
from collections.abc import Iterator
from typing import NamedTuple

import stripe

SECRETS = ("whsec_the_old_one", "whsec_the_new_one")
NOW = 1_780_000_000
BODY = (
    b'{"id": "evt_1", "object": "event", "type": "checkout.session.completed", "livemode": false,'
    b' "data": {"object": {"id": "cs_test_1", "client_reference_id": "ours"}}}'
)


class Delivery(NamedTuple):
    """A delivery, and how it was forged."""

    body: bytes
    header: str
    how: str


def signature(body: bytes, *secrets: str, at: int = NOW) -> str:
    """The header that Stripe would send."""
    made = [stripe.WebhookSignature._compute_signature(f"{at}.{body.decode()}", s) for s in secrets]
    return ",".join([f"t={at}", *(f"v1={one}" for one in made)])


def forgeries(count: int, *, seed: int) -> Iterator[Delivery]:
    """Yield `count` forgeries, of each kind in turn; the same seed gives the same ones."""
    dice = random.Random(seed)
    for number in range(count):
        yield _WAYS[number % len(_WAYS)](dice)


def _bit_in_body(dice: random.Random) -> Delivery:
    return Delivery(_flipped(BODY, dice), signature(BODY, SECRETS[0]), "a bit of the body")


def _bit_in_header(dice: random.Random) -> Delivery:
    """In a header with one signature: with two, the other one would still be valid."""
    flipped = _flipped(signature(BODY, SECRETS[0]).encode(), dice)
    return Delivery(BODY, flipped.decode("latin-1"), "a bit of the header")


def _too_old(dice: random.Random) -> Delivery:
    at = NOW - 301 - dice.randrange(10**8)
    return Delivery(BODY, signature(BODY, *SECRETS, at=at), "too old")


def _from_the_future(dice: random.Random) -> Delivery:
    at = NOW + 301 + dice.randrange(10**8)
    return Delivery(BODY, signature(BODY, *SECRETS, at=at), "from the future")


def _time_moved(dice: random.Random) -> Delivery:
    """An old delivery, recorded and replayed with the current time."""
    old = signature(BODY, *SECRETS, at=NOW - 1_000 - dice.randrange(10**6))
    return Delivery(BODY, f"t={NOW},{old.partition(',')[2]}", "an old signature with a new time")


def _two_times(dice: random.Random) -> Delivery:
    old = signature(BODY, *SECRETS, at=NOW - 1_000 - dice.randrange(10**6))
    times = [f"t={NOW}", old]
    dice.shuffle(times)
    return Delivery(BODY, ",".join(times), "two times")


def _other_secret(dice: random.Random) -> Delivery:
    guessed = f"whsec_{dice.getrandbits(192):x}"
    return Delivery(BODY, signature(BODY, guessed), "another secret")


def _no_secret(dice: random.Random) -> Delivery:
    nothing = dice.choice(["", "whsec_", " ", "None"])
    return Delivery(BODY, signature(BODY, nothing), "no secret")


def _other_scheme(dice: random.Random) -> Delivery:
    scheme = dice.choice(["v0", "v2", "V1", " v1", "v1 ", "v11", ""])
    return Delivery(
        BODY, signature(BODY, SECRETS[0]).replace("v1=", f"{scheme}="), "another scheme"
    )


def _truncated(dice: random.Random) -> Delivery:
    header = signature(BODY, SECRETS[0])
    return Delivery(BODY, header[: dice.randrange(len(header))], "a truncated header")


def _garbage(dice: random.Random) -> Delivery:
    alphabet = "t=v1,0123456789abcdef \t\x00é٣_+-"
    header = "".join(dice.choices(alphabet, k=dice.randrange(200)))
    return Delivery(dice.randbytes(dice.randrange(300)), header, "garbage")


def _longer_body(dice: random.Random) -> Delivery:
    body = BODY + dice.choice([b" ", b"\n", b"\x00", b"{}", b"\xef\xbb\xbf"])
    return Delivery(body, signature(BODY, SECRETS[0]), "more after the body")


def _flipped(data: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(data) * 8)
    changed = bytearray(data)
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


_WAYS = (
    _bit_in_body,
    _bit_in_header,
    _too_old,
    _from_the_future,
    _time_moved,
    _two_times,
    _other_secret,
    _no_secret,
    _other_scheme,
    _truncated,
    _garbage,
    _longer_body,
)
