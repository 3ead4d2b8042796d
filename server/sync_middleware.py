"""Makes all middleware of a request run in the view's thread."""

from web.request_ids import GetResponse


def sync_middleware(get_response: GetResponse) -> GetResponse:
    """Do nothing, synchronously; must be the innermost middleware.

    Under ASGI, Django calls middleware asynchronously if it can, and each of Django's own then
    switches to a thread and back: half of a short request's time. Around an innermost one that is
    only synchronous, Django calls all of it in one thread, which the view needs anyway.
    """
    return lambda request: get_response(request)
