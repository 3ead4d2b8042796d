"""Bugs in what is made of the usage that an upstream reports."""

from benchmarks.seeded_bugs.bug import Bug, Edit

_TALLY = "gateway/reply/token_usage.py"
_CHARGES = "gateway/pipeline/charges.py"

_PASSES = ("tests/gateway/formats/test_what_passes.py",)
_OF_TOOLS = ("tests/gateway/pipeline/test_tools_of_the_provider.py",)
_COUNTS = ("tests/gateway/formats/test_usage_reports.py",)
_STOPS = ("tests/gateway/formats/test_stop_watch.py",)
_CHARGED = ("tests/gateway/pipeline/test_upstream_token_counts.py",)

REPORTED = (
    Bug(
        "the last report of a stream wins",
        (
            Edit(
                _TALLY,
                "        if number > counts.get(name, -1):\n            counts[name] = number\n",
                "        counts[name] = number\n",
            ),
        ),
        _COUNTS,
    ),
    Bug(
        "the cost of a helper model is not charged",
        (Edit(_CHARGES, "    ways = [own, *priced]\n", "    ways = [own]\n"),),
        _CHARGED,
    ),
    Bug(
        "the message's own iteration is charged twice",
        (Edit(_CHARGES, 'if one.kind == "message")', 'if one.kind == "a message")'),),
        _CHARGED,
    ),
    Bug(
        "what a server writes after a stop sequence that it does not know is charged",
        (
            Edit(
                "gateway/formats/chat/codec.py",
                "counts.with_output(token_usage.estimate_output(content), is_estimated=True)",
                "counts.usage_of_reply(content)",
            ),
        ),
        _STOPS,
    ),
    Bug(
        "what a stream reports beyond a stop sequence that its server does not know is charged",
        (
            Edit(
                "gateway/formats/chat/stream.py",
                "stop_sequence=stop, is_ended_by_us=True",
                "stop_sequence=stop",
            ),
        ),
        _STOPS,
    ),
    Bug(
        "an answer that an error beside it cuts is charged",
        (
            Edit(
                "gateway/formats/upstream_errors.py",
                "    if (error := _beside_an_answer(body)) is not None:\n        return error\n",
                "",
            ),
        ),
        ("tests/gateway/formats/test_upstream_errors.py",),
    ),
    Bug(
        "an answer that an event called error cuts is charged",
        (
            Edit(
                "gateway/formats/chat/stream.py",
                'if error is None and received.event == "error":',
                "if False:",
            ),
        ),
        ("tests/gateway/formats/test_chat_stream.py",),
    ),
    Bug(
        "an answer that lost a call is charged",
        (
            Edit(
                "gateway/reply/tool_inputs.py",
                "    if call_input:\n        raise InvalidToolInput\n",
                "",
            ),
        ),
        ("tests/gateway/formats/test_chat_stream_tool_calls.py",),
    ),
    Bug(
        "uses of a provider's tools are not charged",
        (Edit("gateway/reply/events.py", "        if not counts:\n", "        if True:\n"),),
        _OF_TOOLS,
    ),
    Bug(
        "uses of a provider's tools are not held for",
        (
            Edit(
                "gateway/upstreams/router.py",
                "output_tokens=output_tokens, uses=request.uses",
                "output_tokens=output_tokens",
            ),
        ),
        _OF_TOOLS,
    ),
    Bug(
        "what helper models cost is not held for",
        (
            Edit(
                "gateway/upstreams/router.py",
                "bound = of_helpers + _bound(",
                "bound = _bound(",
            ),
        ),
        _OF_TOOLS,
    ),
    Bug(
        "what a model reads after its helpers' answers is not held for",
        (
            Edit(
                "gateway/upstreams/router.py",
                "longest, rereads = input_tokens, request.rereads",
                "longest, rereads = input_tokens, request.rereads - sum(\n"
                "        uses for _, uses in request.helpers\n    )",
            ),
        ),
        _OF_TOOLS,
    ),
    Bug(
        "a summary of the conversation is not held for",
        (
            Edit(
                "gateway/upstreams/router.py",
                "if request.may_be_compacted and longest >= _LEAST_COMPACTED_TOKENS:",
                "if False:",
            ),
        ),
        _OF_TOOLS,
    ),
    Bug(
        "what a provider's tools find is not held for",
        (
            Edit(
                "gateway/upstreams/router.py",
                "        longest = model.context_tokens\n",
                "",
            ),
        ),
        _OF_TOOLS,
    ),
    Bug(
        "a conversation that is read after each search is held for once",
        (
            Edit(
                "gateway/upstreams/router.py",
                "input_tokens = min(input_tokens, longest) + rereads * longest",
                "input_tokens = longest",
            ),
        ),
        _OF_TOOLS,
    ),
    Bug(
        "a caller that leaves does not pay for the searches that were made",
        (
            Edit(
                _TALLY, "        if not is_final and TOOL_USE in details:\n", "        if False:\n"
            ),
        ),
        _OF_TOOLS,
    ),
    Bug(
        "a real value of a dear field is dropped without a word",
        (
            Edit(
                "gateway/formats/messages/fence.py",
                "    raise InvalidRequest(_NOT_PERMITTED, path=name)\n",
                "    return True\n",
            ),
        ),
        _PASSES,
    ),
    Bug(
        "a cache is kept for an hour without a price",
        (
            Edit(
                "gateway/pipeline/upstream_call.py",
                "is_paid = not call.request.has_hour or candidate.price.has_hour",
                "is_paid = True",
            ),
        ),
        _OF_TOOLS,
    ),
    Bug(
        "losses of a workspace never stop it",
        (Edit("usage/losses.py", "    if lost <= limit:\n", "    if lost >= 0:\n"),),
        ("tests/usage/test_losses.py",),
    ),
    Bug(
        "losses of before an operator's decision stop a workspace again",
        (
            Edit(
                "usage/losses.py",
                "max(since, wallet.unfrozen_at or since)",
                "since",
            ),
        ),
        ("tests/usage/test_losses.py",),
    ),
)
