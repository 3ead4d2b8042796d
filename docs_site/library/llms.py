"""The documentation for programs: a page's Markdown, /llms.txt and /llms-full.txt."""

import re

from django.conf import settings
from django.urls import reverse

from docs_site.examples.snippets import curl
from docs_site.library import contents
from docs_site.rendering import computed_blocks, directives
from docs_site.source.page import Page
from docs_site.tables import models

_LINK_IN_DOCS = re.compile(r"\]\((/[^)#\s]*)(#[^)\s]*)?\)")


def page_markdown(page: Page) -> str:
    """Return a page's complete Markdown, without directives."""
    body = _with_whole_links(directives.markdown(page))
    return f"# {page.title}\n\n{page.description}\n\n{body}"


def index() -> str:
    """Return /llms.txt: base URL, authentication, a first call, and every page by section."""
    sections = (_section(name, pages) for name, pages in contents.tree())
    return "\n\n".join([_introduction(), _models(), *sections, _api()]) + "\n"


def full_text() -> str:
    """Return /llms-full.txt: the introduction and every page, each with its address."""
    pages = (
        f"<!-- {settings.PUBLIC_URL}{page.url} -->\n{page_markdown(page)}"
        for page in contents.pages()
    )
    return "\n\n".join([_introduction(), _models(), *pages])


def _with_whole_links(text: str) -> str:
    """Make links absolute, to the Markdown of pages: a copied text has no address of its own."""
    pages = {page.url: page.markdown_url for page in contents.pages()}

    def whole(match: re.Match[str]) -> str:
        path, anchor = match[1], match[2] or ""
        return f"]({settings.PUBLIC_URL}{pages.get(path, path)}{anchor})"

    return _LINK_IN_DOCS.sub(whole, text)


def _introduction() -> str:
    base_url = settings.PUBLIC_URL
    return (
        "# Caicaini\n\n"
        "> One endpoint for hosted language models, in the shape of the Messages API. Every answer "
        "says what it cost.\n\n"
        f"- Base URL: `{base_url}` (SDKs of the Messages API take it as it is; without an SDK, "
        f"`POST {base_url}/v1/messages`)\n"
        f"- Authentication: `Authorization: Bearer $CAICAINI_API_KEY` or `x-api-key`; keys are "
        f"created at {base_url}{reverse('keys:list')}\n"
        "- Model: `caicaini/auto` takes the cheapest of the models below that can do what the "
        f"request asks for; `GET {base_url}/v1/models` lists all\n"
        "- Cost: `usage.credits_consumed` of every answer; 100,000 credits are one US dollar\n\n"
        f"A first call:\n\n```bash\n{curl()}\n```"
    )


def _models() -> str:
    """List the models, each with what it takes beyond text."""
    return f"## Models\n\n{computed_blocks.text_of('model_lines', '', models.model_lines)}"


def _section(name: str, pages: list[Page]) -> str:
    lines = [
        f"- [{page.title}]({settings.PUBLIC_URL}{page.markdown_url}): {page.description}"
        for page in pages
    ]
    return f"## {name}\n\n" + "\n".join(lines)


def _api() -> str:
    base_url = settings.PUBLIC_URL
    return (
        "## API\n\n"
        f"- [OpenAPI]({base_url}{reverse('docs:openapi_json')}): Every address of /v1, what it "
        "takes and answers, and every error.\n"
        f"- [All pages in one file]({base_url}{reverse('docs:llms_full_txt')}): The whole "
        "documentation as Markdown."
    )
