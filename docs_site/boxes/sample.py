"""`{{ sample <name> }}`: a call in every language, with tabs, key hint, Copy and Run this."""

import msgspec
from django.template.loader import render_to_string

from docs_site.boxes import abilities
from docs_site.boxes.reader import KEY_HINT, Reader
from docs_site.examples import samples
from web.templatetags import code as blocks

_FENCES = {"curl": "bash"}  # readers of Markdown know languages, not programs


def markdown(name: str) -> str:
    """Return a fence for each language."""
    codes = samples.load(name).codes
    return "\n\n".join(
        f"```{_FENCES.get(code.language, code.language)}\n{code.text}\n```" for code in codes
    )


def html(name: str, reader: Reader, id: str) -> str:
    """Return the box; with a request, Run this is in its head, if a model on offer can run it."""
    sample = samples.load(name)
    title = f"Example: {name.replace('-', ' ')}"
    context = blocks.samples(sample.codes, id=id, title=title) | {
        "key_hint": KEY_HINT,
        "reader": reader,
        "sample_name": name,
        "request_id": f"{id}-request",
        "request": sample.request and msgspec.json.decode(sample.request),
        "beyond": sample.request and abilities.beyond(reader.abilities, sample.request),
    }
    return render_to_string("components/samples.html", context)
