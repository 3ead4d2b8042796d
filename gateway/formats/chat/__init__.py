"""The Chat Completions wire format, as upstreams speak it."""
