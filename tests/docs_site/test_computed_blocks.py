"""Computed tables of the documentation are kept for seconds, and through an outage."""

import pytest
from django.db import OperationalError

from docs_site.rendering import computed_blocks


def test_a_block_is_computed_once_in_some_seconds() -> None:
    texts = iter(["first", "second"])

    assert computed_blocks.text_of("models", "", lambda _: next(texts)) == "first"
    assert computed_blocks.text_of("models", "", lambda _: next(texts)) == "first"
    computed_blocks.forget()
    assert computed_blocks.text_of("models", "", lambda _: next(texts)) == "second"


def test_blocks_with_another_argument_are_computed_apart() -> None:
    assert computed_blocks.text_of("errors", "a", str.upper) == "A"
    assert computed_blocks.text_of("errors", "b", str.upper) == "B"


def test_the_last_text_stays_while_the_database_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(computed_blocks, "KEPT_S", 0.0)
    assert computed_blocks.text_of("models", "", lambda _: "table") == "table"

    assert computed_blocks.text_of("models", "", _unavailable) == "table"


def test_a_block_that_was_never_computed_reports_the_outage() -> None:
    with pytest.raises(OperationalError):
        computed_blocks.text_of("models", "", _unavailable)


def _unavailable(_: str) -> str:
    raise OperationalError("the server is starting up")
