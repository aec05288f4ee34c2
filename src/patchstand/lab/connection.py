"""What every simulated connection has in common: whom it reached, and that it is counted."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

from patchstand.lab.certificates import Certificates
from patchstand.lab.servers import Node, Server, Service
from patchstand.lab.tally import Tally


@dataclass(slots=True)
class Reached:
    """One accepted connection: the server and the node it landed on, who called.

    `open` holds the transports of all connections, so that the lab can end them at once.
    """

    server: Server
    node: Node
    service: Service
    caller: str
    tally: Tally
    certificates: Certificates
    open: set[asyncio.Transport]
    ended: bool = field(default=False)

    def asked(self, question: str, agent: str = "") -> None:
        """Count a request or a mail command."""
        self.tally.asked(self.server.address, self.service, question, agent)

    def end(self) -> None:
        """Count the end of the connection, once."""
        if not self.ended:
            self.ended = True
            self.tally.closed(self.server.address)


class Connection(asyncio.Protocol):
    """Base of the simulated services; `begin` runs once the connection stands."""

    def __init__(self, reached: Reached) -> None:
        self.reached = reached
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register the transport and begin."""
        self.transport = cast("asyncio.Transport", transport)
        self.reached.open.add(self.transport)
        self.begin()

    def begin(self) -> None:
        """Say something first, as mail services do."""

    def connection_lost(self, _exc: Exception | None) -> None:
        """Forget the transport."""
        if self.transport is not None:
            self.reached.open.discard(self.transport)
            self.transport = None
        self.reached.end()

    def write(self, answer: bytes) -> None:
        """Send bytes, unless the client is gone."""
        if self.transport is not None:
            self.transport.write(answer)

    def close(self) -> None:
        """End the connection after what is written."""
        # The TLS transport of Python 3.11.2 (Debian 12) breaks when it is closed twice.
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()

    def replaced(self, transport: asyncio.Transport) -> None:
        """Go on over `transport`, the same connection with TLS."""
        if self.transport is not None:
            self.reached.open.discard(self.transport)
        self.transport = transport
        self.reached.open.add(transport)
