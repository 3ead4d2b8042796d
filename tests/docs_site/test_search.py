"""A reader searches the documentation."""

import re
from datetime import date
from typing import NoReturn

import pytest
from django.db import OperationalError, connection
from django.test import Client

from docs_site.library import contents
from docs_site.rendering import directives
from docs_site.search.entries import Entry, entries_of
from docs_site.search.index import Hit, Index
from docs_site.search.results import grouped
from docs_site.search.words import is_one_edit_apart, whole_words
from docs_site.source.page import Page
from tests.support.reading import text_of

STREAMING = """\
Opening words about events.

## Print the text as it comes

The SDKs read the events for you, also retries.

```python
client.messages.stream(max_tokens=100)
```

## Errors in mid-stream

| Error code | Status | What to do |
| --- | --- | --- |
| `upstream_empty` | 502 | Try again: the model sent nothing. |
| `upstream_broke_off` | 502 | Try again. |

## Fields

| Field | Type |
| --- | --- |
| `max_tokens` | The most tokens of the answer. |
| `stream` | Whether it is streamed. |
"""
TOOLS = """\
## Tool input in pieces

A tool's input arrives in pieces; `upstream_empty` may end it. Set max_tokens high.

| Model | Can |
| --- | --- |
| `caicaini/swift` | text |
"""


def a_page(slug: str, title: str, body: str) -> Page:
    return Page(slug, title, f"About {slug}.", "Guides", 1, date(2026, 11, 30), body)


@pytest.fixture(scope="module")
def index() -> Index:
    pages = [a_page("streaming", "Streaming", STREAMING), a_page("tools", "Tools", TOOLS)]
    return Index(entry for page in pages for entry in entries_of(page, page.body))


def _unavailable(*_: object) -> NoReturn:
    raise OperationalError("the server is starting up")


def urls(hits: list[Hit]) -> list[str]:
    return [hit.entry.url for hit in hits]


def test_an_exact_error_code_comes_first(index: Index) -> None:
    hits = index.search("upstream_empty")

    assert hits[0].entry == Entry(
        "Error code",
        "upstream_empty",
        "Streaming · Errors in mid-stream",
        "/docs/streaming#upstream_empty",
        "502 · Try again: the model sent nothing.",
    )
    assert "/docs/tools#tool-input-in-pieces" in urls(hits[1:])


@pytest.mark.parametrize("query", ["max_tokens", "MAX_TOKENS", "max tokens", "max_tok", "tokens"])
def test_a_field_is_found_by_its_name_and_parts_of_it(index: Index, query: str) -> None:
    assert urls(index.search(query))[0] == "/docs/streaming#max_tokens"


@pytest.mark.parametrize("query", ["caicaini/swift", "swift", "caicaini/sw"])
def test_a_model_is_found_by_its_id(index: Index, query: str) -> None:
    assert urls(index.search(query))[0] == "/docs/tools#caicaini-swift"


def test_a_heading_comes_before_text(index: Index) -> None:
    assert urls(index.search("pieces"))[0] == "/docs/tools#tool-input-in-pieces"
    assert urls(index.search("errors"))[0] == "/docs/streaming#errors-in-mid-stream"


def test_a_page_comes_before_its_headings(index: Index) -> None:
    assert urls(index.search("streaming"))[0] == "/docs/streaming"


@pytest.mark.parametrize("length", range(3, len("streaming") + 1))
def test_the_page_stays_found_while_its_title_is_typed(index: Index, length: int) -> None:
    assert "/docs/streaming" in urls(index.search("streaming"[:length]))


def test_every_word_must_match_if_any_entry_has_them_all(index: Index) -> None:
    found = urls(index.search("pieces upstream_empty"))

    assert found == ["/docs/tools#tool-input-in-pieces"]


def test_else_the_entries_with_most_of_the_words_are_found(index: Index) -> None:
    assert urls(index.search("elephant pieces upstream_empty")) == [
        "/docs/tools#tool-input-in-pieces"
    ]
    assert index.search("elephant zebra") == []


def test_a_common_word_as_a_page_s_title_beats_rare_names_that_begin_with_it() -> None:
    page = Entry("Page", "Images", "Guides", "/docs/images")
    fields = [Entry("Field", f"ImageBlock.f{n}", "Messages", f"/docs/m#{n}") for n in range(9)]

    assert Index([*fields, page]).search("images")[0].entry == page


def test_a_nested_field_is_found_by_its_own_name() -> None:
    field = Entry("Field", "answer.data[].usage.credits_consumed", "Messages", "/docs/m#x")
    text = Entry("Page", "Cost", "Guides", "/docs/cost", "credits_consumed says it.")

    assert Index([text, field]).search("credits_consumed")[0].entry == field


def test_one_wrong_letter_is_forgiven_but_not_two(index: Index) -> None:
    assert urls(index.search("straeming"))[0] == "/docs/streaming"
    assert index.search("straeimng") == []


def test_a_word_of_code_is_found(index: Index) -> None:
    assert "/docs/streaming#print-the-text-as-it-comes" in urls(index.search("messages.stream"))


@pytest.mark.parametrize("query", ["", "   ", "?", "\\", "%_", "(", "🙂"])
def test_a_query_without_words_finds_nothing(index: Index, query: str) -> None:
    assert index.search(query) == []


def test_a_question_finds_the_page_first_and_a_name_what_it_names(index: Index) -> None:
    assert urls(index.search("how do I stream"))[0] == "/docs/streaming"
    assert urls(index.search("stream"))[0] == "/docs/streaming#stream"


def test_plurals_count_as_their_singular() -> None:
    assert whole_words("retries Errors status class keys SDKs") == [
        *("retry", "error", "status", "class", "key", "sdk")
    ]


@pytest.mark.parametrize(
    ("one", "other", "is_apart"),
    [
        ("stream", "stream", False),
        ("stream", "steam", True),
        ("stream", "streams", True),
        ("stream", "strean", True),
        ("stream", "straem", True),
        ("stream", "sterma", False),
        ("stream", "strm", False),
        ("ab", "ba", True),
        ("", "a", True),
    ],
)
def test_one_edit_apart(one: str, other: str, is_apart: bool) -> None:
    assert is_one_edit_apart(one, other) is is_apart
    assert is_one_edit_apart(other, one) is is_apart


def test_matches_are_marked_and_everything_else_is_escaped() -> None:
    entry = Entry("Heading", "<b>Tools & streams", "Page", "/docs/x", "the <script> stream")
    [group] = grouped([Hit(entry, 1.0)], "stream", per_group=5)

    assert group.name == "Headings"
    assert group.results[0].title == "&lt;b&gt;Tools &amp; <mark>stream</mark>s"
    assert group.results[0].text == "the &lt;script&gt; <mark>stream</mark>"


@pytest.mark.django_db
class TestThePage:
    """GET /docs/search."""

    @pytest.mark.parametrize(
        ("query", "best"),
        [
            ("how do I stream", "/docs/streaming"),
            ("streaming", "/docs/streaming"),
            ("stream", "/docs/reference/messages#stream"),
            ("how do I use tools", "/docs/tools"),
            ("how to send an image", "/docs/images-and-documents"),
            ("how do I cancel a stream", "/docs/streaming#stopping-early"),
            ("where is my key", "/docs/authentication-and-keys"),
            ("system prompt", "/docs/reference/messages#system"),
            ("max_tokens", "/docs/reference/messages#max_tokens"),
            ("rate limits", "/docs/rate-limits"),
            ("rate_limited", "/docs/reference/errors#rate_limited"),
            ("terms", "/terms"),
            ("terms of use", "/terms"),
            ("privacy", "/privacy"),
            ("support", "/support"),
        ],
    )
    def test_the_best_result_is_where_a_reader_would_want_to_go(
        self, client: Client, query: str, best: str
    ) -> None:
        found = client.get("/docs/search", {"q": query}, headers={"HX-Request": "true"}).text

        assert re.findall(r'href="([^"]+)"', found)[0] == best

    def test_results_work_without_a_script(self, client: Client) -> None:
        answer = client.get("/docs/search", {"q": "quickstart"})

        assert 'href="/docs/quickstart"' in answer.text
        assert "for “quickstart”" in text_of(answer)
        assert 'value="quickstart"' in answer.text

    def test_htmx_gets_the_list_alone(self, client: Client) -> None:
        answer = client.get("/docs/search", {"q": "quickstart"}, headers={"HX-Request": "true"})

        assert 'role="option"' in answer.text
        assert "<html" not in answer.text
        assert "HX-Request" in answer["Vary"]

    def test_nothing_found_says_so_and_offers_examples(self, client: Client) -> None:
        answer = client.get("/docs/search", {"q": "<zebra>"})

        assert "Nothing matches “<zebra>”." in text_of(answer)
        assert "<zebra>" not in answer.text
        assert "/docs/search?q=max_tokens" in answer.text

    @pytest.mark.parametrize("query", [{}, {"q": ""}, {"q": " \0 "}, {"q": "x" * 5000}])
    def test_any_query_is_answered(self, client: Client, query: dict[str, str]) -> None:
        assert client.get("/docs/search", query).status_code == 200

    def test_each_page_is_found_by_its_title(self, client: Client) -> None:
        for page in contents.pages():
            answer = client.get("/docs/search", {"q": page.title})
            assert f'href="{page.url}"' in answer.text.partition('id="main"')[2]

    def test_the_first_search_works_while_the_database_is_unavailable(self, client: Client) -> None:
        """It finds everything but what the catalogue would add."""
        with connection.execute_wrapper(_unavailable):
            answer = client.get("/docs/search", {"q": "models and prices"})

        assert 'href="/docs/models-and-prices"' in answer.text.partition('id="main"')[2]

    def test_everything_found_leads_to_a_place_on_its_page(self, client: Client) -> None:
        for page in contents.pages():
            html = client.get(page.url).text
            for entry in entries_of(page, directives.markdown(page)):
                anchor = entry.url.partition("#")[2]
                assert not anchor or f'id="{anchor}"' in html, entry.url
