"""Whether an answer without content is a fault of its server, or an answer.

A model may say nothing: it stops at once, declines, or spends its tokens on reasoning. Only a
server that counts output, gives no other reason than `stop` and shows none of it has lost it.
"""

from typing import Any

from gateway.reply.token_usage import UsageTally
from gateway.request.parse import MessagesRequest

_PLAIN_ENDINGS = (None, "", "stop", "eos")


def is_a_fault(request: MessagesRequest, *, finish_reason: Any, reported: UsageTally) -> bool:
    """For an answer that has no content at all."""
    return (
        finish_reason in _PLAIN_ENDINGS
        and reported.reported_output > 0
        and not reported.reported_reasoning
        and not request.fields.get("stop_sequences")
        and request.max_tokens > 0
    )
