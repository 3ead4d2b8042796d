"""The reference pages, generated from the OpenAPI document that /openapi.json serves."""
