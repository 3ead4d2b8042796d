"""Tokens: their shape, and that no typing mistake turns one into another valid one."""

import re
import string

from hypothesis import given
from hypothesis import strategies as st

from keys import tokens

ALPHABET = string.digits + string.ascii_letters
anywhere = st.integers(min_value=0, max_value=45)


def test_a_new_token_has_the_published_shape() -> None:
    token = tokens.new_token()

    assert re.fullmatch(r"cai_api_[0-9A-Za-z]{38}", token)
    assert tokens.is_well_formed(token)


def test_the_documented_example_is_well_formed() -> None:
    [example] = re.findall(r"cai_api_\w{38}", tokens.__doc__ or "")

    assert tokens.is_well_formed(example)


def test_no_two_tokens_are_alike() -> None:
    assert len({tokens.new_token() for _ in range(1000)}) == 1000


@given(place=anywhere, other=st.sampled_from(ALPHABET + "_-. é"))
def test_any_one_changed_character_is_refused(place: int, other: str) -> None:
    token = tokens.new_token()
    changed = token[:place] + other + token[place + 1 :]

    assert tokens.is_well_formed(changed) == (changed == token)


@given(place=st.integers(min_value=0, max_value=44))
def test_two_neighbours_that_changed_places_are_refused(place: int) -> None:
    token = tokens.new_token()
    swapped = token[:place] + token[place + 1] + token[place] + token[place + 2 :]

    assert tokens.is_well_formed(swapped) == (swapped == token)


@given(cut=st.integers(min_value=0, max_value=45))
def test_a_part_of_a_token_is_refused(cut: int) -> None:
    token = tokens.new_token()

    assert not tokens.is_well_formed(token[:cut])


@given(st.text(max_size=60))
def test_any_text_is_checked_without_an_error(text: str) -> None:
    assert not tokens.is_well_formed(text)


def test_a_line_break_at_the_end_is_refused() -> None:
    assert not tokens.is_well_formed(tokens.new_token() + "\n")


@given(st.data())
def test_a_hint_shows_seven_characters_of_a_token_and_no_more(data: st.DataObject) -> None:
    token = tokens.new_token()

    shown, hidden, end = tokens.hint(token).partition("…")
    assert (token[:11], token[-4:]) == (shown, end)
    assert hidden == "…"
    # 27 hidden random characters and two of the checksum: 160 bits stay secret.
    assert len(token) - len(shown) - len(end) == 31


@given(place=anywhere)
def test_the_digest_is_of_the_whole_token(place: int) -> None:
    token = tokens.new_token()
    changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]

    assert tokens.digest(token) == tokens.digest(token)
    assert len(tokens.digest(token)) == 32
    assert tokens.digest(changed) != tokens.digest(token)
