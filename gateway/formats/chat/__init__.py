"""The Chat Completions wire format of upstreams."""
