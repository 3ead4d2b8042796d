"""The OpenAPI description of /v1, served at /openapi.json.

It is built in Python so that it can import what the code defines: limits, the values of a field,
and every error with its status, code, headers and body. Other packages use `document.document` and
`examples` only.
"""
