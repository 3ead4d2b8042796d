"""Compresses pages for browsers, and leaves streams as they are."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class Compression(GZipMiddleware):
    """Django's, but for streams.

    Of an asynchronous stream it would make a gzip file of each piece. Browsers read the first of
    them and drop the others without an error: a download would end after its first piece.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Compress the response unless it is streamed."""
        if response.streaming:
            return response
        compressed: HttpResponseBase = super().process_response(request, response)
        return compressed
