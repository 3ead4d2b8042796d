"""The Messages wire format of upstreams."""
