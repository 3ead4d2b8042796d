"""The wire formats of upstreams, by their names in the catalogue."""

from gateway.formats.chat import codec as chat
from gateway.formats.messages import codec as messages
from gateway.formats.non_streaming import NonStreamingReply
from gateway.formats.protocol import EncodedRequest, Format, Stream

FORMATS: dict[str, Format] = {"messages": messages, "chat_completions": chat}

__all__ = ["FORMATS", "EncodedRequest", "Format", "NonStreamingReply", "Stream"]
