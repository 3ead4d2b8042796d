"""GET /openapi.json: the description of /v1 for programs."""

from functools import lru_cache
from hashlib import sha256

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import condition, require_safe

from accounts.access import public
from gateway.openapi.document import document


@lru_cache(maxsize=1)
def _text(server_url: str) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document(server_url=server_url)))


def _etag(request: HttpRequest) -> str:
    return f'"{sha256(_text(settings.PUBLIC_URL)).hexdigest()[:32]}"'


@public
@require_safe
@gzip_page
@cache_control(public=True, max_age=300)
@condition(etag_func=_etag)
def openapi_json(request: HttpRequest) -> HttpResponse:
    """Serve the document; scripts of any site may read it, as API explorers do."""
    return HttpResponse(
        _text(settings.PUBLIC_URL),
        content_type="application/json",
        headers={"Access-Control-Allow-Origin": "*"},
    )
