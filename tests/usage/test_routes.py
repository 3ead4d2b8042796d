"""A record's route is read again as the gateway wrote it."""

import pytest

from usage import routes


def test_needs_and_reasons_are_read() -> None:
    taken = routes.parse(
        'caicaini/atlas; needs="structured_output tools";'
        ' dropped="caicaini/coder: not healthy, caicaini/swift: tools and thinking"'
    )

    assert taken.needs == {"structured_output", "tools"}
    assert taken.needs_in_words == "structured output and tools"
    coder, swift = taken.dropped
    assert (coder.model, coder.could_answer) == ("caicaini/coder", True)
    assert coder.words == "Its server was failing at that moment"
    assert (swift.model, swift.could_answer) == ("caicaini/swift", False)
    assert swift.words == "Takes no tools and no thinking"


@pytest.mark.parametrize("text", ["", "caicaini/swift", "a; b", '"'])
def test_a_route_without_reasons_has_none(text: str) -> None:
    assert routes.parse(text) == routes.TakenRoute(frozenset(), ())


def test_a_reason_that_was_cut_off_is_left_out() -> None:
    taken = routes.parse('m; dropped="one: dearer, two: not hea')

    assert [dropped.model for dropped in taken.dropped] == ["one"]
