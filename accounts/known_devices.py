"""A browser that a person has signed in with before has tries of its own.

Wrong guesses lock an address for some minutes. Without this, somebody who guesses would keep its
owner out for as long as they go on. The cookie opens nothing: it only tells which counter counts.
"""

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import salted_hmac

_COOKIE = "known_device"
_SALT = "accounts.known_devices"
_PATH = "/accounts/"
_KEPT_FOR_S = 365 * 86_400


def remember(response: HttpResponseBase, email: str) -> None:
    """Mark the browser as one that this person has signed in with."""
    response.set_cookie(
        _COOKIE,
        signing.dumps(_digest(email), salt=_SALT),
        max_age=_KEPT_FOR_S,
        path=_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def is_known(request: HttpRequest, email: str) -> bool:
    """Whether this person has signed in with this browser before."""
    try:
        known = signing.loads(request.COOKIES.get(_COOKIE, ""), salt=_SALT, max_age=_KEPT_FOR_S)
    except signing.BadSignature:
        return False
    return bool(known == _digest(email))


def _digest(email: str) -> str:
    return salted_hmac(_SALT, email.lower(), algorithm="sha256").hexdigest()
