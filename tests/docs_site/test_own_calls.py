"""A signed-in reader sees their own errors and models in the documentation."""

from datetime import timedelta

import pytest
import uuid_utils.compat as uuid_utils
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from tests.support import people
from tests.support.reading import text_of
from tests.support.request_records import a_record, write
from usage.models import Ending

pytestmark = pytest.mark.django_db


def test_the_latest_of_each_error_is_shown_with_its_request(
    browser: Client, workspace: Workspace
) -> None:
    now = timezone.now()
    several = [
        a_record(
            workspace,
            id=uuid_utils.uuid7(),
            at=now - timedelta(hours=hours),
            error_code=code,
            error_type="a_type",
            status=400,
            ending=Ending.FAILED,
            credits=0,
        )
        for hours, code in ((1, "upstream_failed"), (2, "upstream_failed"), (3, "model_not_found"))
    ]
    write(*several, a_record(workspace))
    newest, older, other = (f"req_{record.id.hex}" for record in several)

    page = browser.get("/developers/errors").content.decode()

    assert f'href="/developers/usage/requests/{newest}"' in page
    assert f'href="/developers/usage/requests/{other}"' in page
    assert older not in page
    assert page.index(newest) < page.index(other)


def test_models_have_the_readers_spend_and_median(browser: Client, workspace: Workspace) -> None:
    for model, credits in (("caicaini/a", 5), ("caicaini/a", 7), ("caicaini/b", 1_000)):
        write(a_record(workspace, resolved_model=model, credits=credits, duration_ms=2_000))

    text = text_of(browser.get("/developers/models"))

    assert "caicaini/b 1 1,000 $0.01" in text
    assert "caicaini/a 2 12 $0.00012" in text
    assert text.index("caicaini/b") < text.index("caicaini/a")


def test_others_see_nothing_of_it(workspace: Workspace) -> None:
    write(a_record(workspace, error_code="upstream_failed", error_type="api_error", status=500))
    stranger = people.browser_of(people.new_person())

    assert "None of your calls ended with an error." in text_of(stranger.get("/developers/errors"))
    assert "You have not called a model yet." in text_of(stranger.get("/developers/models"))


@pytest.mark.parametrize(
    ("page", "address"),
    [
        ("/docs/reference/errors", "/developers/errors"),
        ("/docs/models-and-prices", "/developers/models"),
    ],
)
def test_the_docs_ask_for_them_once_somebody_is_signed_in(
    client: Client, browser: Client, page: str, address: str
) -> None:
    assert f'hx-get="{address}"' in browser.get(page).content.decode()

    signed_out = client.get(page).content.decode()
    assert f'hx-get="{address}"' not in signed_out
    assert f"/accounts/login/?next={page}" in signed_out
    assert "Signed in, this page shows here" in client.get(f"{page}.md").content.decode()


@pytest.mark.parametrize("address", ["/developers/errors", "/developers/models"])
def test_the_fragment_is_part_of_the_page(browser: Client, address: str) -> None:
    fragment = browser.get(address, headers={"hx-request": "true"}).content.decode()

    assert "<html" not in fragment
    assert fragment.strip() in browser.get(address).content.decode()
