"""Terms, privacy and support as Markdown: the operator's text, or what is not set.

Without a text of the operator's, a page says so. It never invents one: terms bind a company that
this software does not know. What the software itself stores is a fact, so the privacy page has it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from web.operator import Operator, operator

_STORED = """\
## What the software stores

The same in every installation:

- **Accounts**: the e-mail address, a hash of the password, and, for a sign-in with Google or \
GitHub, the account's id there. Sessions are deleted after they expire. A keyed hash of an address \
that got welcome credits stays when the account is deleted.
- **Keys**: the SHA-256 of each API key and a hint of seven characters, never the key.
- **Calls**: for each call, refused ones too, the time, key, model, token counts, cost, durations \
and how it ended, a refusal with its reason; and the labels that you send with it: tags, session \
and `metadata.user_id`. **No prompt and no answer is stored.** If a model's server refuses a call, \
the operator's log has what it said, but only words that are usual in error messages, and none \
that stand in a row in the call.
- **Money**: every movement of credits. Payments are made at Stripe: card numbers never reach this \
server.
- **Prompts and answers** pass through to the server of the model that answers, which may belong \
to another company. `metadata.user_id` is passed on with them.
- **Network addresses**: counted for minutes up to a day, to limit attempts to sign in, runs of \
the public demo and welcome credits.
- **Cookies**: `sessionid` keeps you signed in, `csrftoken` protects forms, `messages` carries a \
notice to the next page. The browser itself remembers the theme, the language of the examples, and \
drafts and runs of the console. Nothing is loaded from other sites.

Movements of credits and sums of usage are kept without a time limit, records of calls %s.
"""
_FOR_GOOD_DAYS = 36_500  # the setting's default: a hundred years
_WHAT_TO_SEND = """\
## What to send along

- **The request id**, such as `req_0193511f8a2c7d10b6a4f0c2e9d85b31`. Every answer has it in the \
header `request-id`, every error in its body, every error page at its end, and \
[Usage](/developers/usage) in its list of calls.
- What you sent, what came back and what you expected, with the time and the time zone.
- The client and its version.

**Never send an API key**; its hint (`cai_api_Ab3…x9Zk`) is enough. If a key has reached somebody \
by mistake, [revoke it](/developers/keys).

## Before you write

- [Errors and retries](/docs/errors-and-retries): what each error means, and which to retry.
- [Credits and billing](/docs/credits-and-billing): what a call costs, and how it adds up.
"""


class OperatorPage(NamedTuple):
    """A page: its address, title and Markdown; the search finds it by its description too."""

    url: str
    title: str
    body: str
    description: str
    section: str = "About"


_TERMS = OperatorPage(
    "/terms", "Terms of use", "", "The terms of use: what you agree to with the operator."
)
_PRIVACY = OperatorPage(
    "/privacy", "Privacy", "", "The privacy notice: what data is stored, and for how long."
)
_SUPPORT = OperatorPage(
    "/support", "Support", "", "Help from the operator: where to ask, and what to send along."
)


def all_pages() -> Iterator[OperatorPage]:
    """Yield the pages."""
    yield terms()
    yield privacy()
    yield support()


def terms() -> OperatorPage:
    """Return the terms of use."""
    return _of_file(settings.TERMS_FILE, _TERMS) or _TERMS._replace(
        body=f"{_runs(operator())}\n\n**No terms of use are published here**: the operator has "
        "not set `TERMS_FILE`. Ask before you rely on this service; [Support](/support) says "
        "where.\n",
    )


def privacy() -> OperatorPage:
    """Return the privacy notice."""
    return _of_file(settings.PRIVACY_FILE, _PRIVACY) or _PRIVACY._replace(
        body=f"{_runs(operator())}\n\n**No privacy notice is published here**: the operator has "
        "not set `PRIVACY_FILE`. What follows is no such notice; it says what the software "
        "itself does. "
        f"Questions go to [Support](/support).\n\n{_STORED % _kept()}",
    )


def _kept() -> str:
    days = settings.RECORDS_KEPT_DAYS
    return "as well" if days >= _FOR_GOOD_DAYS else f"for {days} days, and then to the month's end"


def support() -> OperatorPage:
    """Return where to get help, and what to send along."""
    whose = operator()
    return _SUPPORT._replace(body=f"{_runs(whose)}\n\n{_contacts(whose)}\n{_WHAT_TO_SEND}")


def _of_file(path: Path | None, page: OperatorPage) -> OperatorPage | None:
    """Return the page with the operator's text and its first heading. None without a file."""
    if path is None:
        return None
    text = path.read_text(encoding="utf-8").strip()
    first, _, rest = text.partition("\n")
    if first[:2] == "# ":
        return page._replace(title=first[2:].strip(), body=rest)
    return page._replace(body=text)


def _runs(whose: Operator) -> str:
    if whose.name:
        return f"This service is operated by {whose.name}."
    return "The operator of this installation has not set a name (`OPERATOR_NAME`)."


def _contacts(whose: Operator) -> str:
    lines = []
    if whose.support_email:
        lines.append(f"- Write to [{whose.support_email}](mailto:{whose.support_email}).")
    if whose.support_url:
        lines.append(f"- Or go to <{whose.support_url}>.")
    if whose.status_url:
        lines.append(f"- Outages and maintenance: <{whose.status_url}>.")
    if not (whose.support_email or whose.support_url):
        lines.append(
            "\n**No support address is set.** The operator can set `SUPPORT_EMAIL` or "
            "`SUPPORT_URL`; until then there is none to give."
        )
    return "\n".join(lines) + "\n"
