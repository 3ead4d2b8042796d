"""The ASGI endpoints of /v1, and what reads requests and writes responses."""
