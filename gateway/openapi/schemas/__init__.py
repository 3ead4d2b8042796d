"""The shapes of /v1 as JSON Schema, by what they describe; each module has its SCHEMAS."""
