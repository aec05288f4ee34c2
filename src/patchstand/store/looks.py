"""What the looks of one batch say of servers: who was seen where, and who was missed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from socket import AF_INET, inet_pton
from typing import NamedTuple

from patchstand.model import Outcome, usual_ports

_SILENT = frozenset({Outcome.REFUSED, Outcome.TIMED_OUT, Outcome.RESET, Outcome.UNREACHABLE})
"""Outcomes that say nobody answers; after others something is there, or nobody was asked."""


class Look(NamedTuple):
    """One row of the observations, as far as it tells servers apart.

    `ports`, `address`, `nodes` (names separated by spaces) and `certificate` are as in the
    observations. `first_at`: where equal rows were put together, the time of the first one,
    and `observed_at` that of the last.
    """

    target: str
    ports: str
    address: str | None
    observed_at: datetime
    outcome: str
    is_exchange: bool | None
    certificate: int | None = None
    nodes: str | None = None
    asn: int | None = None
    first_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SeenServer:
    """An Exchange server seen at an address, with the same evidence from first to last."""

    address: str
    ports: str
    first_at: datetime
    last_at: datetime
    target: str
    certificate: int | None = None
    nodes: frozenset[str] = frozenset()
    asn: int | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Where it was seen: address and ports."""
        return self.address, self.ports


@dataclass(frozen=True, slots=True)
class Missed:
    """A place where no Exchange server answered; without address: a name that was asked.

    A name is listed whatever it led to: a server known under it that was not seen may have
    left the address the name leads to.
    """

    target: str
    ports: str
    address: str | None
    at: datetime


@dataclass(slots=True)
class _Group:
    """Equal looks: their times, and what the last of them was asked under."""

    first_at: datetime
    last_at: datetime
    target: str


_Key = tuple[str, str, int | None, str | None, int | None]
"""Address, ports, certificate, nodes, autonomous system: what makes looks equal."""


@dataclass(slots=True)
class Gathered:
    """All looks of a batch, put together as they come; their order does not matter."""

    groups: dict[_Key, _Group] = field(default_factory=dict)
    silent: dict[tuple[str, str], datetime] = field(default_factory=dict)
    names: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def add(self, look: Look) -> None:
        """Take one look into account."""
        address = look.address or _as_address(look.target)
        ports = usual_ports(look.ports) if look.ports else ""
        if address is None or address != look.target:
            self._add_name(look, ports)
        if address is None:
            return
        if look.is_exchange:
            self._add_seen(look, address, ports)
        elif _is_missing(look):
            place = (address, ports)
            self.silent[place] = max(look.observed_at, self.silent.get(place, look.observed_at))

    def seen(self) -> list[SeenServer]:
        """The servers seen; two kinds of evidence at one place are two rows."""
        return [
            SeenServer(
                address,
                ports,
                group.first_at,
                group.last_at,
                group.target,
                certificate,
                frozenset(nodes.upper().split()) if nodes else frozenset(),
                asn,
            )
            for (address, ports, certificate, nodes, asn), group in self.groups.items()
        ]

    def missed(self) -> list[Missed]:
        """The places and names that were asked, and where no server was seen."""
        seen = {key[:2] for key in self.groups}
        silent = [
            Missed(address, ports, address, at)
            for (address, ports), at in self.silent.items()
            if (address, ports) not in seen
        ]
        return silent + [Missed(name, ports, None, at) for (name, ports), at in self.names.items()]

    def _add_name(self, look: Look, ports: str) -> None:
        if look.is_exchange or _is_missing(look) or look.outcome == Outcome.NO_ADDRESS:
            asked = (look.target, ports)
            self.names[asked] = max(look.observed_at, self.names.get(asked, look.observed_at))

    def _add_seen(self, look: Look, address: str, ports: str) -> None:
        key = (address, ports, look.certificate, look.nodes, look.asn)
        first_at = look.first_at or look.observed_at
        group = self.groups.get(key)
        if group is None:
            self.groups[key] = _Group(first_at, look.observed_at, look.target)
            return
        group.first_at = min(group.first_at, first_at)
        if (look.observed_at, look.target) >= (group.last_at, group.target):
            group.target = look.target
        group.last_at = max(group.last_at, look.observed_at)


def gather(looks: Iterable[Look]) -> Gathered:
    """Put the looks of a batch together; memory grows with the servers, not with the rows."""
    gathered = Gathered()
    for look in looks:
        gathered.add(look)
    return gathered


def _is_missing(look: Look) -> bool:
    """Nobody answers, or something answers that is surely no Exchange server."""
    return look.outcome in _SILENT or (look.is_exchange is False)


def _as_address(target: str) -> str | None:
    try:
        if ":" in target:
            return str(ip_address(target))
        inet_pton(AF_INET, target)  # five times as fast as `ip_address`
    except (OSError, ValueError):
        return None
    return target
