"""Thinking in a conversation, as far as one Messages upstream can verify it.

A signature of ours belongs to an upstream that signs none itself. Only that upstream has its
thinking back, unsigned again. Any other signature passes byte for byte: it is opaque, and valid at
every address of its provider. An upstream that refuses it has the call repeated without, and is
spared the same signatures from then on.
"""

from collections.abc import Collection
from typing import Any

from gateway.formats.thought_seal import Thought, is_ours, open_seal, seal
from gateway.request.parse import MessagesRequest

Block = dict[str, Any]
Message = dict[str, Any]

_FIELD = "messages"
_MOST_UNVERIFIED = 2_000  # hashes per upstream and workspace; then it is asked again
_SEALS = {"thinking": "signature", "redacted_thinking": "data"}


def own_signature(upstream_id: int) -> str:
    """The signature of thinking that its upstream did not sign."""
    return seal(Thought(upstream_id, _FIELD))


def verifiable(block: Block, upstream_id: int, unverified: Collection[int]) -> Block | None:
    """The block as the upstream accepts it; None for thinking that it cannot verify."""
    member = _SEALS.get(block["type"])
    if member is None:
        return block
    signature = block.get(member)
    if not is_ours(signature):
        return None if hash(signature) in unverified else block
    thought = open_seal(signature, upstream=upstream_id)
    if thought is None or thought.field != _FIELD:
        return None
    return block | {"signature": ""}


def is_unverified(request: MessagesRequest, unverified: set[int]) -> bool:
    """Note the signatures of a request whose thinking was refused; whether there is a new one."""
    seals = {hash(block.get(_SEALS[block["type"]])) for block in _foreign(request)}
    if seals <= unverified:
        return False
    if len(unverified) > _MOST_UNVERIFIED:
        unverified.clear()
    unverified |= seals
    return True


def _foreign(request: MessagesRequest) -> list[Block]:
    """The thinking that is not signed by us."""
    return [
        block
        for message in request.fields["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block["type"] in _SEALS and not is_ours(block.get(_SEALS[block["type"]]))
    ]
