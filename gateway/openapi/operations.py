"""The operations of /v1: their requests, answers and errors."""

from datetime import timedelta

from gateway import errors
from gateway.http.models import DEFAULT_LIMIT, MOST_PER_PAGE
from gateway.http.usage_query import DEFAULT_LENGTH, GROUPINGS, LONGEST, MOST_ROWS
from gateway.limits import rate_limiter
from gateway.openapi import components, examples, headers
from gateway.openapi.json_schema import MOMENT, NON_EMPTY, TEXT, Schema, array, enum
from gateway.openapi.schemas.requests import RULES, RULES_OF_COUNTING
from usage.reading import Width

_WITH_KEY = (
    errors.InvalidRequest,
    errors.InvalidApiKey,
    errors.InternalFailure,
    errors.LedgerUnavailable,
)
_WITH_MODEL = (
    errors.PermissionDenied,
    errors.ModelNotFound,
    errors.ThreadNotFound,
    errors.BodyTooLarge,
    errors.BusyUploading,
    errors.RateLimited,
    errors.UpstreamUnavailable,
)
_WITH_CALL = (
    errors.KeyRevoked,
    errors.OutOfCredits,
    errors.CreditsHeld,
    errors.GatewayOverloaded,
    errors.ShuttingDown,
    errors.UpstreamRefused,
    errors.UpstreamFailed,
    errors.InvalidToolInput,
    errors.UpstreamEmpty,
    errors.UpstreamMisconfigured,
    errors.UpstreamReplyTooLarge,
    errors.UpstreamOverloaded,
    errors.UpstreamTimeout,
)


def paths() -> dict[str, Schema]:
    """Return every address with its methods."""
    return {
        "/v1/messages": {"post": _create_message()},
        "/v1/messages/count_tokens": {"post": _count_tokens()},
        "/v1/models": {"get": _list_models()},
        "/v1/models/{model_id}": {"get": _show_model()},
        "/v1/credits": {"get": _show_credits()},
        "/v1/usage": {"get": _show_usage()},
        "/v1/requests/{request_id}": {"get": _show_request()},
    }


def _create_message() -> Schema:
    return components.operation(
        "createMessage",
        "Messages",
        "Ask a model",
        "Holds the maximum cost of the call, asks the model and charges the actual cost. With "
        "`stream` the answer is `text/event-stream`. A stream that breaks off ends with an `error` "
        "event and costs nothing.",
        parameters=[headers.VERSION, headers.BETA, headers.TAGS, headers.SESSION],
        requestBody=components.json_body("MessagesRequest", examples.REQUESTS, rules=RULES),
        answer=components.answer(
            "The answer.",
            headers.documented(
                ["caicaini-route", *rate_limiter.HEADERS],
                ["caicaini-dropped", "caicaini-credits-consumed", "caicaini-credits-remaining"],
            ),
            {
                "application/json": components.content("Message", examples.MESSAGES),
                "text/event-stream": components.content(
                    "StreamEvent", {event["event"]: event for event in examples.STREAM}
                ),
            },
        ),
        errors=(*_WITH_KEY, *_WITH_MODEL, *_WITH_CALL),
    )


def _count_tokens() -> Schema:
    return components.operation(
        "countTokens",
        "Messages",
        "Count input tokens",
        "Returns the number of input tokens of a request. Costs nothing.",
        parameters=[headers.VERSION, headers.BETA],
        requestBody=components.json_body(
            "CountTokensRequest", examples.COUNT_REQUESTS, rules=RULES_OF_COUNTING
        ),
        answer=components.answer(
            "The count.",
            headers.documented(rate_limiter.HEADERS),
            components.json_content("TokenCount", {"Tokens": {"input_tokens": 14}}),
        ),
        errors=(*_WITH_KEY, *_WITH_MODEL),
    )


def _list_models() -> Schema:
    size = {"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE, "default": DEFAULT_LIMIT}
    return components.operation(
        "listModels",
        "Models",
        "List the models that this key may call",
        "In pages. An id that is not in the list is ignored.",
        parameters=[
            components.query("limit", size, "How many to list."),
            components.query("after_id", TEXT, "List what comes after this model."),
            components.query("before_id", TEXT, "List what comes before this model."),
            components.query(
                "lifecycle[]",
                array(TEXT),
                "List models of these stages, `active` or `deprecated`; without it, all.",
            ),
        ],
        answer=components.answer(
            "A page of models.",
            headers.documented(),
            components.json_content("ModelPage", {"Models": examples.MODEL_PAGE}),
            links={
                "first": {
                    "operationId": "getModel",
                    "parameters": {"model_id": "$response.body#/first_id"},
                }
            },
        ),
        errors=_WITH_KEY,
    )


def _show_model() -> Schema:
    return components.operation(
        "getModel",
        "Models",
        "Describe a model",
        "Its capabilities and prices.",
        parameters=[
            {
                "name": "model_id",
                "in": "path",
                "required": True,
                "schema": NON_EMPTY | {"examples": [examples.MODEL["id"]]},
                "description": "The model's id; a slash in it may be written as it is.",
            }
        ],
        answer=components.answer(
            "The model.",
            headers.documented(),
            components.json_content("Model", {"Model": examples.MODEL}),
        ),
        errors=(*_WITH_KEY, errors.ModelNotFound),
    )


def _show_credits() -> Schema:
    return components.operation(
        "getCredits",
        "Account",
        "Read the balance",
        "The apiCredits of the key's workspace, and for how long they last.",
        parameters=[headers.IF_NONE_MATCH],
        answer=components.answer(
            "The balance.",
            headers.documented(["etag", "cache-control"]),
            components.json_content("Credits", {"Credits": examples.CREDITS}),
        ),
        unchanged={
            "description": "Nothing has changed since the answer that you have.",
            "headers": headers.documented(["etag", "cache-control"]),
        },
        errors=_WITH_KEY,
    )


def _show_usage() -> Schema:
    size = {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": MOST_ROWS}
    return components.operation(
        "getUsage",
        "Account",
        "Sum up usage",
        "Usage of the key's workspace in buckets of time, from the records that were charged. "
        "Current to the second.",
        parameters=[
            components.query(
                "bucket",
                enum(Width, default=Width.DAY),
                "The length of a row's time; a week begins on Monday.",
            ),
            components.query(
                "time_zone",
                TEXT | {"default": "UTC", "examples": ["Europe/Berlin"]},
                "The time zone in which days, weeks and months begin.",
            ),
            components.query(
                "from", MOMENT, f"From when on. Without it, {_lengths(DEFAULT_LENGTH)}."
            ),
            components.query(
                "to", MOMENT, f"Until when; now, without it. At most {_lengths(LONGEST)}."
            ),
            components.query(
                "group_by",
                array(enum(GROUPINGS)),
                "Sum up separately by these, separated by commas. `tag` and `session` stand alone.",
                style="form",
                explode=False,
            ),
            components.query("limit", size, "How many rows a page has at most."),
            components.query(
                "cursor", TEXT, "The `next_cursor` of the page before; its range goes on."
            ),
        ],
        answer=components.answer(
            "The sums.",
            headers.documented(),
            components.json_content("UsageReport", {"A day": examples.USAGE}),
        ),
        errors=_WITH_KEY,
    )


def _show_request() -> Schema:
    return components.operation(
        "getRequest",
        "Account",
        "Show a call's receipt",
        "How the charge of one call adds up, its way through the models, and its times. No prompt "
        "and no answer is stored. A call is found as soon as its answer has ended.",
        parameters=[
            {
                "name": "request_id",
                "in": "path",
                "required": True,
                "schema": NON_EMPTY | {"examples": [examples.REQUEST_ID]},
                "description": "The `request-id` of the call's answer.",
            }
        ],
        answer=components.answer(
            "The receipt.",
            headers.documented(),
            components.json_content("Receipt", {"A call": examples.RECEIPT}),
        ),
        errors=(*_WITH_KEY, errors.RequestNotFound),
    )


def _lengths(lengths: dict[Width, timedelta]) -> str:
    return ", ".join(f"{_length(length)} for `{width}`" for width, length in lengths.items())


def _length(length: timedelta) -> str:
    return f"{length.days} days" if length.days > 1 else f"{length // timedelta(hours=1)} hours"
