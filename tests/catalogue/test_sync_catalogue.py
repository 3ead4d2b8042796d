"""An operator loads a catalogue file, changes it, and makes mistakes in it."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from caicaini_portal.settings import BASE_DIR
from catalogue import file, sync
from catalogue.errors import CatalogueError
from catalogue.models import CatalogueSync, Model, ModelPrice

MODEL = """
[[models]]
id = "a/model"
name = "A model"
context_tokens = 100
max_output_tokens = 10

[[models.prices]]
from = 2026-01-01T00:00:00Z
input = 1
output = 2
cache_write = 3
cache_read = 4

[[models.upstreams]]
format = "messages"
base_url = "http://localhost:1/"
model = "inside"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.toml"


def load(path: Path, text: str) -> bool:
    path.write_text(text)
    return sync.sync(path=path)


@pytest.mark.django_db
def test_the_shipped_file_loads_and_loading_it_again_changes_nothing():
    shipped = BASE_DIR / "catalogue.toml"

    assert sync.sync(path=shipped) is True
    assert sync.sync(path=shipped) is False

    assert Model.objects.get(public_id="caicaini/swift").is_auto
    assert CatalogueSync.objects.count() == 1


@pytest.mark.django_db
def test_a_model_that_leaves_the_file_is_retired_and_may_come_back(path):
    load(path, MODEL)
    load(path, MODEL.replace("a/model", "another/model"))
    assert Model.objects.get(public_id="a/model").retired_at is not None

    load(path, MODEL)

    model = Model.objects.get(public_id="a/model")
    assert model.retired_at is None
    assert model.upstreams.get().base_url == "http://localhost:1"


@pytest.mark.django_db
def test_a_price_that_is_in_the_books_keeps_its_numbers(path):
    load(path, MODEL)

    with pytest.raises(CatalogueError, match="already in the books"):
        load(path, MODEL.replace("input = 1", "input = 7"))

    assert ModelPrice.objects.get().input_credits_per_mtok == 1


@pytest.mark.django_db
@pytest.mark.parametrize(("row", "charged"), [("", 3), ("cache_write_1h = 6\n", 6)])
def test_a_cache_kept_for_an_hour_has_its_own_price_or_that_of_any_other(path, row, charged):
    load(path, MODEL.replace("cache_read = 4\n", f"cache_read = 4\n{row}"))

    assert ModelPrice.objects.get().price.cache_write_1h == charged


@pytest.mark.django_db
def test_what_passes_and_what_tools_cost_are_loaded(path):
    allow = 'allow = ["tool:web_search_*", "field:container"]\n'
    tools = "web_search = 1_000_000\ncode_execution = 0\n"
    load(path, MODEL)
    assert Model.objects.get().allow is None
    assert ModelPrice.objects.get().price.per_1k_uses == (None, None, None)

    priced = MODEL.replace("2026-01-01", "2026-01-02").replace(
        "cache_read = 4\n", f"cache_read = 4\n{tools}"
    )
    load(path, priced.replace("max_output_tokens", f"{allow}max_output_tokens"))

    assert Model.objects.get().allow == ["tool:web_search_*", "field:container"]
    assert ModelPrice.objects.latest("pk").price.per_1k_uses == (1_000_000, None, 0)
    load(path, priced.replace("max_output_tokens", "allow = []\nmax_output_tokens"))
    assert Model.objects.get().allow == []


@pytest.mark.parametrize("entry", ["web_search", "fields:n", "tool:", "tool:a b", ""])
def test_what_passes_is_named_by_its_kind(path, entry):
    path.write_text(MODEL.replace("max_output_tokens", f'allow = ["{entry}"]\nmax_output_tokens'))
    with pytest.raises(CatalogueError, match="allow"):
        file.read(path)


@pytest.mark.django_db
def test_a_new_price_is_a_row_from_a_later_moment(path):
    later = """
[[models.prices]]
from = 2027-01-01T00:00:00Z
input = 9
output = 9
cache_write = 9
cache_read = 9
"""
    load(path, MODEL)
    load(path, MODEL + later)

    moments = ModelPrice.objects.values_list("in_force_from", flat=True)
    assert list(moments) == [datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[[models]]", "[[models", "not valid TOML"),
        ('id = "a/model"', 'id = "a model"', "id"),
        ("context_tokens = 100", "context_tokens = 0", "context_tokens"),
        ("input = 1", "input = -1", "input"),
        ("input = 1", "input = 1.5", "input"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00", "no time zone"),
        ('format = "messages"', 'format = "smoke signals"', "format"),
        ('"http://localhost:1/"', '"ftp://localhost"', "base_url"),
        ("max_output_tokens = 10", "max_output_tokens = 10\nno_such_field = 1", "no_such_field"),
        # Values that the database cannot store.
        ("context_tokens = 100", "context_tokens = 2_147_483_648", "context_tokens"),
        ('format = "messages"', 'format = "messages"\nweight = 2_147_483_648', "weight"),
        ('format = "messages"', 'format = "messages"\npriority = -2_147_483_649', "priority"),
        ('format = "messages"', f'format = "messages"\napi_key_env = "{"A" * 101}"', "api_key_env"),
        ("http://localhost:1/", f"http://localhost:1/{'a' * 500}", "base_url"),
        ('name = "A model"', 'name = "A\\u0000model"', "name"),
        ('model = "inside"', 'model = "in\\u0000side"', "upstreams"),
        ("max_output_tokens = 10", 'max_output_tokens = 10\ncapabilities = ["singing"]', "singing"),
    ],
)
def test_an_invalid_file_is_reported_in_one_sentence_that_names_the_place(path, old, new, expected):
    assert old in MODEL
    path.write_text(MODEL.replace(old, new))

    with pytest.raises(CatalogueError) as raised:
        file.read(path)

    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", [MODEL + MODEL, MODEL + MODEL.partition("[[models.prices]]")[0]])
def test_a_model_named_twice_is_refused(path, text):
    path.write_text(text)

    with pytest.raises(CatalogueError, match="more than once"):
        file.read(path)


def test_an_upstream_named_twice_is_refused(path):
    """A slash at the end does not make it another address."""
    upstream = MODEL.partition("[[models.upstreams]]")[2]
    path.write_text(f"{MODEL}\n[[models.upstreams]]{upstream.replace(':1/', ':1')}")

    with pytest.raises(CatalogueError, match="an upstream twice"):
        file.read(path)


@pytest.mark.django_db
def test_the_command_reports_a_missing_file_without_a_traceback(path, settings):
    settings.CATALOGUE = path

    with pytest.raises(CommandError, match="There is no catalogue file"):
        call_command("sync_catalogue")


@pytest.mark.django_db
def test_an_announced_retirement_is_stored_and_outlives_the_model(path):
    announced = MODEL.replace(
        "max_output_tokens = 10",
        'max_output_tokens = 10\nretires_on = 2027-03-31\nreplacement = "its/successor"',
    )
    successor = MODEL.replace("a/model", "its/successor")
    load(path, announced + successor)
    load(path, successor)

    model = Model.objects.get(public_id="a/model")
    assert (model.retires_on, model.replacement) == (date(2027, 3, 31), "its/successor")
    assert model.retired_at is not None


@pytest.mark.parametrize("replacement", ["a/model", "not/here"])
def test_a_replacement_is_another_model_of_the_file(path, replacement):
    path.write_text(MODEL.replace('a/model"', f'a/model"\nreplacement = "{replacement}"'))

    with pytest.raises(CatalogueError, match="the replacement of a/model is not another model"):
        file.read(path)


@pytest.mark.parametrize("day", ["2027-03-31T00:00:00Z", '"next spring"'])
def test_a_retirement_is_a_day(path, day):
    path.write_text(
        MODEL.replace("max_output_tokens = 10", f"max_output_tokens = 10\nretires_on = {day}")
    )

    with pytest.raises(CatalogueError, match="retires_on"):
        file.read(path)
