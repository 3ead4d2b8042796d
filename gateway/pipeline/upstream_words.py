"""What an upstream says of its fault, for the operator's log: callers receive its words without its
names, or not at all."""

import logging

from gateway.call import Call
from gateway.errors import UpstreamError
from gateway.formats.masking import MASK
from gateway.formats.quotations import without_quotations
from gateway.limits import offload
from gateway.upstreams.router import Candidate

logger = logging.getLogger(__name__)


async def log(error: UpstreamError, call: Call, way: Candidate) -> None:
    """Log the upstream's own words, as far as they quote neither the request nor an answer."""
    words, upstream = error.original, way.upstream
    if not words:
        return
    words = words.replace(upstream.api_key, MASK) if upstream.api_key else words
    sent = call.encoded[1].body if call.encoded is not None else b""
    names = (upstream.upstream_model, way.model.public_id)
    numbers = (str(way.max_tokens), str(call.upstream_status))
    words = await offload.run(
        lambda: without_quotations(words, sent, known=(*names, *numbers)),
        size_bytes=len(sent),
        workspace_id=call.caller.workspace_id,
    )
    model = way.model.public_id
    logger.warning("%s: upstream %d of %s answered %r", call.request_id, upstream.id, model, words)
