"""Let all middleware of a request run in one thread, the view's."""

from web.request_ids import GetResponse


def one_thread_middleware(get_response: GetResponse) -> GetResponse:
    """Do nothing, synchronously; to be the innermost of all.

    Under ASGI Django calls middleware that can be asynchronous as such, and Django's own then goes
    into a thread and back, each by itself: half of the time of a short request. Around one that can
    not, all of it is called synchronously, in the thread that the view needs anyway.
    """
    return lambda request: get_response(request)
