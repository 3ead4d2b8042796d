"""Errors that do not look like one: under a 200, beside an answer, or as a fault of the request."""

import json
from collections.abc import Iterator
from typing import Any

from tests.gateway.faults.habits import DONE, REPORT, REST, ROLE, WORD, fault, in_the_asked_form
from tests.gateway.faults.table import (
    ANSWERED,
    BROKE_OFF,
    BROKE_OFF_OVERLOADED,
    CHAT_PLAIN,
    CHAT_STREAMED,
    FAILED,
    OVERLOADED,
    PLAIN,
    REFUSED,
    STREAMED,
    TIMEOUT,
    Fault,
    in_every_format,
)
from tests.support.replies import (
    answers,
    chunk,
    chunks,
    completion,
    data_event,
    streams,
    wait,
)
from tests.support.scripted_upstream import Play


def _minimax(code: int, words: str) -> Play:
    """An answer without choices, under a 200."""
    state = {"choices": None, "base_resp": {"status_code": code, "status_msg": words}}
    return in_the_asked_form(json.dumps(state).encode(), data_event(state))


def _minimax_midway(code: int, words: str) -> Play:
    state = {"choices": None, "base_resp": {"status_code": code, "status_msg": words}}
    return streams(ROLE, WORD, wait, data_event(state))


def _error_object(code: int, words: str) -> dict[str, Any]:
    """vLLM and SGLang; the error is the whole body."""
    return {"object": "error", "message": words, "type": "BadRequestError", "code": code}


def _disguised() -> Iterator[Fault]:
    busy, broke = (1002, "rate limit"), (1008, "insufficient balance")
    yield fault("MiniMax is busy", _minimax(*busy), OVERLOADED)
    yield fault("MiniMax wants money", _minimax(*broke), FAILED)
    yield fault("MiniMax takes too long", _minimax(1001, "request timeout"), TIMEOUT)
    yield fault("MiniMax fails without a known code", _minimax(1033, "downstream"), FAILED)
    yield fault("MiniMax takes no poems", _minimax(2013, "no poems"), REFUSED.saying("no poems"))
    yield fault(
        "MiniMax finds it too long",
        _minimax(2013, "invalid params, context window exceeds limit (2013)"),
        REFUSED.saying("prompt is too long: 200001 tokens > 200000 maximum"),
    )
    yield fault("MiniMax fails midway", _minimax_midway(*broke), BROKE_OFF, CHAT_STREAMED)
    fine = {"base_resp": {"status_code": 0, "status_msg": ""}}
    yield fault(
        "MiniMax is fine",
        in_the_asked_form(
            completion(**fine),
            b"".join([ROLE, WORD, REST, chunk({}, finish_reason="stop"), REPORT, DONE]),
        ),
        ANSWERED,
    )
    bad, loading = _error_object(400, "too hot"), _error_object(503, "Loading")
    for name, error, outcome in (
        ("the request's", bad, REFUSED.saying("too hot")),
        ("its own", loading, OVERLOADED),
    ):
        whole, event = json.dumps(error).encode(), data_event(error)
        yield Fault(
            f"habits: an error as the whole body, {name}",
            in_every_format(answers(whole)),
            outcome,
            PLAIN,
        )
        yield Fault(
            f"habits: an error as a whole event, {name}",
            in_every_format(streams(event)),
            outcome,
            STREAMED,
        )
    yield Fault(
        "habits: an error as a whole event, midway",
        lambda wire: streams(*wire.beginning, wait, data_event(_error_object(500, "x"))),
        BROKE_OFF,
        STREAMED,
    )


def _empty_errors() -> Iterator[Fault]:
    """Members for errors that servers always send."""
    empties: tuple[Any, ...] = ({}, "", False, [])
    for empty in empties:
        yield Fault(
            f"habits: an error of {empty!r} beside an answer",
            lambda wire, empty=empty: answers(_with_error(wire.answer(), empty)),  # type: ignore[misc]
            ANSWERED,
            PLAIN,
        )
        frames = [_with_error(frame[6:], empty) for frame in chunks()[:-1]]
        events = [b"data: " + frame + b"\n\n" for frame in frames]
        yield fault(
            f"an error of {empty!r} in each event", streams(*events, DONE), ANSWERED, CHAT_STREAMED
        )
        alone = json.dumps({"error": empty}).encode()
        yield Fault(
            f"habits: an error of {empty!r} and nothing else",
            in_every_format(answers(alone)),
            FAILED,
            PLAIN,
        )


def _with_error(body: bytes, error: Any) -> bytes:
    return json.dumps(json.loads(body) | {"error": error}).encode()


def _beside_answers() -> Iterator[Fault]:
    """Errors that end an answer, in a part of it or under a name of their own."""
    busy = {"code": 429, "message": "busy"}
    for name, members, outcome, late in (
        ("in the choice", {"error": busy}, OVERLOADED, BROKE_OFF_OVERLOADED),  # OpenRouter
        ("beside the choice", {"error": busy}, OVERLOADED, BROKE_OFF_OVERLOADED),  # OpenRouter
        ("in x_groq", {"x_groq": {"id": "req_1", "error": "over capacity"}}, FAILED, BROKE_OFF),
    ):
        is_in_choice = name == "in the choice"
        reason = "error" if name == "beside the choice" else None
        choice: dict[str, Any] = {"index": 0, "finish_reason": reason}
        choice |= members if is_in_choice else {}
        around = {} if is_in_choice else members
        reply = {"role": "assistant", "content": "Hello"}
        whole = completion(choices=[choice | {"message": reply}], **around)
        last = data_event({"choices": [choice | {"delta": {}}], **around})
        yield fault(f"an error {name}, plain", answers(whole), outcome, CHAT_PLAIN)
        play = streams(ROLE, last, DONE)
        yield fault(f"an error {name}, before the first word", play, outcome, CHAT_STREAMED)
        play = streams(ROLE, WORD, wait, last, DONE)
        yield fault(f"an error {name}, midway", play, late, CHAT_STREAMED)
    for name, data in {
        "a type": {"type": "overloaded_error", "message": "busy"},
        "a code": {"code": 529, "message": "busy"},
    }.items():
        last = b"event: error\n" + data_event(data)
        end = [last, DONE]  # as after an answer
        yield Fault(
            f"habits: an event that is called error, with {name}",
            in_every_format(streams(*end)),
            OVERLOADED,
            STREAMED,
        )
        yield Fault(
            f"habits: an event that is called error, with {name}, midway",
            lambda wire, end=end: streams(*wire.beginning, wait, *end),  # type: ignore[misc]
            BROKE_OFF_OVERLOADED,
            STREAMED,
        )


# --- Faults of our account, as refusals of the request --------------------------------------------

ACCOUNT_FAULTS: dict[str, Any] = {
    "Anthropic, no credit": {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "message": "Your credit balance is too low to access the Anthropic API. Please go to "
            "Plans & Billing to upgrade or purchase credits.",
        },
    },
    "Anthropic, at its limit": {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "message": "You have reached your specified API usage limits. You will regain access "
            "on 2026-12-01 at 00:00 UTC.",
        },
    },
    "xAI, a wrong key": {
        "code": "Client specified an invalid argument",
        "error": "Incorrect API key provided: xa***6X. You can obtain an API key from "
        "https://console.x.ai.",
    },
    "Gemini, a wrong key": [
        {
            "error": {
                "code": 400,
                "message": "API key not valid. Please pass a valid API key.",
                "status": "INVALID_ARGUMENT",
            }
        }
    ],
    "Gemini, an old key": [
        {
            "error": {
                "code": 400,
                "message": "API key expired. Please renew the API key.",
                "status": "INVALID_ARGUMENT",
            }
        }
    ],
    "Alibaba Cloud, in arrears": {
        "error": {
            "code": "Arrearage",
            "type": "Arrearage",
            "message": "Access denied, please make sure your account is in good standing.",
        }
    },
    "LiteLLM, over budget": {
        "error": {
            "message": "Budget has been exceeded! Current cost: 10.01, Max budget: 10.0",
            "type": "budget_exceeded",
            "param": None,
            "code": "400",
        }
    },
}
# The general message of faults that the operator mends.
_OURS = FAILED.saying(
    "The model's server rejects this gateway. The fault is ours, not your request's: nothing was "
    "charged, and the operator is informed."
)


def _account_faults() -> Iterator[Fault]:
    for name, body in ACCOUNT_FAULTS.items():
        play = in_every_format(answers(json.dumps(body).encode(), status=400))
        yield Fault(f"habits: {name}", play, _OURS)
    words = "API key not valid, says the tool that you have made."
    refusal = json.dumps({"error": {"message": words}}).encode()
    yield Fault(
        "habits: words of the request about a key",
        in_every_format(answers(refusal, status=400)),
        REFUSED.saying(words),
        turns=lambda prompt: [{"role": "user", "content": f"{prompt} {words}"}],
    )


FAULTS = [*_disguised(), *_empty_errors(), *_beside_answers(), *_account_faults()]
