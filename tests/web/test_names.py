"""A name is one line that everybody can see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.names import visible_name


@pytest.mark.parametrize(
    "typed",
    [
        "CI",
        "prod-web 2",
        "Ключ",
        "密钥",
        "مفتاح",
        "\N{FAMILY}",
        "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}",
    ],
)
def test_names_of_all_scripts_stay_as_they_are(typed: str) -> None:
    assert visible_name(typed) == typed


@pytest.mark.parametrize(
    "typed",
    [
        *("", "   ", "\N{ZERO WIDTH SPACE}" * 5, "\N{ZERO WIDTH JOINER}", "\N{SOFT HYPHEN}"),
        *("\N{HANGUL FILLER}", "\N{BRAILLE PATTERN BLANK}", "\N{COMBINING ACUTE ACCENT}", "\n"),
        "\N{RIGHT-TO-LEFT OVERRIDE}\N{POP DIRECTIONAL FORMATTING}",
    ],
)
def test_a_name_that_nobody_sees_is_none(typed: str) -> None:
    assert visible_name(typed) == ""


def test_what_turns_text_around_is_removed() -> None:
    assert visible_name("a\N{RIGHT-TO-LEFT OVERRIDE}b\N{ZERO WIDTH SPACE}c\n") == "abc"


@given(st.text(max_size=80))
def test_it_is_done_once(typed: str) -> None:
    assert visible_name(visible_name(typed)) == visible_name(typed)
