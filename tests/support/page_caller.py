"""Calls from pages: a member's session and CSRF token in the place of a key."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client

from accounts.models import User
from tests.support.callers import Answer, Call, Caller, request_body

RUN = "/developers/console/run"
# Any secret will do, as long as cookie and header agree.
_CSRF_TOKEN = "c" * 32


@dataclass(frozen=True)
class PageCaller:
    """A person at a page of ours; `session` is None for somebody who is signed out."""

    url: str
    session: str | None

    @property
    def origin(self) -> str:
        """The origin of the page."""
        return f"http://{urlsplit(self.url).netloc}"

    def headers(self) -> dict[str, str]:
        """Return what a browser and our script send with a call."""
        cookies = {settings.CSRF_COOKIE_NAME: _CSRF_TOKEN}
        if self.session is not None:
            cookies[settings.SESSION_COOKIE_NAME] = self.session
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return {"cookie": cookie, "origin": self.origin, "x-csrftoken": _CSRF_TOKEN}

    def send(
        self,
        body: bytes | None,
        *,
        path: str = RUN,
        method: str = "POST",
        without: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Call:
        """Send a body; `headers` replace the usual ones, `without` leaves some out."""
        named = self.headers() | dict(headers or {})
        kept = {name: value for name, value in named.items() if name not in without}
        return Caller(self.url, None).call(method, path, body, kept)

    def begin(self, prompt: str, **fields: Any) -> Call:
        """Send a prompt; do not wait for the answer."""
        return self.send(request_body(prompt, **fields))

    def ask(self, prompt: str, **fields: Any) -> Answer:
        """Send a prompt and return the answer."""
        return self.begin(prompt, **fields).answer()

    def post(self, path: str, request: dict[str, Any]) -> Answer:
        """Send a JSON object."""
        return self.send(json.dumps(request).encode(), path=path).answer()

    def get(self, path: str) -> Answer:
        """Ask for a page or an object."""
        return self.send(None, path=path, method="GET").answer()


def at_a_page(user: User, *, url: str) -> PageCaller:
    """Sign a person in; the session is in the database that this process uses."""
    browser = Client()
    browser.force_login(user)
    return PageCaller(url, browser.cookies[settings.SESSION_COOKIE_NAME].value)
