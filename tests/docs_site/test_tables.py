"""Tables of the documentation say what the settings, the code and the catalogue say."""

import inspect
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from catalogue.models import Model, ModelPrice
from docs_site.rendering import computed_blocks
from docs_site.tables import errors, limits, models, money
from docs_site.tables.markdown_table import table
from gateway.openapi.error_samples import DOCUMENTED_ERRORS
from gateway.upstreams import router
from tests.support.reading import text_of

pytestmark = pytest.mark.django_db


def a_model(name: str, *, starts_in_days: int = -1, **fields: object) -> Model:
    values = {"context_tokens": 8192, "max_output_tokens": 2048, "name": name} | fields
    model = Model.objects.create(public_id=f"test/{name}", **values)
    a_price(model, starts_in_days=starts_in_days)
    return model


def a_price(model: Model, *, starts_in_days: int, output: int = 450_000) -> None:
    ModelPrice.objects.create(
        model=model,
        in_force_from=timezone.now() + timedelta(days=starts_in_days),
        input_credits_per_mtok=100_000,
        output_credits_per_mtok=output,
        cache_write_credits_per_mtok=125_000,
        cache_read_credits_per_mtok=10_000,
    )


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("MAX_BODY_BYTES", 7 * 1024 * 1024, "7 MiB"),
        ("MAX_BODY_BYTES", 12_345, "12,345 bytes"),
        ("RATE_LIMITS", {"requests": 4321, "input_tokens": 7}, "4,321"),
        ("RATE_LIMITS", {"requests": 7, "input_tokens": 65_432}, "65,432"),
        ("MAX_CONCURRENT_CALLS", 4711, "4,711"),
        ("MAX_CONCURRENT_CALLS_PER_KEY", 4712, "4,712"),
        ("KEEP_ALIVE_EVERY_S", 4713.5, "4713.5 s"),
        ("CALLER_STALL_TIMEOUT_S", 4714.0, "4714 s"),
        ("UPSTREAM_CONNECT_TIMEOUT_S", 4715.0, "4715 s"),
        ("UPSTREAM_FIRST_BYTE_TIMEOUT_S", 4716.0, "4716 s"),
        ("UPSTREAM_IDLE_TIMEOUT_S", 4717.0, "4717 s"),
        ("UPSTREAM_TOTAL_TIMEOUT_S", 4718.0, "4718 s"),
        ("DRAIN_WINDOW_S", 4719.0, "4719 s"),
    ],
)
def test_a_limit_is_the_one_that_is_set(
    settings: Settings, name: str, value: object, shown: str
) -> None:
    before = limits.rates("") + limits.sizes("") + limits.times("")
    setattr(settings, name, value)

    assert shown not in before
    assert f"| {shown}" in limits.rates("") + limits.sizes("") + limits.times("")


def test_every_limit_stands_on_the_page_of_limits(client: Client) -> None:
    text = text_of(client.get("/docs/reference/limits"))

    for part in ("32 MiB", "2,000,000", "100,000", "8,192 characters", "900 s", "366 days"):
        assert part in text


def test_models_and_prices_are_those_of_the_catalogue(client: Client) -> None:
    a_model("cheap", description="For tests.", capabilities=["tools", "structured_output"])
    text = text_of(client.get("/docs/models-and-prices"))

    assert "test/cheap For tests. 8,192 2,048 tools, structured output no" in text
    assert "test/cheap $1.00 · 100,000 $4.50 · 450,000" in text
    # 400 in and 250 out: 40 + 112.5 credits, rounded up for each chat.
    assert "$0.10 · 10,000 $1.53 · 153,000" in text


def test_an_announced_price_is_shown_beside_the_one_in_force(client: Client) -> None:
    assert "No change of a price is announced" in text_of(client.get("/docs/models-and-prices"))

    model = a_model("dearer-soon")
    a_price(model, starts_in_days=30, output=900_000)
    computed_blocks.forget()

    text = text_of(client.get("/docs/models-and-prices"))
    assert "$4.50 · 450,000" in text
    assert "$9.00 · 900,000" in text
    assert f"{timezone.now() + timedelta(days=30):%-d %B %Y}" in text


def test_the_life_cycle_has_announced_and_past_retirements(client: Client) -> None:
    today = timezone.now().date()
    a_model("stays")
    a_model("going", retires_on=today + timedelta(days=40), replacement="test/stays")
    a_model("gone", retires_on=today)
    a_model("removed", retired_at=timezone.now())

    text = text_of(client.get("/docs/model-life-cycle"))

    since = f"{today:%-d %B %Y}"
    day = f"{today + timedelta(days=40):%-d %B %Y}"
    assert f"test/stays active {since} not announced none" in text
    assert f"test/going deprecated {since} {day} test/stays" in text
    assert f"test/gone retired {since} {since} none" in text
    assert f"test/removed retired {since} {since} none" in text
    assert text.index("test/stays active") < text.index("test/going") < text.index("test/gone")


def test_an_empty_catalogue_is_said() -> None:
    assert models.models("") == models.prices("") == "No model is available at the moment."


def test_a_bar_or_a_line_break_in_a_cell_breaks_no_row() -> None:
    assert table(["A"], [["x|y\nz"]]).splitlines()[-1] == r"| x\|y z |"


def test_the_welcome_credits_are_those_that_are_set(settings: Settings) -> None:
    settings.WELCOME_CREDITS = 0
    assert money.welcome("") == "A new account starts without credits."

    settings.WELCOME_CREDITS = 12_000
    assert "starts with 12,000 credits, worth $0.12" in money.welcome("")
    assert "starts with 12,000 credits" in money.first_credits()

    settings.WELCOME_AFTER_PAYMENT = True
    assert "first paid top-up brings 12,000 credits" in money.welcome("")
    assert "without credits" in money.first_credits()


def test_the_guide_to_retries_has_every_status_and_agrees_with_the_code(client: Client) -> None:
    markdown = client.get("/docs/errors-and-retries.md").content.decode()
    rows = re.findall(r"^\| ([\d, ]+) \| ([^|]+) \|", markdown, re.M)
    advice = {int(status): said for several, said in rows for status in several.split(", ")}
    by_status: dict[int, set[str]] = {}
    for one in DOCUMENTED_ERRORS:
        by_status.setdefault(one.kind.status, set()).add(errors.retry(one))

    assert advice.keys() == by_status.keys()
    for status, said in advice.items():
        assert any(said.split()[-1] in rule.split() for rule in by_status[status]), status


def test_the_guide_to_the_router_explains_every_reason(client: Client) -> None:
    """The reasons are texts in the router; a new one needs a row."""
    source = inspect.getsource(router)
    reasons = set(re.findall(r'return "([a-z][a-z ]+)"|, "([a-z][a-z ]+)"\)', source))
    texts = {one for pair in reasons for one in pair if one}
    texts |= {*router.NEED_WORDS.values(), router._TOO_LONG, "failed"}
    markdown = client.get("/docs/router.md").content.decode()

    assert {"not healthy", "dearer", "no price", "format"} < texts
    assert [one for one in texts if f"`{one}`" not in markdown] == []
