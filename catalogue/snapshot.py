"""The catalogue as the gateway holds it in memory; gateway_queries.py reads it."""

import os
from dataclasses import dataclass, field, replace
from datetime import datetime

from catalogue.habits import USUAL, Habits
from catalogue.pricing import Price

_MOST_LEARNERS = 1_000  # workspaces per upstream; the first ones then learn again


@dataclass(slots=True)
class Learned:
    """What a server's answers have shown of its habits; forgotten when the catalogue changes.

    It holds for the workspace whose call was refused: a refusal may depend on what it sent, such as
    its betas.

    `wants_thinking`: a tool loop must begin with thinking if that is on, or each of its calls must
    have some. `refuses_forced_calls`: while its model thinks. `unverified` are hashes of signatures
    of thinking that it has refused. `refused_fields` are members of a request's body.
    """

    refuses_system_turns: bool = False
    refuses_thinking_off: bool = False
    refuses_user_after_tools: bool = False
    streams_only: bool = False
    wants_thinking: bool = False
    refuses_forced_calls: bool = False
    refused_fields: set[str] = field(default_factory=set)
    unverified: set[int] = field(default_factory=set)


NOTHING_LEARNED = Learned()  # of a server whose row is not known; never written to


@dataclass(frozen=True, slots=True)
class UpstreamRow:
    """A server that answers for a model."""

    id: int
    format: str
    base_url: str
    upstream_model: str
    api_key_env: str
    priority: int
    weight: int
    habits: Habits = USUAL
    learned: Learned = field(default_factory=Learned, compare=False)
    allow: tuple[str, ...] | None = None  # its model's
    learned_by: dict[int, Learned] = field(default_factory=dict, compare=False)  # by workspace

    def known_to(self, workspace_id: int) -> "UpstreamRow":
        """Return the row with what the calls of this workspace have learned of the server."""
        learned = self.learned_by.get(workspace_id)
        return self if learned is None else replace(self, learned=learned)

    def learned_of(self, workspace_id: int) -> Learned:
        """Return what a workspace's calls have learned, to add to it."""
        if workspace_id not in self.learned_by and len(self.learned_by) >= _MOST_LEARNERS:
            del self.learned_by[next(iter(self.learned_by))]
        return self.learned_by.setdefault(workspace_id, Learned())

    @property
    def system_turns(self) -> str:
        """How it wants system messages after the first user turn, as far as is known."""
        return "user" if self.learned.refuses_system_turns else self.habits.system_turns

    @property
    def takes_user_after_tools(self) -> bool:
        """Whether it takes a user message directly after the results of tools."""
        return self.habits.user_after_tools and not self.learned.refuses_user_after_tools

    @property
    def passes_everything(self) -> bool:
        """Whether requests reach it as they are, whatever they ask for."""
        return self.allow is not None and "*" in self.allow

    @property
    def has_credentials(self) -> bool:
        """Whether the secret that this upstream needs is set."""
        return not self.api_key_env or bool(self.api_key)

    @property
    def api_key(self) -> str:
        """The secret; empty where none is needed or set."""
        return os.environ.get(self.api_key_env, "") if self.api_key_env else ""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model that can be called, with its prices (newest first) and upstreams."""

    public_id: str
    name: str
    context_tokens: int
    max_output_tokens: int
    capabilities: frozenset[str]
    max_tokens_per_image: int
    is_auto: bool
    created_at: datetime
    prices: tuple[tuple[datetime, Price], ...]
    upstreams: tuple[UpstreamRow, ...]
    retires_at: datetime | None = None  # as announced

    def price_at(self, moment: datetime) -> Price | None:
        """Return the price in force; None if the model cannot be called: it has none, or the moment
        of its retirement has come."""
        if self.retires_at is not None and self.retires_at <= moment:
            return None
        for start, price in self.prices:
            if start <= moment:
                return price
        return None


@dataclass(frozen=True, slots=True)
class CatalogueSnapshot:
    """All models by public id; `version` tells two snapshots apart."""

    version: int
    models: dict[str, ModelRow]

    def priced_as(
        self, upstream_model: str, *, of_format: str, at: datetime
    ) -> "tuple[ModelRow, Price] | None":
        """Return the model that upstreams of a format know by this name, and its price; None
        without one. It is for the models that a provider calls on its own."""
        for model in self.models.values():
            for upstream in model.upstreams:
                if upstream.upstream_model == upstream_model and upstream.format == of_format:
                    price = model.price_at(at)
                    if price is not None:
                        return model, price
        return None
