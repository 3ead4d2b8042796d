"""One running product for all tests here, with a browser session and a shell for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, StorageState

from tests.browser import chromium, console_models, product
from tests.browser.console_page import Console, sign_in_to_the_console
from tests.browser.product import Product
from tests.browser.shell import Shell
from tests.browser.visitor import Visitor
from tests.support.scripted_upstream import ScriptedUpstream


@pytest.fixture(scope="package")
def upstream() -> Iterator[ScriptedUpstream]:
    """Answers for the models of console_models.py."""
    with ScriptedUpstream().running() as running:
        yield running


@pytest.fixture(scope="package")
def running_product(
    tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream
) -> Iterator[Product]:
    folder = tmp_path_factory.mktemp("up")
    catalogue = folder / "catalogue.toml"
    console_models.write_catalogue(catalogue, upstream_url=upstream.url)
    provider = {"GITHUB_CLIENT_ID": "of-the-tests", "GITHUB_CLIENT_SECRET": "not-used"}
    with product.running(folder / "data", CATALOGUE=str(catalogue), **provider) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.running() as running:
        yield running


@pytest.fixture
def visitor(browser: Browser, running_product: Product, tmp_path: Path) -> Iterator[Visitor]:
    """A new visitor; any fault that it notices fails the test."""
    newcomer = Visitor(browser, home=running_product.url)
    yield newcomer
    newcomer.leave(picture=tmp_path / "last-page.png")
    assert newcomer.faults == []


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture(scope="module")
def demo_session(browser: Browser, running_product: Product) -> StorageState:
    """The cookies of the demo person, who signs in once for a module."""
    return sign_in_to_the_console(browser, running_product)


@pytest.fixture
def member(
    browser: Browser, running_product: Product, demo_session: StorageState, tmp_path: Path
) -> Iterator[Visitor]:
    """The demo person, signed in; any fault that is noticed fails the test."""
    visitor = Visitor(browser, home=running_product.url, session=demo_session)
    yield visitor
    visitor.leave(picture=tmp_path / "last-page.png")
    assert visitor.faults == []


@pytest.fixture
def console(
    browser: Browser, running_product: Product, demo_session: StorageState, tmp_path: Path
) -> Iterator[Console]:
    """The demo person's console, open and empty; any fault that is noticed fails the test."""
    visitor = Visitor(browser, home=running_product.url, session=demo_session)
    page = Console(visitor, running_product)
    page.open()
    yield page
    visitor.leave(picture=tmp_path / "last-page.png")
    assert visitor.faults == []
