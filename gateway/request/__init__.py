"""Validation of a request body, one module per part of it.

Strict about shape, lenient about semantics: a wrong type of a known field is a 400 that names the
place, an unknown field or block passes, and restrictions of single upstreams are left to them.
Checks accept a value and its path, such as `messages.2.content.0.source.data`.
"""
