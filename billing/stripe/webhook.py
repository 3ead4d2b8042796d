"""`POST /webhooks/stripe`: check that a delivery is Stripe's, store it in the inbox, answer 200.

Nothing else happens here, and nothing here needs Redis or Stripe: it answers within 150 ms.
"""

import logging
import time

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.access import public
from billing.errors import BadWebhook
from billing.stripe import inbox, webhook_dispatch
from billing.stripe.signatures import verify

logger = logging.getLogger(__name__)

LARGEST_BYTES = 512 * 1024


@public
@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Receive one delivery: 200 when it is stored, now or before; 400 when it is not for us."""
    body = request.read(LARGEST_BYTES + 1)
    if len(body) > LARGEST_BYTES:
        return HttpResponse("too large", status=413, content_type="text/plain")
    header = request.headers.get("Stripe-Signature", "")
    try:
        verify(body, header, secrets=settings.STRIPE_WEBHOOK_SECRETS, now=time.time())
        event_id = inbox.receive(body, is_live=settings.STRIPE_LIVEMODE)
    except BadWebhook as error:
        logger.warning("a webhook delivery was refused: %s", error)
        return HttpResponse(f"refused: {error}", status=400, content_type="text/plain")
    if event_id:
        webhook_dispatch.dispatch(event_id)
    return HttpResponse("taken", content_type="text/plain")
