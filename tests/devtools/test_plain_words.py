"""Words for which the field has a plainer one are found in code, pages and documentation."""

from pathlib import Path

import pytest

from devtools.plain_words import findings, report


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A row.\nIt is made anew.\n", [(2, "anew")]),
        ("# Whoever asks, likewise.\n", [(1, "Whoever"), (1, "likewise")]),
        ("def work_off(): ...\n\n_PATIENCE_S = 1\n", [(1, "work off"), (3, "PATIENCE")]),
        ("class WorkOff: ...\n", [(1, "Work Off")]),
        ("x = 1  # Redis is\n# away\n", [(1, "is away")]),
        ("/* Nothing is\n * told */\n", [(1, "is told")]),
        ("It renews what it takes, and is awaited as amidst others.\n", []),
    ],
    ids=[
        "a word",
        "two on a line",
        "names",
        "a class",
        "across a comment's lines",
        "in a style sheet",
        "parts of other words",
    ],
)
def test_it_finds_the_word_and_its_line(text: str, found: list[tuple[int, str]]) -> None:
    assert [(line, word) for line, word, _ in findings(text)] == found


def test_the_name_of_a_queued_task_stays() -> None:
    assert findings('name="billing.tasks.work_off_event"') == []


def test_the_report_names_file_and_line_and_the_word_to_write(tmp_path: Path) -> None:
    for name in (
        "keys/services.py",
        "templates/base.html",
        "static/css/site.css",
        "docs/adr/0001-why.md",
        "tests/test_keys.py",
        ".venv/module.py",
        "requirements.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("nothing\namid\n")

    lines = list(report(tmp_path))

    assert lines == [
        f'{name}:2: "amid": write "during, within, in the middle of"'
        for name in (
            "docs/adr/0001-why.md",
            "keys/services.py",
            "static/css/site.css",
            "templates/base.html",
        )
    ]


def test_its_own_list_is_not_searched(tmp_path: Path) -> None:
    (tmp_path / "devtools").mkdir()
    (tmp_path / "devtools/plain_words.py").write_text("amid\n")

    assert list(report(tmp_path)) == []
