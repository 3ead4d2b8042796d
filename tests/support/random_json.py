"""Hypothesis strategies for JSON, and cuts of text and bytes into fragments."""

from itertools import pairwise
from typing import AnyStr

from hypothesis import strategies as st

words = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
json_object = st.dictionaries(
    words, st.recursive(words | st.integers(-9, 9) | st.none(), st.lists, max_leaves=3), max_size=3
)


def split_at(value: AnyStr, cuts: list[int]) -> list[AnyStr]:
    """Split at these offsets, in order; one beyond the end counts as the end."""
    edges = [0, *sorted(min(cut, len(value)) for cut in cuts), len(value)]
    return [value[start:end] for start, end in pairwise(edges)]
