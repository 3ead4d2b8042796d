"""A request to an upstream as aiohttp sends it, less what our calls do not need.

The only module that leans on internals of aiohttp; ADR 10 has gain and cost. A new version of
aiohttp must pass `tests/gateway/upstreams/test_client_request.py`, which compares each byte sent.
"""

from collections.abc import Iterable

import aiohttp
from aiohttp.connector import Connection
from aiohttp.http import StreamWriter

# Up to this size aiohttp, too, does not wait until head and body are sent.
SMALL_BODY_BYTES = 32 * 1024


class ClientRequest(aiohttp.ClientRequest):
    """Sends none of aiohttp's own headers, and a small body in one piece with the head.

    Naming the headers in `skip_auto_headers` would make aiohttp copy and sort them for every
    request. Before Python 3.12 aiohttp starts a task for every body, however small.
    """

    _small_body: bytes | None = None

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:
        """Ask for any type; no compression, as a small answer could become a large one."""
        self.headers["Accept"] = "*/*"

    def update_body_from_data(self, body: bytes, _stacklevel: int = 3) -> None:
        """Keep a small body for `send`; leave a large one to aiohttp."""
        if len(body) > SMALL_BODY_BYTES:
            super().update_body_from_data(body, _stacklevel)
        else:
            self.headers["Content-Length"] = str(len(body))
            self._small_body = body

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Send the request on an open connection; return its response, whose head is to come."""
        protocol = conn.protocol
        assert protocol is not None, "a request is sent on an open connection"
        if self._small_body is None:
            return await super().send(conn)
        writer = StreamWriter(protocol, self.loop)
        await writer.write_headers(f"POST {self.url.raw_path_qs} HTTP/1.1", self.headers)
        await writer.write(self._small_body)
        return self.response_class(
            self.method,
            self.original_url,
            writer=None,
            continue100=None,
            timer=self._timer,
            request_info=self.request_info,
            traces=[],
            loop=self.loop,
            session=self._session,
            stream_writer=writer,
        )
