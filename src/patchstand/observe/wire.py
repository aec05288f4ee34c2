"""The only place that opens a connection: it wants a Permit, and ends every wait.

A `Wire` carries one exchange at a time: it sends the question and feeds what comes to a
`Reader` until that has enough, the server closes, or the time is up.
"""

import asyncio
import errno
import ssl
from dataclasses import dataclass
from typing import Protocol, cast

from patchstand.errors import ScopeError
from patchstand.model import Outcome, Permit, TlsFacts
from patchstand.observe.names import canonical
from patchstand.observe.tls import facts_of, shared_context

WAIT_FOR_FILES = 0.1
"""Seconds between two tries where too many files are open."""
EARLY_BYTES = 4096
"""Kept of what a server sends unasked, such as a greeting that is quicker than we are."""


class Reader(Protocol):
    """Collects one answer; never raises on any bytes."""

    def feed(self, received: bytes) -> bool:
        """Take what came; True when the answer is complete or has reached its limit."""

    def end(self) -> bool:
        """Take the end of the stream; True when the answer is complete by it."""


@dataclass(frozen=True, slots=True)
class Failed:
    """How a connection or an exchange failed."""

    outcome: Outcome
    detail: str = ""


class Wire(asyncio.Protocol):
    """One connection, numbered within its observation."""

    def __init__(self, number: int, server_name: str) -> None:
        """Not connected yet: `connect` does that."""
        self.number = number
        self.tls: TlsFacts | None = None
        self._server_name = server_name
        self._transport: asyncio.Transport | None = None
        self._reader: Reader | None = None
        self._finished: asyncio.Future[Failed | None] | None = None
        self._early = b""
        self._ended: Failed | None = None

    @property
    def is_open(self) -> bool:
        """True while questions can be sent."""
        return self._ended is None and self._transport is not None

    @property
    def is_out_of_step(self) -> bool:
        """True when something came that nobody asked for."""
        return bool(self._early)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (called by asyncio)."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own are no subclass

    def data_received(self, data: bytes) -> None:
        """Feed the reader, or keep the little that came unasked (called by asyncio)."""
        if self._reader is None:
            self._early += data[: EARLY_BYTES - len(self._early)]
        elif self._reader.feed(data):
            self._finish(None)

    def eof_received(self) -> bool:
        """Tell the reader that the server is done (called by asyncio)."""
        if self._ended is None:
            self._ended = Failed(Outcome.RESET, "the server closed the connection")
        if self._reader is not None:
            self._finish(None if self._reader.end() else self._ended)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End the exchange under way (called by asyncio)."""
        if self._ended is None:
            self._ended = _failure(exc) if exc else Failed(Outcome.RESET, "connection closed")
        self._transport = None
        if self._reader is not None:
            self._finish(None if exc is None and self._reader.end() else self._ended)

    async def exchange(self, question: bytes, reader: Reader, seconds: float) -> Failed | None:
        """Send a question, empty for none, and read the answer; None when it is complete.

        `reader` keeps what came also when the exchange failed.
        """
        early, self._early = self._early, b""
        if early and reader.feed(early):
            return None
        if self._ended is not None or self._transport is None:
            return None if reader.end() else self._ended
        loop = asyncio.get_running_loop()
        self._reader = reader
        self._finished = loop.create_future()
        timer = loop.call_later(seconds, self._finish, Failed(Outcome.TIMED_OUT, "no answer"))
        if question:
            self._transport.write(question)
        try:
            return await self._finished
        finally:
            timer.cancel()
            self._reader = self._finished = None

    async def start_tls(self, seconds: float) -> Failed | None:
        """Speak TLS from here on; None when it works.

        Bytes that came before are dropped: they are not part of the encrypted dialogue.
        """
        transport = self._transport
        if self._ended is not None or transport is None:
            return self._ended
        self._early = b""
        try:
            async with asyncio.timeout(seconds):
                upgraded = await asyncio.get_running_loop().start_tls(
                    transport, self, shared_context(), server_hostname=self._server_name
                )
        except (OSError, TimeoutError) as error:
            self.drop()
            return _failure(error, tls=True)
        if upgraded is None:  # the server went away in the middle
            return Failed(Outcome.TLS_FAILED, "the server closed the connection")
        self._transport = upgraded
        self.tls = facts_of(upgraded)
        return None

    def drop(self) -> None:
        """Close at once, without waiting for the server's consent."""
        if self._ended is None:
            self._ended = Failed(Outcome.RESET, "dropped")
        if self._transport is not None:
            self._transport.abort()
            self._transport = None  # its buffers hold what a server sent too much

    def _finish(self, failed: Failed | None) -> None:
        self._reader = None  # what else comes is not part of this answer
        if self._finished is not None and not self._finished.done():
            self._finished.set_result(failed)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect; `server_name` goes into TLS when it is a name. `tls`: at once."""

    address: str
    port: int
    server_name: str
    tls: bool


async def connect(
    permit: Permit, endpoint: Endpoint, seconds: float, number: int = 1
) -> Wire | Failed:
    """Open connection `number` to the permitted address.

    Raises:
        ScopeError: the permit is for another address.
    """
    if permit.address != canonical(endpoint.address):
        raise ScopeError(f"{endpoint.address}: the permit is for {permit.address}")
    wire = Wire(number, endpoint.server_name)
    try:
        async with asyncio.timeout(seconds):
            transport = await _opened(wire, permit, endpoint)
    except (OSError, TimeoutError) as error:
        return _failure(error, tls=endpoint.tls)
    if endpoint.tls:
        wire.tls = facts_of(transport)
    return wire


async def _opened(wire: Wire, permit: Permit, endpoint: Endpoint) -> asyncio.Transport:
    """The transport of a new connection; waits while this process has too many files open."""
    while True:
        try:
            transport, _ = await asyncio.get_running_loop().create_connection(
                lambda: wire,
                permit.address,
                endpoint.port,
                ssl=shared_context() if endpoint.tls else None,
                server_hostname=endpoint.server_name if endpoint.tls else None,
            )
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            await asyncio.sleep(WAIT_FOR_FILES)  # our limit is no property of the server
        else:
            return transport


def _failure(error: Exception, *, tls: bool = False) -> Failed:
    """The outcome an exception stands for; `tls`: it happened in or before a handshake."""
    match error:
        case ssl.SSLError():
            return Failed(Outcome.TLS_FAILED, error.reason or "TLS failed")
        case TimeoutError():
            return Failed(Outcome.TIMED_OUT, "no connection in time")
        case ConnectionRefusedError():
            return Failed(Outcome.REFUSED, "connection refused")
        case ConnectionError() if tls and error.errno is None:  # asyncio's word for an early end
            return Failed(Outcome.TLS_FAILED, "closed during the handshake")
        case ConnectionError():
            return Failed(Outcome.RESET, "connection reset")
    return Failed(Outcome.UNREACHABLE, getattr(error, "strerror", None) or str(error))
