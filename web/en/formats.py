"""Date and time formats of the operator pages; `e` writes the time zone, UTC."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i:s e"
