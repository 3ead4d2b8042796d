"""Read the catalogue for the gateway, in plain SQL: on the event loop there is no ORM."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from catalogue import habits
from catalogue.pricing import Price, ToolPrices
from catalogue.snapshot import CatalogueSnapshot, Learned, ModelRow, UpstreamRow

_VERSION = "SELECT coalesce(max(id), 0) FROM catalogue_cataloguesync"
_MODELS = (
    "SELECT id, public_id, name, context_tokens, max_output_tokens, capabilities,"
    " max_tokens_per_image, is_auto, created_at,"
    " retires_on::timestamp AT TIME ZONE 'UTC' FROM catalogue_model"
    " WHERE retired_at IS NULL ORDER BY id"
)
_PRICES = (
    "SELECT model_id, in_force_from, id, input_credits_per_mtok, output_credits_per_mtok,"
    " cache_write_credits_per_mtok, cache_read_credits_per_mtok,"
    " coalesce(cache_write_1h_credits_per_mtok, cache_write_credits_per_mtok),"
    " cache_write_1h_credits_per_mtok IS NOT NULL, web_search_credits_per_1k,"
    " web_fetch_credits_per_1k, code_execution_credits_per_1k"
    " FROM catalogue_modelprice"
    " ORDER BY model_id, in_force_from DESC"
)
_UPSTREAMS = (
    "SELECT upstream.model_id, upstream.id, format, base_url, upstream_model, api_key_env,"
    " priority, weight, model.allow, dialect, habits"
    " FROM catalogue_upstream AS upstream JOIN catalogue_model AS model"
    " ON model.id = upstream.model_id WHERE upstream.retired_at IS NULL"
    " ORDER BY upstream.model_id, priority, upstream.id"
)

_INCIDENT = (
    "INSERT INTO catalogue_upstreamincident AS known (upstream_id, reason, began_at, incidents)"
    " VALUES (%s, %s, now(), 1) ON CONFLICT (upstream_id) DO UPDATE SET reason = excluded.reason,"
    " began_at = excluded.began_at, recovered_at = NULL, incidents = known.incidents + 1"
)
_RECOVERY = (
    "UPDATE catalogue_upstreamincident SET recovered_at = now()"
    " WHERE upstream_id = %s AND recovered_at IS NULL"
)


async def version(connection: AsyncConnection[Any]) -> int:
    """Return the newest version in the database."""
    row = await (await connection.execute(_VERSION)).fetchone()
    return int(row[0]) if row else 0


async def load(connection: AsyncConnection[Any]) -> CatalogueSnapshot:
    """Read the whole catalogue."""
    newest = await version(connection)
    prices: dict[int, list[tuple[datetime, Price]]] = defaultdict(list)
    for model_id, start, *numbers in await (await connection.execute(_PRICES)).fetchall():
        price = Price(*[*numbers[:7], ToolPrices(*numbers[7:])])
        prices[model_id].append((start, price))
    upstreams: dict[int, list[UpstreamRow]] = defaultdict(list)
    rows = await (await connection.execute(_UPSTREAMS)).fetchall()
    for model_id, *fields, allow, dialect, own in rows:
        resolved = habits.resolve_known(dialect, own)
        passes = None if allow is None else tuple(allow)
        upstreams[model_id].append(UpstreamRow(*[*fields, resolved, Learned(), passes]))
    rows = await (await connection.execute(_MODELS)).fetchall()
    models = [_model(row, tuple(prices[row[0]]), tuple(upstreams[row[0]])) for row in rows]
    return CatalogueSnapshot(newest, {model.public_id: model for model in models})


async def record_incident(
    connection: AsyncConnection[Any], *, upstream_id: int, reason: str
) -> None:
    """Record that a process stops asking an upstream."""
    await connection.execute(_INCIDENT, [upstream_id, reason])


async def record_recovery(connection: AsyncConnection[Any], *, upstream_id: int) -> None:
    """Record that an upstream answers again; without an open incident nothing changes."""
    await connection.execute(_RECOVERY, [upstream_id])


def _model(
    row: tuple[Any, ...],
    prices: tuple[tuple[datetime, Price], ...],
    upstreams: tuple[UpstreamRow, ...],
) -> ModelRow:
    _, public_id, name, context_tokens, max_output_tokens, capabilities, *rest = row
    max_tokens_per_image, is_auto, created_at, retires_at = rest
    return ModelRow(
        public_id=public_id,
        name=name,
        context_tokens=context_tokens,
        max_output_tokens=max_output_tokens,
        capabilities=frozenset(capabilities),
        max_tokens_per_image=max_tokens_per_image,
        is_auto=is_auto,
        created_at=created_at,
        prices=prices,
        upstreams=upstreams,
        retires_at=retires_at,
    )
