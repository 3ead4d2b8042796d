"""The sandbox's storage: one SQLite file, or memory.

The event loop is the only user, and no transaction spans an await, so each is atomic.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

Json = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    created INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, position);
CREATE INDEX IF NOT EXISTS objects_by_charge ON objects (json_extract(body, '$.charge'));
CREATE INDEX IF NOT EXISTS objects_by_customer ON objects (json_extract(body, '$.customer'));
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (json_extract(body, '$.payment_intent'));
CREATE INDEX IF NOT EXISTS objects_by_source ON objects (json_extract(body, '$.source'));
CREATE TABLE IF NOT EXISTS deliveries (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at REAL NOT NULL,
    attempts TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX IF NOT EXISTS deliveries_by_state ON deliveries (state, due_at);
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event_id);
CREATE TABLE IF NOT EXISTS agenda (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    due_at INTEGER NOT NULL,
    action TEXT NOT NULL,
    object_id TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS answers (
    idempotency_key TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    request_id TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS answers_by_age ON answers (created);
"""
_TABLES = ("objects", "deliveries", "agenda", "answers")


class Condition(NamedTuple):
    """An SQL condition on the table `objects`, and its values."""

    sql: str
    values: tuple[Any, ...] = ()

    @classmethod
    def equals(cls, path: str, value: Any) -> "Condition":
        """A field of the object, such as `charge` or `customer_details.email`; None is null."""
        return cls(f"json_extract(body, '$.{path}') IS ?", (value,))


class Change(NamedTuple):
    """An object after a change, and the changed fields' previous values."""

    object: Json
    previous: Json


class Store:
    def __init__(self, path: Path | None) -> None:
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")  # survives a kill, not a power cut
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def clear(self) -> None:
        for table in _TABLES:
            self._db.execute(f"DELETE FROM {table}")

    def execute(self, sql: str, *values: Any) -> int:
        """For the tables other than `objects`; returns the number of affected rows."""
        return self._db.execute(sql, values).rowcount

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        return self._db.execute(sql, values).fetchall()

    def add(self, obj: Json) -> Json:
        self._db.execute(
            "INSERT INTO objects (id, kind, created, body) VALUES (?, ?, ?, ?)",
            (obj["id"], obj["object"], obj["created"], json.dumps(obj)),
        )
        return obj

    def get(self, object_id: str) -> Json | None:
        row = self._db.execute("SELECT body FROM objects WHERE id = ?", (object_id,)).fetchone()
        return json.loads(row["body"]) if row else None

    def update(self, object_id: str, **fields: Any) -> Change:
        old = self.get(object_id)
        assert old is not None, f"{object_id} is not stored"
        new = {**old, **fields}
        self._db.execute("UPDATE objects SET body = ? WHERE id = ?", (json.dumps(new), object_id))
        return Change(new, {key: old.get(key) for key in fields if old.get(key) != new[key]})

    def find(
        self,
        kind: str,
        conditions: Sequence[Condition] = (),
        *,
        limit: int = -1,
        oldest_first: bool = False,
    ) -> list[Json]:
        """Objects of a kind that meet every condition, the newest first. Default: no limit."""
        clauses = " AND ".join(["kind = ?", *(f"({one.sql})" for one in conditions)])
        values = [kind, *(value for one in conditions for value in one.values), limit]
        direction = "ASC" if oldest_first else "DESC"
        rows = self._db.execute(
            f"SELECT body FROM objects WHERE {clauses} ORDER BY position {direction} LIMIT ?",
            values,
        )
        return [json.loads(row["body"]) for row in rows]
