"""The OpenAPI document of /v1: served as it is, and read by the reference pages and tables."""
