"""The measures of the roll-ups: their names, and how each is read from a request record, in SQL."""

# A record of further refusals stands for `refusals` calls.
_CALLS = "coalesce(record.refusals, 1)"
# Of a record called `record`.
OF_RECORD = {
    "requests": _CALLS,
    "refusals": f"CASE WHEN record.ending = 'refused' THEN {_CALLS} ELSE 0 END",
    "errors": f"CASE WHEN record.error_type <> '' THEN {_CALLS} ELSE 0 END",
    "input_tokens": "record.input_tokens",
    "output_tokens": "record.output_tokens",
    "cache_creation_input_tokens": "record.cache_creation_input_tokens",
    "cache_creation_1h_input_tokens": "coalesce(record.cache_creation_1h_input_tokens, 0)",
    "cache_read_input_tokens": "record.cache_read_input_tokens",
    "credits": "record.credits",
    "lost_credits": "record.lost_credits",
}
MEASURES = tuple(OF_RECORD)
# Records of before the column have the type alone.
ERROR_OF_RECORD = (
    "CASE WHEN record.error_type <> '' THEN coalesce(record.error_code, record.error_type) END"
)
# Slots of usage_slot; only of calls that were answered to their end.
SLOTS_OF_RECORD = {
    "latency": "CASE WHEN record.ending = 'completed' THEN usage_slot(record.duration_ms) END",
    "first_byte": "CASE WHEN record.ending = 'completed' THEN usage_slot(record.first_byte_ms) END",
}
# The columns that these read.
RECORD_COLUMNS = (
    *("accepted_at", "key_id", "resolved_model", "source", "ending", "error_type", "error_code"),
    *("refusals", "input_tokens", "output_tokens", "cache_creation_input_tokens"),
    *("cache_creation_1h_input_tokens", "cache_read_input_tokens", "credits", "lost_credits"),
    *("duration_ms", "first_byte_ms", "tags", "session_id"),
)
# The tags of a day beyond this many are summed up together, in the row of the empty tag.
MOST_TAGS_A_DAY = 200
OTHER_TAGS = ""


def listed(template: str, separator: str = ", ") -> str:
    """Return the template for each measure, with its name in the place of {}."""
    return separator.join(template.format(name) for name in MEASURES)


def of_record() -> str:
    """Return the measures of a record as columns."""
    return ", ".join(f"({expression})::bigint AS {name}" for name, expression in OF_RECORD.items())
