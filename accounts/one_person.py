"""Which mail addresses are taken for one person's, and a digest that only we can compute.

Many providers deliver `Ada.Lovelace+news@gmail.com` and `"adalovelace"@googlemail.com` to the same
person. Only what a person can get once asks here; signing in and mails use the address as it is.
"""

import contextlib
import re
import unicodedata

from django.utils.crypto import salted_hmac

# Other names of a provider's domain.
_SAME_DOMAIN = {"googlemail.com": "gmail.com"}
_ESCAPED = re.compile(r"\\(.)")


def same_person(email: str) -> str:
    """Return one form for all addresses that probably reach the same person.

    Tags after a plus, dots and quotes are left out whatever the domain: which providers ignore them
    is not known, and two people whose addresses differ in a dot only are rare.
    """
    local, _, domain = unicodedata.normalize("NFKC", email).strip().lower().rpartition("@")
    if len(local) >= 2 and local[0] == local[-1] == '"':
        local = _ESCAPED.sub(r"\1", local[1:-1])
    plain = local.partition("+")[0].replace(".", "").strip()
    return f"{plain or local}@{_domain(domain)}"


def person_digest(email: str, *, key: str) -> bytes:
    """Return what is kept of a person: without `key` nobody can test which address it is of."""
    return keyed_digest(same_person(email), key=key)


def keyed_digest(text: str, *, key: str) -> bytes:
    """Return 32 bytes."""
    return salted_hmac("accounts.one_person", text, secret=key, algorithm="sha256").digest()


def _domain(domain: str) -> str:
    """Return the domain in ASCII without a dot at its end."""
    domain = domain.rstrip(".")
    with contextlib.suppress(UnicodeError):  # no name that IDNA can write is compared as it is
        domain = domain.encode("idna").decode("ascii")
    return _SAME_DOMAIN.get(domain, domain)
