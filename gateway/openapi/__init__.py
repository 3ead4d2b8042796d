"""The description of /v1 that is served at /openapi.json.

It is put together in Python, so that what the code knows stands here by import: limits, words that
a field may hold, and every error with the status, the code, the headers and a body of its own.
Only `document.document` is for others.
"""
