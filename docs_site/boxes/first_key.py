"""`{{ first_key <page> }}`: the way to a first key; what is left of it for a signed-in reader."""

from django.conf import settings
from django.template.loader import render_to_string

from docs_site.boxes.reader import KEY_HINT, Reader
from docs_site.source.markdown import MARKDOWN
from docs_site.tables import money

ABOUT_KEYS = (
    "A key begins with `cai_api_`. Its full text is shown once, so copy it before you close the "
    "page."
)


def markdown(_: str) -> str:
    """Return the whole way, from no account on."""
    portal = settings.PUBLIC_URL
    return (
        f"[Create an account]({portal}/accounts/signup/) with your email address and open the "
        f"link that arrives. {money.first_credits()}\n\n"
        f"Then open [Keys]({portal}/developers/keys) and choose *Create key*. {ABOUT_KEYS}"
    )


def html(page: str, reader: Reader, id: str) -> str:
    """Return what is done, and what is next; signed out, the whole way."""
    if not reader.is_signed_in:
        return str(MARKDOWN.render(markdown(page)))
    context = {
        "id": id,
        "has_key": reader.has_key,
        "key_hint": KEY_HINT,
        "about_keys": MARKDOWN.renderInline(ABOUT_KEYS),
    }
    return render_to_string("docs/first_key.html", context)
