"""Connections that harm a careless client: too slow, too much, rubbish, or nothing."""

import asyncio
import socket
import struct
import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, repeat
from random import Random

from patchstand.lab.answers import Response
from patchstand.lab.connection import Connection, Reached
from patchstand.lab.mail import mail_connection
from patchstand.lab.servers import Service, Trouble
from patchstand.lab.web import WebConnection

GIGABYTE = 1 << 30
_MEGABYTE = 1 << 20
_CRC_OF_A_GIGABYTE_OF_ZEROS = 0x5B64C2B0
# These do their harm below TLS; the others shake hands first.
WITHOUT_TLS = {Trouble.SILENT, Trouble.BROKEN_TLS, Trouble.RESET, Trouble.PLAIN_HTTP}
_RUBBISH = bytes(range(0x80, 0x100)) * 2
_HTML = ("Content-Type", "text/html")


class SilentConnection(Connection):
    """Accepts, reads and never says anything."""


class RubbishConnection(Connection):
    """Answers the first bytes (a TLS hello) with what is no TLS."""

    def data_received(self, _data: bytes) -> None:
        """Send the rubbish and close."""
        self.write(_RUBBISH)
        self.close()


class ResetConnection(Connection):
    """Resets instead of answering: after the client's first bytes, or at once for mail."""

    def begin(self) -> None:
        """Mail clients wait for a greeting: they are reset at once."""
        if self.reached.service is not Service.HTTPS:
            self.data_received(b"")

    def data_received(self, _data: bytes) -> None:
        """Close with RST: lingering for no time throws everything away."""
        if self.transport is not None:
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()


class PumpConnection(Connection):
    """Sends chunk after chunk, no faster than the client reads; `pause` seconds between.

    On a web port it begins at the first bytes of a request, on a mail port at once.
    """

    def __init__(self, reached: Reached, chunks: Iterable[bytes], pause: float = 0.0) -> None:
        super().__init__(reached)
        self._chunks = chunks
        self._pause = pause
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._pump: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Mail clients wait for a greeting."""
        if self.reached.service is not Service.HTTPS:
            self.data_received(b"")

    def data_received(self, _data: bytes) -> None:
        """Start pumping, whatever the question is."""
        if self._pump is None:
            self.reached.asked("(hostile)")
            self._pump = asyncio.get_running_loop().create_task(self._run())

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._may_write.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop pumping."""
        if self._pump is not None:
            self._pump.cancel()
        super().connection_lost(exc)

    async def _run(self) -> None:
        for chunk in self._chunks:
            await self._may_write.wait()
            self.write(chunk)
            await asyncio.sleep(self._pause)
        self.close()


def _head_of(length: int, *more: tuple[str, str]) -> bytes:
    headers = (("Server", "nginx"), _HTML, *more, ("Content-Length", str(length)))
    return Response(200, "OK", headers).encode()


def _slowly(service: Service) -> Iterator[bytes]:
    if service is Service.HTTPS:
        text = Response(200, "OK", (("Server", "nginx"), _HTML), b"x" * 4096).encode()
    else:
        text = b"220 mail.lab.invalid ESMTP " + b"x" * 200 + b"\r\n"
    return (bytes([byte]) for byte in text)


def _endlessly(service: Service) -> Iterator[bytes]:
    if service is Service.HTTPS:
        return chain([b"HTTP/1.1 200 OK\r\n"], repeat(b"X-Padding: " + b"a" * 1000 + b"\r\n"))
    return repeat(b"220-" + b"a" * 200 + b"\r\n")


def _hugely(service: Service) -> Iterator[bytes]:
    if service is Service.HTTPS:
        size = 1 << 16
        return chain([_head_of(GIGABYTE)], repeat(b" " * size, GIGABYTE // size))
    return repeat(b"220-" + b"a" * 1018 + b"\r\n", _MEGABYTE)


@lru_cache(maxsize=1)
def gzip_bomb() -> bytes:
    """About 1 MB of gzip that inflates to 1 GB of zeros.

    One megabyte is compressed to a block that refers to nothing before it; the block is
    repeated, which costs no time. The checksum at the end is a known constant.
    """
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = squeeze.compress(bytes(_MEGABYTE)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    tail = struct.pack("<II", _CRC_OF_A_GIGABYTE_OF_ZEROS, GIGABYTE)
    return head + block * (GIGABYTE // _MEGABYTE) + b"\x03\x00" + tail


def _bomb() -> list[bytes]:
    body = gzip_bomb()
    return [_head_of(len(body), ("Content-Encoding", "gzip")) + body]


def _randomly(reached: Reached) -> list[bytes]:
    return [Random(reached.server.number).randbytes(1 << 16)]


def hostile_connection(reached: Reached) -> Connection:
    """The connection of a server whose kind has a trouble."""
    trouble, service = reached.server.kind.trouble, reached.service
    honest = trouble in (Trouble.BROKEN_TLS, Trouble.PLAIN_HTTP)
    if honest and service is not Service.HTTPS:
        return mail_connection(reached)
    simple: dict[Trouble, type[Connection]] = {
        Trouble.BROKEN_TLS: RubbishConnection,
        Trouble.PLAIN_HTTP: WebConnection,
        Trouble.RESET: ResetConnection,
    }
    pumped = {
        Trouble.SLOW: lambda: PumpConnection(reached, _slowly(service), 1.0),
        Trouble.ENDLESS_HEADER: lambda: PumpConnection(reached, _endlessly(service)),
        Trouble.HUGE_BODY: lambda: PumpConnection(reached, _hugely(service)),
        Trouble.GZIP_BOMB: lambda: PumpConnection(reached, _bomb()),
        Trouble.RANDOM_BYTES: lambda: PumpConnection(reached, _randomly(reached)),
    }
    if trouble in pumped:
        return pumped[trouble]()
    return simple.get(trouble, SilentConnection)(reached) if trouble else SilentConnection(reached)
