"""The server of the measurement, in a process of its own: two answers of Exchange in TLS."""

import asyncio
import ssl
import sys

from patchstand.observe.look import run

REDIRECT = (
    b"HTTP/1.1 302 Found\r\nCache-Control: private\r\nContent-Length: 0\r\n"
    b"Location: https://mail/owa/auth/logon.aspx?url=x&reason=0\r\nServer: Microsoft-IIS/10.0\r\n"
    b"request-id: 4a5e1ed0-6bd7-4f4c-a9d5-2a0d1e6f0c11\r\nX-OWA-Version: 15.2.1544.11\r\n"
    b"X-FEServer: EX01\r\nX-Powered-By: ASP.NET\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\n\r\n"
)
PAGE = REDIRECT.replace(b"302 Found", b"200 OK").replace(b"Length: 0", b"Length: 15166")
PAGE += b"<script src=/owa/auth/15.2.1544/x.js>".ljust(15166)


class Server(asyncio.Protocol):
    """Answers each request by its path."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Take each piece for one request."""
        answer = PAGE if b"logon.aspx" in data[:40] else REDIRECT
        self.transport.write(answer)  # type: ignore[attr-defined]


async def main(certificate: str) -> None:
    """Serve on a free port of 127.0.0.1, say which, until stopped."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1", 0, ssl=tls, backlog=2000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    run(main(sys.argv[1]))
