"""The reference names everything that the API has: operations, fields, headers, events, errors."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from docs_site.boxes import fields
from docs_site.library import contents
from docs_site.openapi import document, trees
from docs_site.openapi.document import Operation
from docs_site.reference import json_text, operations
from docs_site.rendering import directives
from docs_site.source.markdown import ROW_KINDS, parse, slug
from gateway.errors import GatewayError
from gateway.http import cors
from gateway.limits import rate_limiter
from gateway.openapi.error_samples import DOCUMENTED_ERRORS
from tests.support import error_types
from tests.support.reading import text_of

pytestmark = pytest.mark.django_db

EVERY_OPERATION = tuple(document.operations())
PAGES = {page.title: page for page in operations.pages()}


def page_of(operation: Operation) -> str:
    [page] = [
        one for one in PAGES.values() if f"`{operation.method} {operation.path}`" in one.description
    ]
    return page.url


def id_of(operation: Operation) -> str:
    return str(operation.description["operationId"])


@pytest.mark.parametrize("operation", EVERY_OPERATION, ids=id_of)
def test_every_operation_has_a_page(client: Client, operation: Operation) -> None:
    html = text_of(client.get(page_of(operation)))

    assert f"{operation.method} http" in html
    assert operation.path in html
    assert operation.answer["description"] in html


@pytest.mark.parametrize("operation", EVERY_OPERATION, ids=id_of)
def test_its_page_has_every_field_as_html_and_as_markdown(
    client: Client, operation: Operation
) -> None:
    html = client.get(page_of(operation)).content.decode()
    markdown = client.get(f"{page_of(operation)}.md").content.decode()

    paths = list(paths_of(operation))
    assert paths
    for path in paths:
        assert f'id="{slug(path)}"' in html, path
        assert f"`{path}`" in markdown, path


def paths_of(operation: Operation) -> Iterator[str]:
    """Yield the paths of the fields, found without the code that draws them."""
    if operation.body is not None:
        yield from named(operation.body["content"]["application/json"]["schema"], "")
    yield from named(operation.answer["content"]["application/json"]["schema"], "answer")
    for one in operation.description.get("parameters", ()):
        if one["in"] != "header":
            yield one["name"]


def named(schema: dict[str, Any], path: str) -> Iterator[str]:
    """Yield the paths of fields down to the first choice between objects."""
    schema = resolved(schema)
    for name, one in schema.get("properties", {}).items():
        inner = f"{path}.{name}" if path else name
        yield inner
        target = resolved(one)
        if target.get("type") == "array":
            target, inner = resolved(target["items"]), f"{inner}[]"
        yield from named(target, inner)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return {} if name in trees.BLOCKS else resolved(document.schemas()[name])
    choices = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return resolved(choices[0]) if len(choices) == 1 else schema


def test_every_schema_of_a_request_or_an_answer_is_shown(client: Client) -> None:
    """Each name of a field of each schema occurs somewhere in the reference."""
    pages = [page_of(one) for one in EVERY_OPERATION]
    pages += [f"/docs/reference/{slug}" for slug in ("events", "errors")]
    text = "".join(client.get(f"{page}.md").content.decode() for page in pages)
    shown = {
        part
        for path in re.findall(r"^\| `([^`]+)` \|", text, re.M)
        for part in re.split(r"[.\[\]:]+", path)
    }

    errors = {one.name for one in DOCUMENTED_ERRORS}
    for name, schema in document.schemas().items():
        if name not in errors | {"StreamEvent"}:
            assert set(members(schema)) <= shown, name


def members(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        schema = list(schema.values())
    if isinstance(schema, list):
        for one in schema:
            yield from members(one)


@pytest.mark.parametrize("block", trees.BLOCKS)
def test_every_link_to_a_content_block_leads_to_its_fields(client: Client, block: str) -> None:
    html = client.get("/docs/reference/messages").content.decode()
    anchor = trees.title_of(block).lower().replace(" ", "-")

    assert f'href="/docs/reference/messages#{anchor}"' in html
    assert f'id="{anchor}"' in html
    assert all(f'id="{slug(field.path)}"' in html for field in trees.tree(f"block.{block}").walk())


@pytest.mark.parametrize(
    "page", ["events", "errors", *(p.slug.partition("/")[2] for p in PAGES.values())]
)
def test_no_two_things_of_a_page_have_one_anchor(client: Client, page: str) -> None:
    html = client.get(f"/docs/reference/{page}").content.decode()
    ids = re.findall(r'\bid="([^"]+)"', html)

    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize("page", ["events", *(p.slug.partition("/")[2] for p in PAGES.values())])
def test_a_row_of_the_markdown_has_the_anchor_of_the_tree(client: Client, page: str) -> None:
    """The search links to the anchors of the rows; the page has trees in their place."""
    html = client.get(f"/docs/reference/{page}").content.decode()
    found = contents.find(f"reference/{page}")
    assert found is not None
    tokens = parse(directives.markdown(found))
    rows = [str(token.attrGet("id")) for token in tokens if token.type == "tr_open"]
    anchors = [row for row in rows if row != "None"]

    assert anchors
    assert [anchor for anchor in anchors if f'id="{anchor}"' not in html] == []


def test_every_event_has_a_row_and_its_fields(client: Client) -> None:
    html = client.get("/docs/reference/events").content.decode()

    assert len(document.events()) == 8
    for name in document.events():
        assert f'id="{name}"' in html
        if name != "error":
            assert all(
                f'id="{slug(one.path)}"' in html for one in trees.tree(f"event.{name}").walk()
            )


@pytest.mark.parametrize("kind", error_types.kinds(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_row_an_example_and_a_link_from_its_operations(
    client: Client, kind: type[GatewayError]
) -> None:
    page = client.get("/docs/reference/errors").content.decode()

    assert f'<tr id="{kind.error_code}">' in page
    assert f"{kind.status} {kind.error_code}" in text_of(client.get("/docs/reference/errors"))
    for operation in EVERY_OPERATION:
        has_it = kind.__name__ in str(operation.errors)
        linked = (
            f"/docs/reference/errors.md#{kind.error_code}"
            in client.get(f"{page_of(operation)}.md").content.decode()
        )
        assert linked or not has_it


def test_the_retry_column_is_the_rule_of_the_sdks(client: Client) -> None:
    markdown = client.get("/docs/reference/errors.md").content.decode()
    retries = dict(re.findall(r"^\| `(\w+)` \| \d+ `\w+` \| ([^|]+) \|", markdown, re.M))

    assert retries["invalid_request"] == retries["out_of_credits"] == "no"
    assert retries["upstream_misconfigured"] == "no"
    assert retries["rate_limited"] == "if `retry-after` is present"
    assert retries["upstream_failed"] == "yes"
    assert retries["upstream_unavailable"] == "after `retry-after`"
    assert len(retries) == len(error_types.kinds())


def test_every_header_has_a_row(client: Client) -> None:
    html = client.get("/docs/reference/headers").content.decode()
    exposed = cors.HEADERS["access-control-expose-headers"].split(", ")

    assert set(rate_limiter.HEADERS) < set(exposed)
    for name in [*exposed, "authorization", "x-api-key", "anthropic-version", "anthropic-beta"]:
        assert f'<tr id="{name}">' in html, name


def test_a_table_of_fields_is_one_that_the_search_reads() -> None:
    table = fields.markdown("getCredits.answer")

    assert table.splitlines()[0].split("|")[1].strip() in ROW_KINDS
    assert "| `answer.available` | integer |  |" in table
    assert "| `answer.data[].retires_at` | RFC 3339 time | sometimes |" in fields.markdown(
        "listModels.answer"
    )
    assert "| `model` | string | required |" in fields.markdown("createMessage.body")


@pytest.mark.parametrize("name", ["nothing.body", "getCredits.body", "block.Nothing", "event.none"])
def test_an_unknown_tree_is_an_error(name: str) -> None:
    with pytest.raises(LookupError):
        trees.tree(name)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": {"supported": False}, "b": [1, 2]}, '{"a": {"supported": false}, "b": [1, 2]}'),
        ({"a": "x" * 80}, '{\n  "a": "' + "x" * 80 + '"\n}'),
        ([{"a": "x" * 80}, {}], '[\n  {\n    "a": "' + "x" * 80 + '"\n  },\n  {}\n]'),
    ],
)
def test_json_is_on_one_line_where_it_fits(value: object, text: str) -> None:
    assert json_text.written(value) == text
    assert json.loads(text) == value
