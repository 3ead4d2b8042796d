"""`{{ own errors }}`, `{{ own models }}`: for a signed-in reader, what their own calls show.

The page is cached for all readers, so the box holds nothing of them: it asks for it.
"""

from django.template.loader import render_to_string
from django.urls import reverse

from docs_site.boxes.reader import Reader

# What of the reader's: its address, its name, and where one reads it after signing in.
_KINDS = {
    "errors": ("docs:own_errors", "When each error last happened to you", "reference/errors"),
    "models": ("docs:own_models", "What you spent on each model", "models-and-prices"),
}


def markdown(kind: str) -> str:
    """Return what stands in the box's place where nobody is signed in."""
    _, name, _ = _KINDS[kind]
    return f"*Signed in, this page shows here: {name[0].lower()}{name[1:]}.*"


def html(kind: str, reader: Reader, id: str) -> str:
    """Return the empty box, or the way to sign in."""
    view, name, slug = _KINDS[kind]
    context = {"reader": reader, "id": id, "url": reverse(view), "name": name, "slug": slug}
    return render_to_string("docs/own_box.html", context)
