"""Pages of accounts and operators are kept by no browser and no proxy."""

from django.http import HttpRequest, HttpResponse

from web.request_ids import GetResponse

_PRIVATE = ("/accounts/", "/admin/", "/developers", "/operator", "/sign-up/")


def no_store_middleware(get_response: GetResponse) -> GetResponse:
    """Set `Cache-Control: no-store`, also on redirects and errors."""

    def answered(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        is_private = request.path.startswith(_PRIVATE)
        if is_private and "no-store" not in response.get("Cache-Control", ""):
            response["Cache-Control"] = "no-store"
        return response

    return answered
