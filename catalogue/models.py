"""Models, their dated prices, and the upstreams that serve them.

The rows mirror catalogue.toml (see sync.py); nobody edits them by hand.
"""

from datetime import UTC, date, datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from catalogue.pricing import Price, ToolPrices


class ModelQuerySet(models.QuerySet["Model"]):
    """Which models there are."""

    def offered(self, *, on: date) -> "ModelQuerySet":
        """Return the models that are not retired on this day, in UTC."""
        return self.filter(models.Q(retires_on=None) | models.Q(retires_on__gt=on), retired_at=None)


class Model(models.Model):
    """A model as callers name it. Retired rows stay: old requests point to them."""

    public_id = models.CharField(max_length=200, unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    context_tokens = models.PositiveIntegerField()
    max_output_tokens = models.PositiveIntegerField()
    capabilities = ArrayField(models.CharField(max_length=40), default=list)
    max_tokens_per_image = models.PositiveIntegerField(default=0)
    # What passes to its upstreams of the Messages format: null for what is usual.
    allow = ArrayField(models.CharField(max_length=200), null=True, blank=True)
    is_auto = models.BooleanField("is a candidate for caicaini/auto", default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # As announced: from the beginning of this day on, in UTC, it cannot be called.
    retires_on = models.DateField(null=True, blank=True)
    replacement = models.CharField(max_length=200, blank=True, db_default="")
    # The moment at which it left the catalogue file.
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = ModelQuerySet.as_manager()

    def __str__(self) -> str:
        return self.public_id


class ModelPriceQuerySet(models.QuerySet["ModelPrice"]):
    """Which prices there are."""

    def offered(self, *, at: datetime) -> "ModelPriceQuerySet":
        """Return all prices of the models that are offered at this moment."""
        models_then = Model.objects.offered(on=at.astimezone(UTC).date())
        return self.filter(model__in=models_then).select_related("model")

    def in_force(self, *, at: datetime) -> "ModelPriceQuerySet":
        """Return the price in force of each model that is offered; one without is left out."""
        begun = self.offered(at=at).filter(in_force_from__lte=at)
        return begun.order_by("model_id", "-in_force_from").distinct("model_id")


class ModelPrice(models.Model):
    """Prices in credits per million tokens, in force from a moment until the next row's."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="prices")
    in_force_from = models.DateTimeField()
    input_credits_per_mtok = models.PositiveBigIntegerField()
    output_credits_per_mtok = models.PositiveBigIntegerField()
    cache_write_credits_per_mtok = models.PositiveBigIntegerField()
    cache_read_credits_per_mtok = models.PositiveBigIntegerField()
    # Of a cache that is kept for an hour; null means the price of any other.
    cache_write_1h_credits_per_mtok = models.PositiveBigIntegerField(null=True, blank=True)
    # Of tools that the provider runs; null means that a use costs nothing but its tokens.
    web_search_credits_per_1k = models.PositiveBigIntegerField(null=True, blank=True)
    web_fetch_credits_per_1k = models.PositiveBigIntegerField(null=True, blank=True)
    code_execution_credits_per_1k = models.PositiveBigIntegerField(null=True, blank=True)

    objects = ModelPriceQuerySet.as_manager()

    class Meta:
        ordering = ["model", "in_force_from"]
        constraints = [
            models.UniqueConstraint(fields=["model", "in_force_from"], name="price_moment_unique")
        ]

    def __str__(self) -> str:
        return f"{self.model} from {self.in_force_from:%Y-%m-%d}"

    @property
    def price(self) -> Price:
        """The row as costs are computed with it."""
        an_hour = self.cache_write_1h_credits_per_mtok
        return Price(
            id=self.pk,
            input=self.input_credits_per_mtok,
            output=self.output_credits_per_mtok,
            cache_write=self.cache_write_credits_per_mtok,
            cache_read=self.cache_read_credits_per_mtok,
            cache_write_1h=self.cache_write_credits_per_mtok if an_hour is None else an_hour,
            has_hour=an_hour is not None,
            per_1k_uses=ToolPrices(
                self.web_search_credits_per_1k,
                self.web_fetch_credits_per_1k,
                self.code_execution_credits_per_1k,
            ),
        )


class WireFormat(models.TextChoices):
    """The wire format of an upstream."""

    MESSAGES = "messages"
    CHAT_COMPLETIONS = "chat_completions"


class Upstream(models.Model):
    """A server that answers for a model: lower `priority` first, equal ones share by `weight`."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="upstreams")
    format = models.CharField(max_length=32, choices=WireFormat.choices)
    base_url = models.CharField(max_length=500)
    upstream_model = models.CharField(max_length=200)
    api_key_env = models.CharField(max_length=100, blank=True)
    priority = models.IntegerField(default=0)
    weight = models.PositiveIntegerField(default=1)
    dialect = models.CharField(max_length=40, blank=True, db_default="")
    habits = models.JSONField(default=dict, db_default={}, blank=True)  # beside its dialect's
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["model", "priority", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "format", "base_url", "upstream_model"], name="upstream_unique"
            ),
            models.CheckConstraint(
                condition=models.Q(weight__gte=1), name="upstream_weight_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.upstream_model} at {self.base_url}"


class UpstreamIncident(models.Model):
    """The latest incident of an upstream: a gateway process stopped asking it. One row each.

    Processes decide for themselves, so another one may still ask it, or have stopped later.
    """

    upstream = models.OneToOneField(Upstream, on_delete=models.CASCADE, related_name="incident")
    reason = models.CharField(max_length=40)
    began_at = models.DateTimeField()
    recovered_at = models.DateTimeField(null=True, blank=True)
    incidents = models.PositiveIntegerField("incidents so far", default=1)

    def __str__(self) -> str:
        return f"{self.upstream}: {self.reason}"


class CatalogueSync(models.Model):
    """One row per change that was loaded: a process compares the newest id with its own."""

    digest = models.CharField(max_length=64)
    synced_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.digest[:12]} at {self.synced_at}"
