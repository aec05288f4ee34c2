"""Listening sockets that nothing outside loopback reaches.

First choice: one socket per port on 0.0.0.0, bound to the device `lo` (SO_BINDTODEVICE;
Linux 5.7 or newer, before that with CAP_NET_RAW): it answers for all of 127.0.0.0/8, and
the kernel drops packets of every other device. Where that is not allowed: one socket per
address and port, on explicit loopback addresses, which suffices for small estates.
"""

import contextlib
import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from patchstand.errors import LabError
from patchstand.lab.servers import Ports, Service

BACKLOG = 4096
_SPARE_FILES = 200
_IS_MAC = sys.platform == "darwin"  # its loopback has 127.0.0.1 only
_ANY = "0.0.0.0"  # noqa: S104 # only ever bound together with the device lo


@dataclass(frozen=True, slots=True)
class Listeners:
    """Open sockets per service, the ports they got, and how they are kept to loopback."""

    sockets: tuple[tuple[Service, socket.socket], ...]
    reserved: socket.socket
    names: socket.socket
    ports: Ports
    by_device: bool

    def close(self) -> None:
        """Close all of them."""
        for sock in (*(sock for _, sock in self.sockets), self.reserved, self.names):
            sock.close()


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one; return it (a guess on Windows)."""
    if sys.platform == "win32":
        return 8192
    import resource  # noqa: PLC0415 # does not exist on Windows

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def can_bind_to_device() -> bool:
    """True when this process may tie a socket to the loopback device."""
    with socket.socket() as sock:
        try:
            _tie_to_loopback(sock)
        except OSError:
            return False
    return True


def _tie_to_loopback(sock: socket.socket) -> None:
    option = getattr(socket, "SO_BINDTODEVICE", None)
    if option is None:
        raise OSError("this system has no SO_BINDTODEVICE")
    sock.setsockopt(socket.SOL_SOCKET, option, b"lo\0")


def open_listeners(
    addresses: Sequence[str], ports: Ports, *, by_device: bool | None = None
) -> Listeners:
    """Open all sockets; ports of 0 become free ones. `by_device` None takes what is allowed.

    Raises:
        LabError: a port is taken, an address cannot be bound, or files do not suffice.
    """
    limit = raise_file_limit()
    if by_device is None:
        by_device = can_bind_to_device()
    if not by_device and len(addresses) * len(Service) > limit - _SPARE_FILES:
        raise LabError(
            f"{len(addresses)} servers need a socket each without SO_BINDTODEVICE, and {limit}"
            " files may be open; use Linux 5.7 or newer (or root), or take fewer servers"
        )
    with contextlib.ExitStack() as opened:
        listeners = _open_all(addresses, ports, by_device=by_device, opened=opened)
        opened.pop_all()
    return listeners


def _open_all(
    addresses: Sequence[str], ports: Ports, *, by_device: bool, opened: contextlib.ExitStack
) -> Listeners:
    got: dict[str, int] = {}
    sockets: list[tuple[Service, socket.socket]] = []
    for service in Service:
        port = ports.of(service)
        for address in (_ANY,) if by_device else addresses:
            sock = opened.enter_context(_bound(address, port, by_device=by_device))
            port = sock.getsockname()[1]
            sock.listen(BACKLOG)
            sockets.append((service, sock))
        got[service.value] = port
    reserved = opened.enter_context(_reserved(addresses, ports.refused, by_device=by_device))
    names = opened.enter_context(
        _bound("127.0.0.1", ports.dns, by_device=by_device, kind=socket.SOCK_DGRAM)
    )
    actual = Ports(**got, dns=names.getsockname()[1], refused=reserved.getsockname()[1])
    return Listeners(tuple(sockets), reserved, names, actual, by_device)


def _reserved(addresses: Sequence[str], port: int, *, by_device: bool) -> socket.socket:
    """A port that is bound and not listening: connecting to it is refused, for sure."""
    return _bound(_ANY if by_device else addresses[0], port, by_device=by_device)


@contextlib.contextmanager
def _closed_on_error(sock: socket.socket) -> Iterator[None]:
    try:
        yield
    except BaseException:
        sock.close()
        raise


def _bound(
    address: str,
    port: int,
    *,
    by_device: bool = False,
    kind: socket.SocketKind = socket.SOCK_STREAM,
) -> socket.socket:
    sock = socket.socket(socket.AF_INET, kind)
    with _closed_on_error(sock):
        sock.setblocking(False)
        if kind is socket.SOCK_STREAM and sys.platform != "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            if by_device:
                _tie_to_loopback(sock)
            sock.bind((address, port))
        except OSError as error:
            place = "loopback" if by_device else address
            hint = " and add the address with `ifconfig lo0 alias`" if _IS_MAC else ""
            raise LabError(
                f"cannot listen on {place} port {port}: {error.strerror}; choose another port{hint}"
            ) from error
    return sock
