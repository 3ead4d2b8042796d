"""A turn of a coding agent, in the shape that Claude Code sends: betas, tools and caching."""

import json
from typing import Any

BETAS = (
    "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,"
    "prompt-caching-scope-2026-01-05,effort-2025-11-24,fine-grained-tool-streaming-2025-05-14,"
    "extended-cache-ttl-2025-04-11,tool-search-tool-2025-10-19,tool-examples-2025-10-29,"
    "advanced-tool-use-2025-11-20,structured-outputs-2025-12-15,redact-thinking-2026-02-12,"
    "mid-conversation-system-2026-04-07,token-efficient-tools-2026-03-28,"
    "mid-conversation-tool-changes-2026-07-01,thinking-token-count-2026-05-13"
)
HEADERS = {
    "anthropic-beta": BETAS,
    "anthropic-version": "2023-06-01",
    "anthropic-dangerous-direct-browser-access": "true",
    "x-app": "cli",
    "user-agent": "claude-cli/2.1.330 (external, sdk-cli)",
}
_CACHED = {"type": "ephemeral", "ttl": "1h"}
_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
_TOOLS = {
    "Bash": ("Runs a command in a shell.", {"command": "string", "timeout": "number"}),
    "Edit": ("Replaces text in a file.", {"file_path": "string", "old": "string", "new": "string"}),
    "Glob": ("Finds files by their names.", {"pattern": "string", "path": "string"}),
    "Read": ("Reads a file.", {"file_path": "string", "offset": "integer", "limit": "integer"}),
    "Task": ("Starts a further agent.", {"prompt": "string", "kind": "string"}),
    "mcp__tracker__find": ("Finds an issue.", {"query": "string"}),
}
_FURTHER: dict[str, dict[str, Any]] = {
    "Bash": {"eager_input_streaming": True, "input_examples": [{"command": "ls"}]},
    "Edit": {"strict": True},
    "Task": {"cache_control": {"type": "ephemeral"}},
    "mcp__tracker__find": {"defer_loading": True, "allowed_callers": ["direct"]},
}


def fields(prompt: str, *, model: str) -> dict[str, Any]:
    """The body of the turn: a question, a call of a tool, and its result."""
    return {
        "model": model,
        "max_tokens": 32_000,
        "stream": True,
        "thinking": {"type": "adaptive", "display": "updates"},
        "output_config": {"effort": "high"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "metadata": {"user_id": json.dumps({"device_id": "d" * 16, "session_id": "s" * 16})},
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.330; cch=1a2b3;"},
            {"type": "text", "text": "You help with a repository.", "cache_control": _CACHED},
            {"type": "text", "text": "The folder is a git checkout.", "cache_control": _CACHED},
        ],
        "tools": [
            *(_tool(name, *about) for name, about in _TOOLS.items()),
            {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"},
        ],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": prompt}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Look first.", "signature": "c2lnbmVk"},
                    {"type": "tool_use", "id": "toolu_01A", "name": "Read", "input": {"limit": 1}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_01A",
                        "content": [{"type": "text", "text": "1\timport os"}],
                        "is_error": False,
                        "cache_control": _CACHED,
                    }
                ],
            },
            {"role": "system", "content": "The date has changed."},
        ],
    }


def _tool(name: str, description: str, properties: dict[str, str]) -> dict[str, Any]:
    return {
        "name": name,
        "description": description,
        "input_schema": {
            "$schema": _SCHEMA,
            "type": "object",
            "properties": {key: {"type": kind} for key, kind in properties.items()},
            "required": list(properties)[:1],
            "additionalProperties": False,
        },
        **_FURTHER.get(name, {}),
    }
