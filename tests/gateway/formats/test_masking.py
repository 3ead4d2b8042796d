"""What names an upstream's machines, files or account does not reach callers; the words do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.formats.masking import MASK, masked

AS_IT_IS = [
    "messages.0.content.1.image.source.base64.media_type: Input should be 'image/jpeg', "
    "'image/png', 'image/gif' or 'image/webp'",
    "messages.1.content.0.image.source.base64.data: At least one of the image dimensions exceed "
    "max allowed size: 8000 pixels",
    "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
    "tools.0.custom.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12 "
    "(https://json-schema.org/draft/2020-12).",
    "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
    "context_management: Extra inputs are not permitted",
    "max_tokens: 32000 > 4096, which is the maximum allowed number of output tokens",
    "adaptive thinking is not supported on this model",
    "capability_rejected: prompt_too_long",
    "prompt is too long: 210000 tokens > 200000 maximum",
    "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
    "Unsupported value: 'temperature' does not support 0.7 with this model.",
    "Invalid 'messages[1].content[0].image_url'. Expected a base64-encoded image (e.g. a PNG).",
    "System message must be at the beginning.",
    "The request is 33,554,433 bytes; 32 MB and/or 50% are allowed, as UTF-8.",
]
MASKED = [
    ("No model gpt-4o-prod-7 at vllm-3.internal:8000", "No model … at …"),
    ("Ask https://ops.example.net/runbook?id=7.", "Ask …."),
    ("connect to 10.0.3.17:8080, or to fe80::1", "connect to …, or to …"),
    ("redis-master:6379 is away", "… is away"),
    ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x denied", "… denied"),
    ("The account 123456789012 may not", "The account … may not"),
    ("org-9fK2abcdEFGH has no access", "… has no access"),
    ("organization org_acmeincorporated", "organization …"),
    ("Request id: 7f1b6f1e-8a43-4c0b-9a20-0f4f5c7a7f11", "Request id: …"),
    ("req_011CSHoEeqs5C35K2UUqR7Fy", "…"),
    ("key AKIAIOSFODNN7EXAMPLE", "key …"),
    ("file /var/lib/models/a.bin, or C:\\models\\b.gguf", "file …, or …"),
    ("in serving/engine/async_llm.py line 12", "in … line 12"),
    ("Mail ops@corp.example.com", "Mail …"),
    ("node ip-10-0-3-17 of gpu-node-17", "node … of …"),
    ("QmFzZTY0aXNNaXhlZENhc2VBbmRMb25n is not known", "… is not known"),
    ("messages.internal.corp: connection refused", "…: connection refused"),
]


@pytest.mark.parametrize("text", AS_IT_IS)
def test_what_is_about_the_request_stays_as_it_is(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(("text", "shown"), MASKED)
def test_names_become_an_ellipsis(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_what_the_caller_sent_stays() -> None:
    text = "No tool toolu_01AbCd9 in http://files.example.com/a.png, but req_011CSHoEeqs5"
    sent = b'{"id": "toolu_01AbCd9", "url": "http://files.example.com/a.png"}'
    assert masked(text, sent=sent) == text.replace("req_011CSHoEeqs5", MASK)


def test_our_name_for_the_model_stays() -> None:
    text = "anthropic/claude-4.5 takes no images, nor does claude-4.5-20250929"
    assert masked(text, known=["anthropic/claude-4.5"]) == (
        "anthropic/claude-4.5 takes no images, nor does …"
    )


_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_HEX = st.text("0123456789abcdef", min_size=12, max_size=32).filter(
    lambda text: any(char.isdigit() for char in text) and any(char.isalpha() for char in text)
)
_LABELS = st.lists(st.text(_LETTERS, min_size=3, max_size=9), min_size=1, max_size=3).map(".".join)
_NAMES = st.one_of(
    _LABELS.map(lambda host: f"{host}.internal"),
    _LABELS.map(lambda host: f"gpu-7.{host}.svc.cluster.local:8000"),
    _LABELS.map(lambda host: f"https://{host}.example/v1?x=1"),
    st.ip_addresses().map(str).filter(lambda address: len(address) > 3),  # `::` names nothing
    st.ip_addresses(v=4).map(lambda address: f"{address}:8443"),
    _HEX.map(lambda text: f"org-{text}"),
    _HEX.map(lambda text: f"req_{text}"),
    _HEX.map(lambda text: f"arn:aws:iam::123456789012:role/{text}"),
    st.uuids().map(str),
    _LABELS.map(lambda parts: f"/srv/{parts.replace('.', '/')}/weights.bin"),
)
_WORDS = st.lists(st.text(_LETTERS, min_size=1, max_size=10), max_size=5).map(" ".join)
_MARKS = st.sampled_from(["{}", "'{}'", "`{}`", '"{}"', "({})", "[{}]", "{}.", "{}:", "={}", "{},"])
_PATHS = st.sampled_from(["", "messages.0.content: ", "tools.1.custom.name: "])


@given(path=_PATHS, before=_WORDS, name=_NAMES, mark=_MARKS, after=_WORDS)
def test_no_name_ever_goes_out(path: str, before: str, name: str, mark: str, after: str) -> None:
    text = f"{path}{before} {mark.format(name)} {after}"
    shown = masked(text)
    assert name not in shown
    assert MASK in shown
    assert shown.startswith(f"{path}{before} ")
    assert shown.endswith(f" {after}")
    assert masked(text, sent=f'{{"text": "{name}"}}'.encode()) == text
