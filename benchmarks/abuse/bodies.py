"""Bodies of calls of a given size."""

import json

_MODEL = "bench/fixed"
_IMAGE_BYTES = 4 * 1024 * 1024  # of base64: below what one image may have


def text(size: int) -> bytes:
    """Return a body of `size` bytes that is one long text."""
    head = b'{"model":"%b","max_tokens":9,"messages":[{"role":"user","content":"' % _MODEL.encode()
    return head + b"x" * (size - len(head) - 4) + b'"}]}'


def images(size: int) -> bytes:
    """Return a body of about `size` bytes whose tokens are few: nearly all of it is images."""
    content = [
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": "image/png",
                "data": "iVBORw0KGgoA" + "A" * (min(_IMAGE_BYTES, size - start) // 4 * 4),
            },
        }
        for start in range(0, size, _IMAGE_BYTES)
    ]
    message = {"role": "user", "content": [*content, {"type": "text", "text": "Look"}]}
    return json.dumps({"model": _MODEL, "max_tokens": 9, "messages": [message]}).encode()


def blocks(count: int) -> bytes:
    """Return a body of so many small text blocks."""
    head = b'{"model":"%b","max_tokens":9,"messages":[{"role":"user","content":[' % _MODEL.encode()
    return head + b",".join([b'{"type":"text","text":"a"}'] * count) + b"]}]}"


def stream(tokens: int) -> bytes:
    """Return a body that asks for a stream of so many tokens."""
    messages = [{"role": "user", "content": "Hello"}]
    body = {"model": _MODEL, "max_tokens": tokens, "stream": True, "messages": messages}
    return json.dumps(body).encode()


def head(key: str, length: int) -> bytes:
    """Return the head of a call over a bare connection."""
    return (
        f"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    ).encode()
