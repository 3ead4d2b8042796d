"""Access policies: each view declares with a decorator from here who may open it.

    @public                      anybody
    @signed_in                   anybody with an account
    @member(*roles)              members of the current workspace with one of these roles
    @operator                    staff

The decorator stores the policy on the view as `access_policy`; a test walks every route and fails
for one without it.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.cache import add_never_cache_headers

from accounts.models import Membership, Role, User
from web.http import PageRequest

P = ParamSpec("P")
ALL_ROLES = tuple(Role)
KEY_ROLES = (Role.OWNER, Role.ADMIN, Role.DEVELOPER)
MONEY_ROLES = (Role.OWNER, Role.ADMIN, Role.BILLING)
_SESSION_KEY = "workspace_id"


class MemberRequest(PageRequest):
    """A request of a signed-in member, with their membership of the current workspace."""

    user: User
    membership: Membership


AnyView = Callable[..., HttpResponseBase]
MemberView = Callable[Concatenate[MemberRequest, P], HttpResponseBase]


def public(view: AnyView) -> AnyView:
    """Anybody may open this."""
    return _declared(view, "public")


def signed_in(view: AnyView) -> AnyView:
    """Anybody who has signed in may open this."""
    return _declared(_requires_sign_in(view), "signed in")


def member(*roles: Role) -> Callable[[MemberView[P]], AnyView]:
    """Members of the current workspace with one of `roles` may open this; others get a 403."""

    def decorate(view: MemberView[P]) -> AnyView:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            membership = current_membership(request)
            if membership is None:
                raise Http404("You have no workspace.")
            if membership.role not in roles:
                raise PermissionDenied("Your role in this workspace does not open this page.")
            member_request = cast(MemberRequest, request)
            member_request.membership = membership
            return view(member_request, *args, **kwargs)

        return _declared(_requires_sign_in(guarded), f"member: {', '.join(roles)}")

    return decorate


def operator(view: AnyView) -> AnyView:
    """Staff may open this; for anybody else the page does not exist."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not _is_operator(request):
            raise Http404
        return view(request, *args, **kwargs)

    return _declared(guarded, "operator")


def hidden_from_non_operators(view: AnyView) -> AnyView:
    """Return a 404 to a signed-in person who is not an operator, as the operator pages do."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not _is_operator(request):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def _is_operator(request: HttpRequest) -> bool:
    user = request.user
    return user.is_authenticated and user.is_active and user.is_staff


def current_membership(request: HttpRequest) -> Membership | None:
    """Return the membership of the current workspace: the one chosen, else the person's first."""
    if not request.user.is_authenticated:
        return None
    memberships = Membership.objects.filter(user=request.user).select_related("workspace")
    chosen = request.session.get(_SESSION_KEY)
    if chosen is not None:
        membership = memberships.filter(workspace_id=chosen).first()
        if membership is not None:
            return membership
    return memberships.order_by("id").first()


def _requires_sign_in(view: AnyView) -> AnyView:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            response = view(request, *args, **kwargs)
            if "Cache-Control" not in response:
                add_never_cache_headers(response)
            return response
        if getattr(request, "htmx", None):
            # js/failures.js says so and offers to sign in. Leading away would lose what the page
            # shows, such as a key that is shown once.
            return HttpResponse(status=401)
        return redirect_to_login(request.get_full_path(), _login_url(request))

    return guarded


def _login_url(request: HttpRequest) -> str:
    """Return the sign-in page, which tells a browser with an old session that it has ended."""
    had_session = settings.SESSION_COOKIE_NAME in request.COOKIES
    return f"{reverse(settings.LOGIN_URL)}{'?ended=1' if had_session else ''}"


def _declared(view: AnyView, policy: str) -> AnyView:
    view.access_policy = policy  # type: ignore[attr-defined]
    return view
