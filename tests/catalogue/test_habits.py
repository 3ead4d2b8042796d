"""An operator says what a server wants otherwise, or refers to the dialect of its provider."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from caicaini_portal.settings import BASE_DIR
from catalogue import file, habits
from catalogue.errors import CatalogueError
from catalogue.habits import Habits
from tests.catalogue.test_sync_catalogue import MODEL


def read(tmp_path: Path, rows: str) -> file.UpstreamRow:
    path = tmp_path / "catalogue.toml"
    path.write_text(f"{MODEL}{rows}")
    [row] = file.read(path).models[0].upstreams
    return row


def test_an_entry_refers_to_a_dialect_and_sets_habits_on_top_of_it(tmp_path: Path) -> None:
    row = read(tmp_path, 'dialect = "deepseek"\nhabits = { system_turns = "user" }\n')

    resolved = habits.resolve(row.dialect, row.habits)

    assert (resolved.reasoning_field, resolved.system_turns) == ("reasoning_content", "user")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ('dialect = "nobody"', "unknown dialect nobody; there are .*deepseek"),
        ('habits = { system_turns = "sideways" }', "system_turns"),
        ("habits = { colour = 1 }", "colour"),
        ('habits = { call_ids = "anything" }', "call_ids"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, rows: str, expected: str) -> None:
    with pytest.raises(CatalogueError, match=expected):
        read(tmp_path, rows)


def test_what_a_newer_version_loaded_is_ignored() -> None:
    assert habits.resolve_known("of-tomorrow", {"of_tomorrow": 1}) == Habits()
    own: dict[str, Any] = {"stream_options": False, "of_tomorrow": 1}
    assert habits.resolve_known("kimi", own).missing_reasoning == " "


def test_each_dialect_and_each_habit_is_documented() -> None:
    text = (BASE_DIR / "docs" / "catalogue.md").read_text()
    for name in (*habits.dialects(), *Habits.__struct_fields__):
        assert f"`{name}`" in text
    for name in habits.dialects():
        own = msgspec.structs.asdict(habits.resolve(name, {}))
        usual = msgspec.structs.asdict(Habits())
        [line] = [line for line in text.splitlines() if line.startswith(f"| `{name}`")]
        for habit in (habit for habit, value in own.items() if value != usual[habit]):
            assert f"`{habit}`" in line
