"""HTTP/1.1 on the server side: reads requests with httptools, lets the kind answer."""

import httptools

from patchstand.lab.answers import Request, Response
from patchstand.lab.connection import Connection, Reached
from patchstand.lab.pages import page

_LARGEST_BODY = 1 << 20
_BAD_REQUEST = Response(
    400,
    "Bad Request",
    (("Content-Type", "text/html; charset=us-ascii"), ("Server", "Microsoft-HTTPAPI/2.0")),
    page("Bad Request", "<h2>Bad Request - Invalid Verb</h2><hr><p>HTTP Error 400.</p>"),
)


class WebConnection(Connection):
    """One connection of a browser or probe; keeps alive as HTTP/1.1 says."""

    def __init__(self, reached: Reached) -> None:
        super().__init__(reached)
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._body_size = 0

    def data_received(self, data: bytes) -> None:
        """Feed the parser; what is no HTTP gets a 400."""
        if self._parser is None:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.write(_BAD_REQUEST.encode(close=True))
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Break the cycle between parser and protocol, which would keep both in memory."""
        self._parser = None
        super().connection_lost(exc)

    # Called by the parser.

    def on_message_begin(self) -> None:
        """A request starts."""
        self._url, self._headers, self._body_size = b"", {}, 0

    def on_url(self, url: bytes) -> None:
        """A part of the request target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; the last of a name counts."""
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        """Bodies are not read, only limited."""
        self._body_size += len(body)
        if self._body_size > _LARGEST_BODY:
            self.close()

    def on_message_complete(self) -> None:
        """Answer the request."""
        parser = self._parser
        if parser is None or self.transport is None:
            return
        request = self._request(parser.get_method().decode("latin-1"))
        agent = self._headers.get(b"user-agent", b"").decode("latin-1")
        self.reached.asked(f"{request.method} {self._url.decode('latin-1')}", agent)
        keep = parser.should_keep_alive()
        self.write(self._answer(request).encode(with_body=request.method != "HEAD", close=not keep))
        if not keep:
            self.close()

    def _request(self, method: str) -> Request:
        path, _, query = self._url.decode("latin-1").partition("?")
        host = self._headers.get(b"host")
        return Request(
            method=method,
            path=path.lower(),
            query=query,
            host=None if host is None else host.decode("latin-1"),
            address=self.reached.server.address,
        )

    def _answer(self, request: Request) -> Response:
        server = self.reached.server
        assert server.kind.web is not None, "a kind without a web side listens on no web port"
        return server.kind.web(server, self.reached.node, request)
