"""The list of documentation pages, and their Markdown with this installation's values."""

from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from docs_site import sample_answer
from docs_site.snippets import first_call, streaming_call
from web.code_blocks import CodeSample

_FOLDER = Path(__file__).resolve().parent / "pages"


class Page(NamedTuple):
    """A page; `slug` is its address under /docs and the name of its file."""

    slug: str
    title: str
    description: str

    @property
    def url(self) -> str:
        """The page's address."""
        return f"/docs/{self.slug}"

    def source(self) -> str:
        """Return its complete Markdown, as /docs/<slug>.md serves it and the page renders it."""
        text = (_FOLDER / f"{self.slug}.md").read_text(encoding="utf-8")
        for name, value in _values().items():
            text = text.replace(f"{{{{{name}}}}}", value)
        return text


PAGES = (
    Page("quickstart", "Quickstart", "Sign up, create a key, make the first call, stream it."),
)


def _values() -> dict[str, str]:
    base_url = settings.PUBLIC_URL
    return {
        "public_url": base_url,
        "welcome_credits": f"{settings.WELCOME_CREDITS:,}",
        "answer": sample_answer.ANSWER,
        "first_call": _fences(first_call(base_url=base_url)),
        "streaming_call": _fences(streaming_call(base_url=base_url)),
    }


def _fences(several: tuple[CodeSample, ...]) -> str:
    return "\n\n".join(f"```{sample.language}\n{sample.text}\n```" for sample in several)
