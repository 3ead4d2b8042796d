"""SQL as the gateway's writer sends it: many statements at once, past psycopg's cursors."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec


class Statement(NamedTuple):
    """SQL in PostgreSQL's own notation, `$1` for the first parameter; the parameters as text."""

    sql: bytes
    parameters: tuple[bytes, ...] = ()


Rows = Sequence[tuple[Any, ...]]


def array(ids: Iterable[object]) -> bytes:
    """Write numbers or UUIDs as an array."""
    return f"{{{','.join(map(str, ids))}}}".encode()


def json(rows: Iterable[Any]) -> bytes:
    """Write rows for json_to_recordset.

    One JSON parameter rather than an array for each column: these take longer to write than
    PostgreSQL takes to store the rows.
    """
    return msgspec.json.encode(list(rows))
