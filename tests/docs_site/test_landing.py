"""A visitor reads the landing page: a recorded answer with its cost, and the way in."""

import pytest
from django.test import Client
from pytest_django import Settings

from billing.ledger import demo, posting
from billing.models import EntryKind
from catalogue.pricing import TOKENS_PER_PRICE_UNIT
from catalogue.sync import sync
from console.demo import QUESTIONS
from docs_site.landing.recordings import RecordedAnswer, recordings
from tests.support.reading import text_of

pytestmark = pytest.mark.django_db
RUN = "Run it live"


@pytest.fixture(autouse=True)
def _installation(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://caicaini.test"
    settings.WELCOME_CREDITS = 10_000
    settings.DEMO_CREDITS_PER_DAY = 1_000
    sync(path=settings.BASE_DIR / "catalogue.toml")


def test_it_shows_a_recorded_answer_with_its_cost_and_the_way_in(client: Client) -> None:
    text = text_of(client.get("/"))

    for recorded in recordings():
        assert recorded.question in text
        assert " ".join(recorded.answer.split()) in text
        assert f"{recorded.credits} credits · $" in text
        assert f"of at most {recorded.held:,} held" in text
        assert f"{recorded.sum}, rounded up" in text
    assert 'base_url="https://caicaini.test"' in text
    assert "10,000 credits, worth $0.10, to start with" in text
    assert "Create an account" in text


@pytest.mark.parametrize("recorded", recordings(), ids=lambda one: one.question)
def test_a_recording_is_one_of_the_demo_s_questions_and_adds_up(recorded: RecordedAnswer) -> None:
    summed = sum(line.units * line.price for line in recorded.lines)

    assert recorded.question == QUESTIONS[recorded.number]
    assert recorded.credits == -(-summed // TOKENS_PER_PRICE_UNIT) <= recorded.held
    assert sum(line.units for line in recorded.lines) == (
        recorded.input_tokens + recorded.output_tokens
    )
    assert recorded.first_ms <= recorded.total_ms
    assert recorded.answer


def test_answers_of_models_that_are_not_offered_are_not_shown(
    client: Client, settings: Settings
) -> None:
    catalogue = settings.BASE_DIR / "catalogue.toml"
    other = settings.DATA_DIR / "other.toml"
    other.write_text(catalogue.read_text().replace("caicaini/swift", "caicaini/other"))
    sync(path=other)

    text = text_of(client.get("/"))

    assert recordings()[0].question not in text
    assert "caicaini/other" in text


def test_a_visitor_can_run_it_as_long_as_the_demo_has_credits(client: Client) -> None:
    assert RUN not in text_of(client.get("/"))
    demo.fill(credits=1_000)
    assert RUN in text_of(client.get("/"))

    wallet = demo.wallet()
    assert wallet is not None
    posting.post(wallet_id=wallet.pk, kind=EntryKind.ADJUSTMENT, amount=-1_000, reference="spent")

    text = text_of(client.get("/"))
    assert RUN not in text
    assert recordings()[0].question in text


def test_a_setting_of_0_takes_the_button_away(client: Client, settings: Settings) -> None:
    demo.fill(credits=1_000)
    settings.DEMO_CREDITS_PER_DAY = 0

    assert RUN not in text_of(client.get("/"))


def test_the_last_column_prices_a_thousand_chats(client: Client) -> None:
    text = text_of(client.get("/"))

    assert "400 tokens in, 250 out" in text
    # 400 at 0.1 credits and 250 at 0.45, rounded up, a thousand times
    assert "153,000 credits" in text


def test_the_three_steps_are_links(client: Client) -> None:
    page = client.get("/").content.decode()
    steps = page[page.index('class="three-steps"') :]

    for address in ("/accounts/signup/", "/developers/keys/new", "/docs/quickstart"):
        assert f'href="{address}"' in steps


def test_it_leads_the_signed_in_to_their_workspace(browser: Client) -> None:
    text = text_of(browser.get("/"))

    assert "Go to your workspace" in text
    assert "Create an account" not in text
    assert "Sign up Done: you have an account, and are signed in." in text
    assert "With your email address." not in text
