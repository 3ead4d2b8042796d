"""The wire formats that upstreams speak, by the name that the catalogue gives them."""

from gateway.formats.chat import codec as chat
from gateway.formats.messages import codec as messages
from gateway.formats.non_streaming import WholeStream
from gateway.formats.protocol import EncodedRequest, Format, Stream

FORMATS: dict[str, Format] = {"messages": messages, "chat_completions": chat}

__all__ = ["FORMATS", "EncodedRequest", "Format", "Stream", "WholeStream"]
