"""The deliveries of events: one row for each copy, with its state and the endpoint's answers."""

import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Row
from typing import Any

from stripe_sandbox.store import Store
from stripe_sandbox.webhooks.script import Plan


@dataclass(frozen=True)
class Delivery:
    """One copy of one event. `attempts` holds the endpoint's answer to each attempt."""

    id: int
    event_id: str
    event_type: str
    state: str  # held, pending, delivered, failed (gave up) or dropped
    due_at: float
    attempts: list[dict[str, Any]]


class Deliveries:
    def __init__(self, store: Store) -> None:
        self._store = store

    def plan(self, event_id: str, event_type: str, plan: Plan) -> None:
        for delay_s in plan.delays_s:
            self._add(event_id, event_type, plan.state, time.time() + delay_s)

    def redeliver(self, event_id: str, event_type: str, copies: int) -> None:
        for _ in range(copies):
            self._add(event_id, event_type, "pending", time.time())

    def _add(self, event_id: str, event_type: str, state: str, due_at: float) -> None:
        self._store.execute(
            "INSERT INTO deliveries (event_id, event_type, state, due_at) VALUES (?, ?, ?, ?)",
            event_id,
            event_type,
            state,
            due_at,
        )

    def due(self, *, excluding: Sequence[int], limit: int) -> list[Delivery]:
        """The deliveries to post now, the longest due first."""
        marks = ",".join("?" * len(excluding))
        return self._select(
            f"state = 'pending' AND due_at <= ? AND position NOT IN ({marks})"
            " ORDER BY due_at, position LIMIT ?",
            time.time(),
            *excluding,
            limit,
        )

    def next_due_in_s(self, *, excluding: Sequence[int]) -> float | None:
        marks = ",".join("?" * len(excluding))
        row = self._store.rows(
            "SELECT min(due_at) AS soonest FROM deliveries"
            f" WHERE state = 'pending' AND position NOT IN ({marks})",
            *excluding,
        )[0]
        return None if row["soonest"] is None else max(0.0, row["soonest"] - time.time())

    def release(self, *, shuffle_seed: int | None, order: Sequence[str]) -> int:
        """Release held deliveries: in their order, shuffled, or in the order of these event ids."""
        held = self._select("state = 'held' ORDER BY position")
        if shuffle_seed is not None:
            random.Random(shuffle_seed).shuffle(held)
        if order:
            rank = {event_id: place for place, event_id in enumerate(order)}
            held = [one for one in held if one.event_id in rank]
            held.sort(key=lambda one: rank[one.event_id])
        start = time.time()
        for place, one in enumerate(held):
            self._store.execute(
                "UPDATE deliveries SET state = 'pending', due_at = ? WHERE position = ?",
                start + place * 1e-6,
                one.id,
            )
        return len(held)

    def finish(
        self, delivery: Delivery, attempt: dict[str, Any], state: str, due_at: float
    ) -> None:
        self._store.execute(
            "UPDATE deliveries SET state = ?, due_at = ?, attempts = ? WHERE position = ?",
            state,
            due_at,
            json.dumps([*delivery.attempts, attempt]),
            delivery.id,
        )

    def undelivered(self, event_id: str) -> int:
        return int(
            self._store.rows(
                "SELECT count(*) AS n FROM deliveries"
                " WHERE event_id = ? AND state NOT IN ('delivered', 'dropped')",
                event_id,
            )[0]["n"]
        )

    def counts(self) -> dict[str, int]:
        counts = dict.fromkeys(("held", "pending", "delivered", "failed", "dropped"), 0)
        rows = self._store.rows("SELECT state, count(*) AS n FROM deliveries GROUP BY state")
        return {**counts, **{row["state"]: row["n"] for row in rows}}

    def listing(self, *, event_id: str | None = None, state: str | None = None) -> list[Delivery]:
        return self._select(
            "(? IS NULL OR event_id = ?) AND (? IS NULL OR state = ?) ORDER BY position",
            event_id,
            event_id,
            state,
            state,
        )

    def _select(self, where: str, *values: Any) -> list[Delivery]:
        rows = self._store.rows(f"SELECT * FROM deliveries WHERE {where}", *values)
        return [_delivery(row) for row in rows]


def _delivery(row: Row) -> Delivery:
    return Delivery(
        id=row["position"],
        event_id=row["event_id"],
        event_type=row["event_type"],
        state=row["state"],
        due_at=row["due_at"],
        attempts=json.loads(row["attempts"]),
    )
