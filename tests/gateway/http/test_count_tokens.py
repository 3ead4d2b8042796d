"""A caller asks how many tokens a request has, of a model whose server cannot tell."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from gateway.errors import BodyTooLarge, RateLimited
from gateway.http import endpoint
from gateway.limits.read_limits import ReadLimits
from tests.support import scripted_catalogue
from tests.support.callers import request_body
from tests.support.customers import Customer

TEXT = {"type": "text", "text": "What is on this picture?"}
IMAGE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0K" * 50_000},
}


def count(customer: Customer, *content: dict[str, object]) -> int:
    turns = [{"role": "user", "content": content}]
    body = request_body("", model="scripted/chat", messages=turns)
    counted = customer.caller.post("/v1/messages/count_tokens", body).json()
    assert counted.keys() == {"input_tokens"}
    return int(counted["input_tokens"])


def test_a_text_is_estimated_by_its_length(customer: Customer) -> None:
    longer = TEXT | {"text": "x" * 4000}

    assert 10 < count(customer, TEXT) < 100
    assert 1000 < count(customer, longer) < 1100


def test_an_image_counts_as_much_as_it_can_be_and_its_base64_nothing(customer: Customer) -> None:
    assert count(customer, TEXT, IMAGE, IMAGE) > 2 * scripted_catalogue.MAX_TOKENS_PER_IMAGE
    assert count(customer, TEXT, IMAGE, IMAGE) < 2 * scripted_catalogue.MAX_TOKENS_PER_IMAGE + 200


class UnreadBody:
    """Too large, and found so once 100 MB of it have arrived."""

    received, values = 100_000_000, 0

    async def read(self, require_room: Callable[[], None]) -> bytes:
        require_room()
        raise BodyTooLarge(limit_bytes=1)


async def test_a_body_that_is_refused_has_its_own_error_and_counts() -> None:
    counts = ReadLimits("counts", at_once=1, per_minute=10)
    services, caller = SimpleNamespace(counts=counts), SimpleNamespace(workspace_id=7)

    with pytest.raises(BodyTooLarge):
        await endpoint.counted_request(services, caller, UnreadBody())

    with pytest.raises(RateLimited):
        await endpoint.counted_request(services, caller, UnreadBody())


async def test_the_limit_does_not_hide_why_a_body_was_not_read() -> None:
    counts = ReadLimits("counts", at_once=1, per_minute=10)
    services, caller = SimpleNamespace(counts=counts), SimpleNamespace(workspace_id=7)

    class UsedUpMeanwhile(UnreadBody):
        async def read(self, require_room: Callable[[], None]) -> bytes:
            counts.add(7, 100)  # by other counts
            raise BodyTooLarge(limit_bytes=1)

    with pytest.raises(BodyTooLarge):
        await endpoint.counted_request(services, caller, UsedUpMeanwhile())
