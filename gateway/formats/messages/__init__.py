"""The Messages wire format, as upstreams speak it."""
