"""Runs an estate: accepts connections, picks the server by the address that was called.

async with running(estate, Ports.free()) as lab: ...    inside a running loop
with lab_in_thread(estate) as lab: ...                  beside synchronous code
await serve(estate, ports, ready, stop)                 until `stop` is set
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from random import Random

from patchstand.lab.certificates import Certificates
from patchstand.lab.connection import Connection, Reached
from patchstand.lab.hostile import WITHOUT_TLS, hostile_connection
from patchstand.lab.mail import mail_connection
from patchstand.lab.names import NameServer
from patchstand.lab.servers import (
    Estate,
    Node,
    Ports,
    Server,
    Service,
    Tls,
    Trouble,
    target_line,
    truth_record,
)
from patchstand.lab.sockets import Listeners, open_listeners
from patchstand.lab.tally import Tally
from patchstand.lab.web import WebConnection
from patchstand.model import Build, ProductLine

_HANDSHAKE_SECONDS = 60.0
_SHUTDOWN_SECONDS = 2.0
_PAUSE_WITHOUT_FILES = 0.05
_ROUNDS_TO_END, _PAUSE_TO_END = 20, 0.01
# Kinds that are no Exchange server have no node; their answers ignore this one.
_NOBODY = Node("", "", ProductLine.ONLINE, Build((15, 20)), "", "", Tls.ANY)
Texts = Mapping[str, tuple[str, ...]]


class Lab:
    """A running estate: the ports it got, what it counted, the lines of its files."""

    def __init__(self, estate: Estate, listeners: Listeners) -> None:
        self.estate = estate
        self.ports = listeners.ports
        self.by_device = listeners.by_device
        self.tally = Tally()
        self._listeners = listeners
        self._certificates = Certificates(estate.as_of)
        self._open: set[asyncio.Transport] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepted: set[socket.socket] = set()  # not yet taken over by their task
        self._random = Random(len(estate.servers))
        self._turns: dict[str, int] = {}

    def targets(self) -> list[str]:
        """The lines of the targets file, in address order."""
        return [target_line(server, self.ports) for server in self.estate.servers]

    def truth(self) -> list[dict[str, object]]:
        """The records of the truth file, in address order."""
        return [truth_record(server, self.ports) for server in self.estate.servers]

    def start(self) -> None:
        """Begin to accept on all ports; needs a running loop."""
        for service, sock in self._listeners.sockets:
            self._spawn(self._accept(service, sock))

    async def stop(self) -> None:
        """Stop accepting, end every connection at once, close the sockets."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for sock in self._accepted:
            sock.close()
        for transport in list(self._open):
            transport.abort()
        for _ in range(_ROUNDS_TO_END):  # their last callbacks close the sockets
            await asyncio.sleep(0 if not self._open else _PAUSE_TO_END)
        self._listeners.close()

    def _spawn(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, service: Service, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, caller = await loop.sock_accept(listener)
            except OSError:  # out of files, or the caller is gone already
                await asyncio.sleep(_PAUSE_WITHOUT_FILES)
                continue
            server = self.estate.by_address.get(sock.getsockname()[0])
            if server is None or not _listens(server, service):
                _reset(sock)
                continue
            self._accepted.add(sock)
            self._spawn(self._connected(self._reached(server, service, caller[0]), sock))

    def _reached(self, server: Server, service: Service, caller: str) -> Reached:
        self.tally.connected(server.address, service)
        return Reached(
            server=server,
            node=self._node(server),
            service=service,
            caller=caller,
            tally=self.tally,
            certificates=self._certificates,
            open=self._open,
        )

    def _node(self, server: Server) -> Node:
        """The back end this connection lands on: in turn on even addresses, else by chance."""
        if len(server.nodes) < 2:
            return server.nodes[0] if server.nodes else _NOBODY
        if server.number % 2:
            return self._random.choice(server.nodes)
        turn = self._turns.get(server.address, 0)
        self._turns[server.address] = turn + 1
        return server.nodes[turn % len(server.nodes)]

    async def _connected(self, reached: Reached, sock: socket.socket) -> None:
        self._accepted.discard(sock)
        loop = asyncio.get_running_loop()
        server, secure = reached.server, _speaks_tls_first(reached)
        context = self._certificates.context(server.certificate, server.tls) if secure else None
        try:
            await loop.connect_accepted_socket(
                lambda: _connection(reached),
                sock,
                ssl=context,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS if context else None,
                ssl_shutdown_timeout=_SHUTDOWN_SECONDS if context else None,
            )
        except (OSError, asyncio.CancelledError):
            # The client broke off the handshake, as clients that check certificates do.
            reached.end()


def _connection(reached: Reached) -> Connection:
    if reached.server.kind.trouble is not None:
        return hostile_connection(reached)
    return WebConnection(reached) if reached.service is Service.HTTPS else mail_connection(reached)


def _speaks_tls_first(reached: Reached) -> bool:
    https = reached.service is Service.HTTPS
    return https and reached.server.kind.trouble not in WITHOUT_TLS


def _listens(server: Server, service: Service) -> bool:
    return service in server.services and server.kind.trouble is not Trouble.REFUSED


def _reset(sock: socket.socket) -> None:
    """Refuse as late as one can: the port is open for all addresses, this one has no server."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@contextlib.asynccontextmanager
async def running(
    estate: Estate,
    ports: Ports | None = None,
    *,
    texts: Texts | None = None,
    by_device: bool | None = None,
) -> AsyncIterator[Lab]:
    """Run `estate` in the current loop; `ports` None takes free ones.

    `texts` are TXT records of the lab's DNS. `by_device` False listens on explicit
    addresses even where binding to the device is allowed.

    Raises:
        LabError: ports, addresses or the limit of open files do not allow it.
    """
    addresses: Sequence[str] = [server.address for server in estate.servers]
    listeners = open_listeners(addresses, ports or Ports.free(), by_device=by_device)
    lab = Lab(estate, listeners)
    loop = asyncio.get_running_loop()
    names, _ = await loop.create_datagram_endpoint(
        lambda: NameServer(estate, texts or {}), sock=listeners.names
    )
    lab.start()
    try:
        yield lab
    finally:
        names.close()
        await lab.stop()


async def serve(
    estate: Estate,
    ports: Ports,
    ready: Callable[[Lab], None],
    stop: asyncio.Event,
    texts: Texts | None = None,
) -> None:
    """Run `estate` until `stop` is set; `ready` is called once it accepts connections.

    Raises:
        LabError: as for `running`.
    """
    async with running(estate, ports, texts=texts) as lab:
        ready(lab)
        await stop.wait()


def fastest_loop() -> asyncio.AbstractEventLoop:
    """A uvloop where installed, else asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415 # an optional extra
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


@contextlib.contextmanager
def lab_in_thread(
    estate: Estate, ports: Ports | None = None, *, texts: Texts | None = None
) -> Iterator[Lab]:
    """Run `estate` in a thread of its own, for synchronous code; ended on leaving.

    Raises:
        LabError: as for `running`.
    """
    thread = _LabThread(estate, ports or Ports.free(), texts)
    try:
        yield thread.lab()
    finally:
        thread.end()


class _LabThread:
    """A thread with the loop of `lab_in_thread`."""

    def __init__(self, estate: Estate, ports: Ports, texts: Texts | None) -> None:
        self._thread = threading.Thread(target=self._run, name="patchstand-lab", daemon=True)
        self._arguments = (estate, ports, texts)
        self._ready = threading.Event()
        self._lab: Lab | None = None
        self._failure: BaseException | None = None
        self._loop = fastest_loop()
        self._stop = asyncio.Event()

    def _run(self) -> None:
        estate, ports, texts = self._arguments
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(serve(estate, ports, self._got_ready, self._stop, texts))
        except Exception as error:  # noqa: BLE001 # carried over to the thread that waits
            self._failure = error
        finally:
            self._ready.set()

    def _got_ready(self, lab: Lab) -> None:
        self._lab = lab
        self._ready.set()

    def lab(self) -> Lab:
        """Start, and wait until it runs."""
        self._thread.start()
        self._ready.wait()
        if self._lab is None:
            raise self._failure or RuntimeError("the lab ended before it began")
        return self._lab

    def end(self) -> None:
        """Stop and wait."""
        if self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
