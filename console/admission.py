"""Admits calls from pages: session, CSRF token and role, before any byte of the body is read.

Django's own code decides, in a thread: the endpoints are no Django views, because Django would read
the whole body first and could not notice a disconnect.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import Error, close_old_connections
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from starlette.types import Receive, Scope

from accounts.access import KEY_ROLES, current_membership
from accounts.models import Membership
from console.errors import OtherWorkspace, SignedOut, UntrustedOrigin
from console.request_head import request_of
from gateway.errors import GatewayError, LedgerUnavailable, PermissionDenied
from gateway.http import request_body
from web.database_outage import is_outage

# A page may name the member that it was opened by. In another tab somebody else may have signed in
# since, or another workspace been chosen, and that one is not to pay for what this page shows.
PAGE_OF = "caicaini-page-of"
# As many as can wait for PostgreSQL at once; the pool of connections is larger.
_threads = ThreadPoolExecutor(8, thread_name_prefix="console-admission")


class Member(NamedTuple):
    """A signed-in person, and the workspace that they work in."""

    user_id: int
    workspace_id: int

    @property
    def name(self) -> str:
        """What pages name themselves by, in PAGE_OF and in the browser's store."""
        return f"{self.user_id}.{self.workspace_id}"


async def admitted(scope: Scope, receive: Receive) -> Member:
    """Return who sent a request. A refused request's body is received and discarded, as at the API.

    Raises SignedOut, UntrustedOrigin, PermissionDenied, OtherWorkspace, LedgerUnavailable.
    """
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, _member, scope)
    except GatewayError:
        await request_body.discard(receive, limit_bytes=settings.MAX_BODY_BYTES)
        raise


def _member(scope: Scope) -> Member:
    try:
        return _checked(request_of(scope))
    except Error as error:
        if is_outage(error):
            raise LedgerUnavailable from None
        raise
    finally:
        close_old_connections()


def _checked(request: HttpRequest) -> Member:
    for middleware in (_SESSION, _AUTHENTICATION):
        middleware.process_request(request)
    if not request.user.is_authenticated:
        raise SignedOut
    _CSRF.process_request(request)
    if _CSRF.process_view(request, _unused, (), {}) is not None:
        raise UntrustedOrigin
    membership = current_membership(request)
    if membership is None or membership.role not in KEY_ROLES:
        raise PermissionDenied("Your role in this workspace does not make calls.")
    found = member_of(membership)
    if request.headers.get(PAGE_OF, found.name) != found.name:
        raise OtherWorkspace
    return found


def member_of(membership: Membership) -> Member:
    """Return the member that a membership is of."""
    return Member(user_id=membership.user_id, workspace_id=membership.workspace_id)


def _unused(_request: HttpRequest) -> HttpResponse:
    """Stand where Django's middleware expects a view; it is never called."""
    raise AssertionError


class _Csrf(CsrfViewMiddleware):
    """Django's check of the token, and of `Origin` or `Referer`, without an error page."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        return HttpResponse(status=403)


_SESSION = SessionMiddleware(_unused)
_AUTHENTICATION = AuthenticationMiddleware(_unused)
_CSRF = _Csrf(_unused)
