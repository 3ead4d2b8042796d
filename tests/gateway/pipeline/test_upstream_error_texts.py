"""The words of an upstream's error: the caller reads those about the request, the operator those
that no prompt and no answer can have brought in."""

import json
from typing import Any

import pytest

from tests.support.customers import Customer
from tests.support.replies import Step, answers, event, events, streams
from tests.support.scripted_upstream import Play, ScriptedUpstream
from tests.support.servers import WebServer
from tests.support.waiting import eventually
from usage.models import Ending

LEAKING = "No model prod-7 for org-9fK2abcdEFGH at http://10.0.3.7:8000/v1, says /srv/a/gate.py"
SHOWN = "No model … for … at …, says …"
LOGGED = "No model … for org-… at http://…/v1, says /srv/a/….py"


def error(message: str, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


def refusing(message: str, *, status: int) -> Play:
    return answers(json.dumps(error(message)).encode(), status=status)


def breaking_off(message: str, kind: str, *, after: int) -> Play:
    steps: list[Step] = [*events("Hello there")[:after], event("error", **error(message, kind))]
    return streams(*steps)


@pytest.mark.parametrize("model", ["scripted/messages", "scripted/chat"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refusal_is_passed_on_without_names(
    customer: Customer,
    upstream: ScriptedUpstream,
    gateway: WebServer,
    model: str,
    stream: bool,
    status: int,
) -> None:
    script = upstream.script(refusing(LEAKING, status=status))

    refused = customer.ask(script.prompt, model=model, stream=stream)

    assert refused.status in (400, 413)
    assert refused.error["message"] == SHOWN
    request_id = refused.headers["request-id"]
    [line] = eventually(lambda: [x for x in gateway.log().splitlines() if request_id in x])
    assert LOGGED in line


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_of_other_errors_no_word_is_passed_on(
    customer: Customer, upstream: ScriptedUpstream, stream: bool, status: int
) -> None:
    script = upstream.script(refusing(LEAKING, status=status))

    failed = customer.ask(script.prompt, stream=stream)

    assert failed.status >= 500
    assert not {"prod", "org-", "10.0.3.7", "gate.py"} & set(failed.error["message"].split())
    assert "No model" not in failed.body.decode()


@pytest.mark.parametrize("kind", ["invalid_request_error", "api_error", "permission_error"])
@pytest.mark.parametrize("after", [0, 3])
def test_an_error_inside_a_stream_has_no_names_either(
    customer: Customer, upstream: ScriptedUpstream, gateway: WebServer, kind: str, after: int
) -> None:
    script = upstream.script(breaking_off(LEAKING, kind, after=after))

    failed = customer.stream(script.prompt)

    text = failed.body.decode()
    for name in ("prod-7", "org-9fK2abcdEFGH", "10.0.3.7", "/srv/a"):
        assert name not in text
    assert (SHOWN in text) is (kind == "invalid_request_error")
    request_id = failed.headers["request-id"]
    assert eventually(
        lambda: [
            line for line in gateway.log().splitlines() if request_id in line and LOGGED in line
        ]
    )


def test_what_the_caller_sent_is_named(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(
        refusing(
            "messages.0.content: toolu_01AbCd9 is not at 10.0.3.7, see req_9fK2abcd", status=400
        )
    )

    refused = customer.ask(f"{script.prompt} toolu_01AbCd9")

    assert refused.error["message"] == "messages.0.content: toolu_01AbCd9 is not at …, see …"


def test_the_name_that_the_upstream_has_for_the_model_is_replaced(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    words = "messages.0.content: this model is a-name-for-insiders and takes no poems"
    script = upstream.script(refusing(words, status=400))

    answer = customer.ask(script.prompt)

    assert answer.error["message"] == words.replace("a-name-for-insiders", "scripted/messages")
    assert len(script.requests) == 1  # another attempt would find the same


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_refusal_inside_a_success_is_passed_on_as_well(
    customer: Customer, upstream: ScriptedUpstream, stream: bool
) -> None:
    script = upstream.script(refusing("a-name-for-insiders takes no poems", status=200))

    answer = customer.ask(script.prompt, stream=stream)

    assert answer.error["message"] == "scripted/messages takes no poems"
    assert customer.wait_for_record().ending == Ending.FAILED
