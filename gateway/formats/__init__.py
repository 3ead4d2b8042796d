"""The wire formats that upstreams speak, by the name that the catalogue gives them."""

from gateway.formats import chat_completions, messages
from gateway.formats.protocol import EncodedRequest, Format, Stream
from gateway.formats.whole import WholeStream

FORMATS: dict[str, Format] = {"messages": messages, "chat_completions": chat_completions}

__all__ = ["FORMATS", "EncodedRequest", "Format", "Stream", "WholeStream"]
