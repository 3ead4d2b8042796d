"""The catalogue file: TOML in, checked structs out. catalogue.toml shows the shape."""

import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from catalogue import habits
from catalogue.errors import CatalogueError

# Limits of the database: its columns hold no larger numbers, and PostgreSQL's text no NUL.
_MOST = 2**31 - 1
_TEXT = r"^[^\0]*$"
Count = Annotated[int, Meta(ge=0, le=_MOST)]
Positive = Annotated[int, Meta(ge=1, le=_MOST)]
Rank = Annotated[int, Meta(ge=-_MOST, le=_MOST)]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=_TEXT)]
# Far above any real price, and low enough that sums stay far inside 64 bits.
CreditsPerMtok = Annotated[int, Meta(ge=0, le=10**12)]
# Of 1,000 uses of a tool: a price row's smallest unit is a credit, whatever it counts.
CreditsPer1k = Annotated[int, Meta(ge=0, le=10**9)]
# A kind and the pattern of a name, such as tool:web_search_*; * alone is everything.
Pass = Annotated[str, Meta(max_length=200, pattern=r"^(\*|(beta|tool|field):[^\s\0]+)$")]
Capability = Literal["images", "documents", "tools", "thinking", "structured_output"]


class PriceRow(Struct, forbid_unknown_fields=True, frozen=True):
    """Credits per million tokens, in force from a moment until the next row's.

    Without `cache_write_1h`, a cache that is kept for an hour costs what any other costs. Tools
    that the provider runs are priced by 1,000 uses.
    """

    in_force_from: datetime = field(name="from")
    input: CreditsPerMtok
    output: CreditsPerMtok
    cache_write: CreditsPerMtok
    cache_read: CreditsPerMtok
    cache_write_1h: CreditsPerMtok | None = None
    web_search: CreditsPer1k | None = None
    web_fetch: CreditsPer1k | None = None
    code_execution: CreditsPer1k | None = None


class UpstreamRow(Struct, forbid_unknown_fields=True, frozen=True):
    """A server for a model; `base_url` is "embedded" or an address without /v1."""

    format: Literal["messages", "chat_completions"]
    base_url: Annotated[str, Meta(max_length=500, pattern=r"^(embedded|https?://[^\s\0]+)$")]
    model: Name
    api_key_env: Annotated[str, Meta(max_length=100, pattern=_TEXT)] = ""
    priority: Rank = 0
    weight: Positive = 1
    dialect: Annotated[str, Meta(max_length=40, pattern=_TEXT)] = ""
    habits: dict[str, Any] = {}


class ModelRow(Struct, forbid_unknown_fields=True, frozen=True):
    """A model as callers name it."""

    id: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\s\0]+$")]
    name: Name
    context_tokens: Positive
    max_output_tokens: Positive
    prices: list[PriceRow] = []
    upstreams: list[UpstreamRow] = []
    description: Annotated[str, Meta(pattern=_TEXT)] = ""
    capabilities: list[Capability] = []
    max_tokens_per_image: Count = 0
    allow: list[Pass] | None = None
    auto: bool = False
    retires_on: date | None = None
    replacement: Annotated[str, Meta(max_length=200, pattern=r"^[^\s\0]*$")] = ""


class CatalogueFile(Struct, forbid_unknown_fields=True, frozen=True):
    """The whole file."""

    models: list[ModelRow]


def read(path: Path) -> CatalogueFile:
    """Read and check a catalogue file; raises CatalogueError for anything wrong with it."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CatalogueError(f"There is no catalogue file at {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"The catalogue file {path} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"The catalogue file {path} is not valid TOML: {error}.") from None
    return _checked(data, path)


def _checked(data: dict[str, Any], path: Path) -> CatalogueFile:
    try:
        catalogue = msgspec.convert(data, CatalogueFile)
    except msgspec.ValidationError as error:
        raise CatalogueError(f"The catalogue file {path} is wrong: {error}.") from None
    for model in catalogue.models:
        _check_model(model, path)
    ids = [model.id for model in catalogue.models]
    if duplicates := sorted({name for name in ids if ids.count(name) > 1}):
        raise CatalogueError(f"The catalogue file {path} names {duplicates[0]} more than once.")
    for model in catalogue.models:
        if model.replacement and model.replacement not in set(ids) - {model.id}:
            raise CatalogueError(
                f"The catalogue file {path}: "
                f"the replacement of {model.id} is not another model in it."
            )
    return catalogue


def _check_model(model: ModelRow, path: Path) -> None:
    moments = [price.in_force_from for price in model.prices]
    if any(moment.tzinfo is None for moment in moments):
        raise CatalogueError(f"The catalogue file {path}: a price of {model.id} has no time zone.")
    if len(set(moments)) != len(moments):
        raise CatalogueError(
            f"The catalogue file {path}: {model.id} has two prices from one moment."
        )
    for row in model.upstreams:
        _check_habits(row, model.id, path)
    servers = [(row.format, row.base_url.rstrip("/"), row.model) for row in model.upstreams]
    if len(set(servers)) != len(servers):
        raise CatalogueError(f"The catalogue file {path}: {model.id} names an upstream twice.")


def _check_habits(row: UpstreamRow, model: str, path: Path) -> None:
    if row.dialect and row.dialect not in habits.dialects():
        known = ", ".join(sorted(habits.dialects()))
        raise CatalogueError(
            f"The catalogue file {path}: an upstream of {model} has the unknown dialect "
            f"{row.dialect}; there are {known}."
        )
    try:
        habits.resolve(row.dialect, row.habits)
    except msgspec.ValidationError as error:
        raise CatalogueError(
            f"The catalogue file {path}: the habits of an upstream of {model} are wrong: {error}."
        ) from None
