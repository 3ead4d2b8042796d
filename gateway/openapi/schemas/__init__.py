"""The JSON Schemas of /v1, by subject; each module exports SCHEMAS."""
