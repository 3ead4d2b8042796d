"""Every route of the portal; /v1 is the gateway's (see asgi.py)."""

from functools import wraps

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path, reverse
from django.views.decorators.http import require_safe

from accounts.access import hidden_from_non_operators, public
from caicaini_portal import development_mail, health
from keys import urls as keys_urls
from keys.views import Calls
from usage.key_calls import has_answer, refusal_of
from usage.summary import credits_by_key_this_month


@wraps(admin.site.login)
@hidden_from_non_operators
def operator_login(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    """Send operators to the page where everybody signs in: it counts tries, and there is no other
    form that takes a password."""
    wanted = request.GET.get("next") or reverse("admin:index")
    if request.user.is_authenticated:
        return redirect("admin:index")
    return redirect_to_login(wanted, reverse(settings.LOGIN_URL))


admin.site.login = operator_login  # type: ignore[assignment,method-assign]
admin.site.site_header = admin.site.site_title = "Caicaini operators"
admin.site.index_title = "Operator pages"

handler400 = "web.error_pages.bad_request"
handler403 = "web.error_pages.permission_denied"
handler404 = "web.error_pages.not_found"
handler429 = "web.error_pages.too_many_requests"
handler500 = "web.error_pages.server_error"


@public
@require_safe
def robots_txt(request: HttpRequest) -> HttpResponse:
    """Keep crawlers off everything but the public pages."""
    closed = ("accounts", "admin", "developers", "operator", "v1")
    lines = ["User-agent: *", *(f"Disallow: /{prefix}/" for prefix in closed)]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@public
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Redirect browsers to the icon on pages without a link to it: operator pages, plain text."""
    return redirect(static("img/icon.svg"))


_CALLS_OF_KEYS = Calls(
    spent_by_key=credits_by_key_this_month, has_answer=has_answer, refusal_of=refusal_of
)

urlpatterns = [
    path("", include("docs_site.urls")),
    path("", include("console.urls")),
    path("", include("onboarding.urls")),
    path("", include("usage.urls")),
    path(
        "",
        include((keys_urls.urlpatterns_with(_CALLS_OF_KEYS), keys_urls.app_name)),
    ),
    path("", include("billing.urls")),
    path("", include("billing.urls_operator")),
    path("", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("robots.txt", robots_txt, name="robots_txt"),
    path("favicon.ico", favicon, name="favicon"),
    path("development/mail", development_mail.mailbox, name="development_mail"),
    path("development/mail/<str:name>", development_mail.one_mail, name="development_mail_one"),
]
