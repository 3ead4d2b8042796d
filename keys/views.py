"""Pages that list, create and revoke keys."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts.access import ALL_ROLES, KEY_ROLES, MemberRequest, member
from keys import services
from keys.errors import KeyAlreadyMinted, TooManyKeys
from keys.forms import CreateKeyForm
from keys.key_rows import key_rows
from keys.models import ApiKey
from web.http import is_poll_current, render_page

_TOO_MANY = "This workspace has as many keys as it may have. Revoke one that is not used any more."


class Calls(NamedTuple):
    """What usage, an app above this one, knows of keys; the URLconf passes it in.

    `spent_by_key` maps a workspace's keys to the credits they have spent this month.
    """

    spent_by_key: Callable[[int], Mapping[int | None, int]]
    has_answer: Callable[[ApiKey], bool]
    refusal_of: Callable[[ApiKey], Any]


@member(*ALL_ROLES)
@require_safe
def key_list(request: MemberRequest, *, calls: Calls) -> HttpResponse:
    """List the workspace's keys."""
    rows = key_rows(
        ApiKey.objects.filter(workspace=request.membership.workspace).select_related("created_by"),
        spent=calls.spent_by_key(request.membership.workspace_id),
        now=timezone.now(),
    )
    context = {
        "active_keys": [row for row in rows if row.is_active],
        "past_keys": [row for row in rows if not row.is_active],
        "may_change": request.membership.role in KEY_ROLES,
    }
    return render_page(request, "keys/list.html", context)


@member(*KEY_ROLES)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: MemberRequest) -> HttpResponse:
    """Ask for name and limits; the response to the POST is the only page that shows the token."""
    if request.method != "POST":
        return render_page(request, "keys/create.html", {"form": CreateKeyForm()})
    form = CreateKeyForm(request.POST)
    if not form.is_valid():
        return render_page(request, "keys/create.html", {"form": form}, status=422)
    return _minted(request, form)


@sensitive_variables("minted", "context")
def _minted(request: MemberRequest, form: CreateKeyForm) -> HttpResponse:
    try:
        minted = services.mint(
            workspace=request.membership.workspace,
            name=form.cleaned_data["name"],
            created_by=request.user,
            expires_at=form.expires_at(),
            allowed_models=tuple(form.cleaned_data["allowed_models"]),
            form_id=form.cleaned_data["form_id"],
        )
    except KeyAlreadyMinted as error:
        messages.info(
            request,
            f"“{error.key.name}” was created before and its key was shown once. "
            "If you did not store it, revoke it and create another.",
        )
        return redirect("keys:list")
    except TooManyKeys:
        form.add_error(None, _TOO_MANY)
        return render_page(request, "keys/create.html", {"form": form}, status=422)
    context = {"key": minted.key, "token": minted.token, "version": ""}
    return render_page(request, "keys/created.html", context)


@member(*ALL_ROLES)
@require_safe
def key(request: MemberRequest, key_id: int, *, calls: Calls) -> HttpResponse:
    """Show a key: all but its token, which is stored nowhere."""
    found = get_object_or_404(
        ApiKey.objects.select_related("created_by"),
        workspace=request.membership.workspace,
        pk=key_id,
    )
    [row] = key_rows(
        [found], spent=calls.spent_by_key(request.membership.workspace_id), now=timezone.now()
    )
    context = {
        "row": row,
        "key": found,
        "refusal": calls.refusal_of(found),
        "may_change": request.membership.role in KEY_ROLES,
    }
    return render_page(request, "keys/key.html", context)


@member(*ALL_ROLES)
@require_safe
def first_call(request: MemberRequest, key_id: int, *, calls: Calls) -> HttpResponse:
    """Answer the polls of a new key's page: a 204 until its first call was answered or refused."""
    found = get_object_or_404(ApiKey, workspace=request.membership.workspace, pk=key_id)
    context = {"key": found, **_first_call(found, calls)}
    if is_poll_current(request, context["version"]):
        return HttpResponse(status=204)
    return render(request, "keys/created.html#first_call", context)


def _first_call(key: ApiKey, calls: Calls) -> dict[str, Any]:
    if calls.has_answer(key):
        return {"is_answered": True, "version": "answered"}
    refusal = calls.refusal_of(key)
    return {"refusal": refusal, "version": refusal.request_id if refusal else ""}


@member(*KEY_ROLES)
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: MemberRequest, key_id: int) -> HttpResponse:
    """Ask for confirmation, naming the key; then revoke it for good."""
    key = get_object_or_404(ApiKey, workspace=request.membership.workspace, pk=key_id)
    if request.method != "POST":
        return render_page(request, "keys/revoke.html", {"key": key}, fragment="confirmation")
    services.revoke(key=key)
    messages.success(request, f"“{key.name}” is revoked: calls with it get a 401.")
    if request.htmx:  # the dialog: lead its page on, instead of swapping a page into it
        return HttpResponseClientRedirect(reverse("keys:list"))
    return redirect("keys:list")
