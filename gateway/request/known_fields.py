"""The top-level fields that a Messages API has. Any other belongs to another API, or to none."""

# What nearly every request keeps to: these name nothing outside the call, and change no price.
USUAL = frozenset(
    {
        *("model", "max_tokens", "messages", "system", "stream", "stop_sequences"),
        *("temperature", "top_p", "top_k", "tools", "tool_choice", "thinking"),
        *("output_config", "metadata", "cache_control"),
    }
)
KNOWN = USUAL | {
    *("betas", "billing_policy", "container", "context_management", "diagnostics", "fallbacks"),
    *("inference_geo", "mcp_servers", "output_format", "service_tier", "speed", "thread"),
    "user_profile_id",
}


def unknown(fields: dict[str, object]) -> tuple[str, ...]:
    """The fields that no Messages API has, in the order in which they were sent."""
    return tuple(name for name in fields if name not in KNOWN)
