"""One running product for all tests here, with a browser session and a shell for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium, product
from tests.browser.product import Product
from tests.browser.shell import Shell
from tests.browser.visitor import Visitor


@pytest.fixture(scope="package")
def running_product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with product.running(tmp_path_factory.mktemp("up") / "data") as running:
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
