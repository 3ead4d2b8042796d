"""Pages load few files: one style sheet and three scripts, which browsers never ask for again."""

import re

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.test.utils import override_settings

from web.bundles import bundle_url

PAGES = [
    "/",
    "/docs/quickstart",
    "/accounts/password/reset/",
    "/developers/keys",
    "/developers/billing",
    "/developers/console",
]


def _loaded(browser: Client, page: str) -> list[str]:
    """Return the addresses of what the page loads."""
    html = browser.get(page).content.decode()
    return re.findall(r'(?:rel="stylesheet" href|script [^>]*src|img [^>]*src)="([^"]+)"', html)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_loads_a_style_sheet_and_three_scripts_at_most(browser: Client, page: str) -> None:
    loaded = _loaded(browser, page)

    assert len([url for url in loaded if url.endswith(".css")]) == 1
    assert len([url for url in loaded if url.endswith(".js")]) <= 3
    assert all(url.startswith("/static/bundles/") for url in loaded)


def test_browsers_keep_a_bundle_for_ever_and_get_it_compressed(browser: Client) -> None:
    answer = browser.get(bundle_url("site.js"), headers={"accept-encoding": "gzip"})

    assert "immutable" in answer["Cache-Control"]
    assert answer["Content-Encoding"] == "gzip"


def test_a_public_page_is_compressed(browser: Client) -> None:
    answer = browser.get("/docs/quickstart", headers={"accept-encoding": "gzip"})

    assert answer["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("reader", ["client", "browser"], ids=["signed out", "signed in"])
def test_the_longest_page_of_the_docs_is_light_without_a_cache(
    request: pytest.FixtureRequest, reader: str, db: None
) -> None:
    reading: Client = request.getfixturevalue(reader)
    page = "/docs/reference/messages"
    loaded = [page, "/static/img/icon.svg", *_loaded(reading, page)]

    answers = [reading.get(url, headers={"accept-encoding": "gzip"}) for url in loaded]

    headers = sum(len(f"{name}: {value}") for one in answers for name, value in one.items())
    assert sum(len(one.getvalue()) for one in answers) + headers <= 61_440  # 60 KB


def test_a_bundle_that_was_not_made_is_named_with_the_command_that_makes_it(tmp_path) -> None:
    with override_settings(BUNDLES_DIR=tmp_path), pytest.raises(ImproperlyConfigured) as failure:
        bundle_url("site.css")

    assert "site.css" in str(failure.value)
    assert "devtools.bundles" in str(failure.value)
    assert (settings.BUNDLES_DIR / "manifest.json").exists()
