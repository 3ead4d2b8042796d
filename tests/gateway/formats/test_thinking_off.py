"""Models that think by default are told not to, in the words of their server."""

import json
from typing import Any

import pytest

from catalogue import habits
from gateway.formats import FORMATS
from tests.support.chat_completions import encoded, request, upstream

OFF = {"type": "disabled"}
TEMPLATE = {"chat_template_kwargs": {"enable_thinking": False}}
WORDS: dict[str, dict[str, Any]] = {
    "deepseek": {"thinking": OFF},
    "kimi": {"thinking": OFF},
    "zai": {"thinking": OFF},
    "gemini": {"reasoning_effort": "none"},
    "openai": {"reasoning_effort": "none"},
    "ollama": {"reasoning_effort": "none"},
    "groq": {"reasoning_effort": "none"},
    "openrouter": {"reasoning": {"enabled": False}},
    "qwen": TEMPLATE,
    "vllm": TEMPLATE,
    "sglang": TEMPLATE,
    "llama_cpp": TEMPLATE,
    "dashscope": {"enable_thinking": False},
    "mistral": {},  # its models think only if they are asked to
    "minimax": {},  # its models always think
    "litellm": {},  # in the words of whatever is behind it
}


def test_each_dialect_has_its_words_here():
    assert set(WORDS) == habits.dialects()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", WORDS)
def test_each_dialect_is_told_in_its_own_words(dialect: str, stream: bool):
    server = upstream(dialect)
    usual = encoded(upstream=server, stream=stream)

    # An effort is no reason to think once thinking is off.
    for more in ({}, {"output_config": {"effort": "high"}}):
        body = encoded(upstream=server, stream=stream, thinking=OFF, **more)
        assert body == usual | WORDS[dialect]


@pytest.mark.parametrize("thinking", [None, {"type": "adaptive"}])
@pytest.mark.parametrize("dialect", WORDS)
def test_a_dialect_is_told_nothing_where_thinking_is_not_switched_off(dialect: str, thinking: Any):
    server = upstream(dialect)
    assert encoded(upstream=server, thinking=thinking) == encoded(upstream=server)


def test_a_server_without_such_a_habit_is_told_nothing():
    assert encoded(thinking=OFF) == encoded()


def test_an_entry_of_the_catalogue_has_words_of_its_own():
    server = upstream("vllm", thinking_off={"chat_template_kwargs": {"thinking": False}})
    body = encoded(upstream=server, thinking=OFF)
    assert body["chat_template_kwargs"] == {"thinking": False}


@pytest.mark.parametrize("stream", [False, True])
def test_a_messages_upstream_is_told_as_the_caller_says_it(stream: bool):
    post = FORMATS["messages"].encode_request(
        request(thinking=OFF), upstream_model="m", max_tokens=64, stream=stream
    )
    assert json.loads(post.body)["thinking"] == OFF
