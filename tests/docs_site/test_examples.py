"""Every sample of the documentation does what its page says, in every language, for real.

All of them run once, against the product. A failure names the page and the line that shows the
sample. `bin/docs record` renews the recordings that their output is compared with.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from docs_site.examples.recordings import FOLDER as RECORDINGS
from docs_site.examples.samples import FOLDER as SAMPLES
from docs_site.library import contents
from docs_site.library.contents import FOLDER as PAGES
from tests.support.docs_examples import examples, plays, recordings, shapes
from tests.support.docs_examples.examples import Example, Result

Results = dict[Example, Result]

_ALL = examples.all_examples()
_COST_VARIES = {"stream-stop"}  # it costs what was delivered before the caller left
_FENCE = re.compile(r"^ *```+ *([\w{}-]*) *(.*)$")
_RUNNABLE = {"bash", "curl", "javascript", "js", "mjs", "python", "sh", "shell", "ts", "typescript"}
_TRIED = re.compile(r", tried on \d{1,2} [A-Z][a-z]+ 20\d\d$")
_MACHINE = re.compile(r"127\.0\.0\.1|localhost:(?!8000)|/(?:tmp|home|root)/|cai_api_(?!\.\.\.)")


@pytest.fixture(scope="module")
def results(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Results]:
    """Run the examples of the tests that were selected."""
    wanted = [
        item.callspec.params["example"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and "example" in getattr(item, "fixturenames", ())
    ]
    with django_db_blocker.unblock():
        yield examples.run_all(
            [one for one in _ALL if one in wanted], folder=tmp_path_factory.mktemp("samples")
        )


@pytest.mark.parametrize("example", _ALL, ids=str)
def test_an_example_runs_and_prints_what_was_recorded(example: Example, results: Results) -> None:
    result = results[example]
    recorded = recordings.load(example)

    if result.status:
        pytest.fail(example.fault(f"exit status {result.status}\n{result.stderr}"), pytrace=False)
    if recorded is None:
        pytest.fail(example.fault("not recorded yet: run bin/docs record"), pytrace=False)
    different = shapes.differences(
        recorded["stdout"], result.stdout, has_free_text=not result.is_scripted
    )
    if different:
        lines = "\n".join(different)
        pytest.fail(example.fault(f"prints other than recorded:\n{lines}"), pytrace=False)
    has_fixed_cost = result.is_scripted and example.name not in _COST_VARIES
    if has_fixed_cost and result.credits != recorded["credits"]:
        pytest.fail(
            example.fault(f"cost {result.credits} credits, recorded {recorded['credits']}"),
            pytrace=False,
        )


def test_the_quickstart_costs_twelve_credits_by_the_ledger_and_shows_the_public_answer() -> None:
    recorded = {name: recordings.load(Example("quickstart", name)) for name in ("curl", "python")}
    answer = json.loads(recorded["curl"]["stdout"])  # type: ignore[index]

    assert answer["content"][0]["text"] == plays.HAIKU
    assert answer["usage"]["input_tokens"] == 14
    assert answer["usage"]["output_tokens"] == 23
    assert answer["usage"]["credits_consumed"] == 12
    assert [entry["credits"] for entry in recorded.values() if entry] == [12, 12]


@pytest.mark.parametrize("folder", sorted(SAMPLES.iterdir()), ids=lambda folder: folder.name)
def test_a_sample_sends_the_request_that_run_this_sends(folder: Path) -> None:
    request, curl = folder / "request.json", folder / "curl.sh"
    if not request.is_file():
        pytest.skip("it has no Run this")
    bodies = re.findall(r"-d '(\{.*?\n  \})'", curl.read_text(), re.DOTALL)

    assert bodies or "-d @request.json" in curl.read_text()
    assert all(json.loads(body) == json.loads(request.read_text()) for body in bodies)


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.json")), ids=lambda path: path.stem)
def test_a_recording_belongs_to_a_sample_and_holds_nothing_of_its_machine(path: Path) -> None:
    recorded = json.loads(path.read_text())

    assert {Example(path.stem, language) for language in recorded} <= set(_ALL)
    assert not _MACHINE.search(path.read_text())


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_code_that_a_page_claims_to_run_is_a_sample(page: Path) -> None:
    """Or says in its title when it was tried, with a client that the suite does not have."""
    in_fence = False
    for number, line in enumerate(page.read_text().splitlines(), start=1):
        if fence := _FENCE.match(line):
            in_fence = not in_fence
            is_claim = in_fence and fence[1] in _RUNNABLE and not _TRIED.search(fence[2])
            assert not is_claim, f"docs_site/pages/{page.name}:{number}: {line}: make it a sample"


def test_every_folder_of_a_sample_has_a_language() -> None:
    assert {example.name for example in _ALL} == {folder.name for folder in SAMPLES.iterdir()}


def test_every_sample_and_every_recording_is_shown_on_a_page() -> None:
    texts = "\n".join(page.body for page in contents.pages())

    assert set(re.findall(r"\{\{ *sample +([\w-]+)", texts)) == {one.name for one in _ALL}
    assert set(re.findall(r"\{\{ *answer +([\w-]+)", texts)) == {
        path.stem for path in RECORDINGS.glob("*.json")
    }
