"""Monthly statements: their list, and one made for printing."""

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import ALL_ROLES, MemberRequest, member
from billing.ledger import wallets
from billing.pages import monthly
from billing.pages.monthly import Month
from web.http import render_page


@member(*ALL_ROLES)
@require_safe
def statements(request: MemberRequest) -> HttpResponse:
    """List the months that have a statement."""
    wallet = wallets.wallet_of(request.membership.workspace)
    months = monthly.months_with_balances(wallet, now=timezone.now())
    return render_page(request, "billing/statements.html", {"months": months})


@member(*ALL_ROLES)
@require_safe
def statement(request: MemberRequest, year: int, month: int) -> HttpResponse:
    """Show the statement of a month of UTC."""
    now = timezone.now()
    wallet = wallets.wallet_of(request.membership.workspace)
    asked = Month(year, month)
    if asked not in monthly.months(wallet, now=now):
        raise Http404("There is no statement of this month.")
    context = {
        "statement": monthly.statement_of(wallet, asked, now=now),
        "workspace": request.membership.workspace,
        "now": now,
    }
    return render_page(request, "billing/statement.html", context)
