"""Which server is which over time: the rule, as a pure function.

What tells servers apart, strongest first, and how far each is trusted:

1. **Address and ports.** The same place is the same server: certificates are renewed, and
   nodes behind one address take turns. Only when certificate *and* node names are known on
   both sides and all of them differ, another server stands there now; the one before is
   gone, or has moved.
2. **Certificate.** A server seen at a place where nobody was known is a known one that has
   moved when its certificate is held by exactly that one known server and was seen at
   exactly this one place in the batch, and that server is away from its old place. One
   certificate on many addresses (a wildcard, a farm behind several addresses) proves nothing.
3. **Node names** are given by people, and `EX01` stands everywhere. They prove the same only
   within the same /24 (IPv6: /56), where a name is rarely given twice, or within the same
   autonomous system if the certificates do not speak against it; and again only when
   exactly one known server and one new place share a name.

*Away* is who is gone, whose place another server has taken, whose place was asked and did
not answer, or whose name was asked and led elsewhere for 14 days (names with several
addresses take turns).

*Gone* is who was asked in a finished scan, did not answer, and was last seen at least 14
days before: the window of a population, so that nobody leaves it twice. Not being asked,
or not being in somebody's report, says nothing. *Back* is who is seen after that.

Every change has the time of the look that shows it. An older look never undoes a newer one:
it may only lengthen the time a server has been known, or add a server that stood there before.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from ipaddress import ip_network

from patchstand.store.looks import Missed, SeenServer

WINDOW = timedelta(days=14)
"""How long a server counts after it was last seen: DESIGN, the definition of a population."""
MOST_NODES = 32
"""Names kept of a server; one that invents a new name for every look must not grow."""

Place = tuple[str, str]


class ServerState(StrEnum):
    """How a server stands, by the last change it went through."""

    HERE = "here"
    GONE = "gone"
    BACK = "back"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Server:
    """One server: what is known of it now.

    `since` is the time of its last change, `placed_at` the time it was first seen at this
    address, `first_at` and `last_at` when it was first and last seen anywhere; `target` the
    name or address it was last asked under, `certificate` as in the observations.
    """

    id: str
    address: str
    ports: str
    state: ServerState
    since: datetime
    placed_at: datetime
    first_at: datetime
    last_at: datetime
    target: str
    certificate: int | None = None
    nodes: frozenset[str] = frozenset()
    asn: int | None = None

    @property
    def place(self) -> Place:
        """Where it stands, or stood last: address and ports."""
        return self.address, self.ports

    @property
    def is_present(self) -> bool:
        """True unless it is gone."""
        return self.state is not ServerState.GONE


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One change of one server: what, when, where, and by which rule."""

    server: str
    at: datetime
    kind: ServerState
    address: str
    ports: str
    rule: str


@dataclass(frozen=True, slots=True)
class Change:
    """A server as it is after a batch, and the events that led there; often none."""

    server: Server
    events: tuple[ServerEvent, ...] = ()


def follow(
    known: Iterable[Server], seen: Iterable[SeenServer], missed: Iterable[Missed]
) -> list[Change]:
    """What a batch changes; see the module for the rules. Neither order matters.

    `missed` belongs to a finished scan; for an import, or a scan that was interrupted, it
    is empty. A batch that saw every place once, as a scan does, changes nothing when it comes
    again; of one with several kinds of evidence for one place (an import of many days) the
    second time may know better who stood there, so that `State` follows a batch once.
    """
    course = _Course({server.id: server for server in known})
    course.meet(seen)
    course.replace_former()
    course.find_away(missed)
    course.link()
    course.settle()
    return course.changes()


@dataclass(slots=True)
class _Course:
    """The steps of `follow`, each over the whole batch before the next one begins."""

    before: dict[str, Server]
    now: dict[str, Server] = field(default_factory=dict)
    drafts: dict[str, Server] = field(default_factory=dict)  # seen where nobody was known
    standing: dict[Place, list[str]] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)
    replaced: dict[str, datetime] = field(default_factory=dict)
    away: dict[str, datetime] = field(default_factory=dict)
    seen_with: dict[int, set[Place]] = field(default_factory=lambda: defaultdict(set))
    events: dict[str, list[ServerEvent]] = field(default_factory=lambda: defaultdict(list))

    def meet(self, seen: Iterable[SeenServer]) -> None:
        """Give every sighting to the server of its place, or to a draft of a new one."""
        at_place: dict[Place, list[SeenServer]] = defaultdict(list)
        for each in seen:
            at_place[each.place].append(each)
            if each.certificate is not None:
                self.seen_with[each.certificate].add(each.place)
        self.standing = {place: [] for place in at_place}
        for server in self.before.values():
            if server.place in at_place:
                self.standing[server.place].append(server.id)
        for place, sightings in at_place.items():
            for each in sorted(sightings, key=_order):
                self._meet(place, each)

    def _meet(self, place: Place, seen: SeenServer) -> None:
        standing = [self._server(each) for each in self.standing[place]]
        resident = _resident(standing, seen)
        if resident is None:
            draft = _draft(seen)
            self.drafts[draft.id] = draft
            self.standing[place].append(draft.id)
            return
        if resident.id in self.drafts:
            self.drafts[resident.id] = _first_seen(_learn(resident, seen))
            return
        self.met.add(resident.id)
        learnt = _learn(resident, seen)
        if not resident.is_present and seen.last_at > resident.since:
            at = seen.first_at if seen.first_at > resident.since else seen.last_at
            learnt = replace(learnt, state=ServerState.BACK, since=at)
            self._note(learnt, "address")
        self.now[resident.id] = learnt

    def replace_former(self) -> None:
        """Of several servers at one place, only the one seen last stands there."""
        for standing in self.standing.values():
            present = [each for each in map(self._server, standing) if each.is_present]
            if len(present) > 1:
                last = max(present, key=lambda each: (each.last_at, each.id))
                for each in present:
                    if each.id != last.id:
                        self.replaced[each.id] = _taken_at(each, last)

    def find_away(self, missed: Iterable[Missed]) -> None:
        """Note who was asked for and not seen, and when."""
        places: dict[Place, datetime] = {}
        names: dict[Place, datetime] = {}
        for each in missed:
            asked, key = (places, each.address) if each.address else (names, each.target)
            asked[key, each.ports] = max(each.at, asked.get((key, each.ports), each.at))
        for server in self.before.values():
            if not server.is_present or server.id in self.met:
                continue
            at = places.get(server.place)
            if at is not None and at > server.last_at:
                self.away[server.id] = at
                continue
            at = names.get((server.target, server.ports))
            if at is not None and server.target != server.address and _is_long_ago(server, at):
                self.away[server.id] = at

    def link(self) -> None:
        """Find out which drafts are known servers at another address."""
        # As they are after their own sightings: the same batch again must find the same.
        known = {key: self.now.get(key, each) for key, each in self.before.items()}
        pairs = _by_certificate(known, self.drafts, self.seen_with)
        by_nodes = _by_nodes(known, self.drafts)
        for draft, server in pairs.items():
            self._join(draft, server, "certificate")
        taken = set(pairs.values())
        for draft, server in by_nodes.items():
            if draft not in pairs and server not in taken:
                self._join(draft, server, "nodes")

    def _join(self, draft_id: str, server_id: str, rule: str) -> None:
        draft, server = self.drafts[draft_id], self._server(server_id)
        if draft.place == server.place:  # it was told apart from that server there
            return
        if draft.last_at < server.placed_at:
            self._stood_before(draft, server, rule)
            return
        is_later = draft.first_at > max(server.last_at, server.since)
        if is_later and self._has_left(server_id) and draft_id not in self.replaced:
            self._moved(draft, server, rule)

    def _has_left(self, server: str) -> bool:
        if server in self.replaced:
            return True
        is_gone = not self.before[server].is_present
        return server not in self.met and (is_gone or server in self.away)

    def _stood_before(self, draft: Server, server: Server, rule: str) -> None:
        """An older look at the address a server had before: it has been known for longer."""
        del self.drafts[draft.id]
        self.replaced.pop(draft.id, None)
        if draft.first_at < server.first_at:
            was = replace(draft, id=server.id, state=ServerState.HERE, since=draft.first_at)
            self._note(was, rule)
            self.now[server.id] = replace(server, first_at=draft.first_at)

    def _moved(self, draft: Server, server: Server, rule: str) -> None:
        del self.drafts[draft.id]
        self.replaced.pop(server.id, None)
        self.away.pop(server.id, None)
        kind = ServerState.MOVED if server.is_present else ServerState.BACK
        known = draft.certificate if draft.certificate is not None else server.certificate
        moved = replace(
            draft,
            id=server.id,
            state=kind,
            since=draft.first_at,
            first_at=server.first_at,
            certificate=known,
            nodes=_names(server.nodes | draft.nodes),
            asn=draft.asn if draft.asn is not None else server.asn,
        )
        self.now[server.id] = moved
        self._note(moved, rule)

    def settle(self) -> None:
        """Drafts left are new servers; who was replaced, or away for long, is gone."""
        for draft in self.drafts.values():
            self.now[draft.id] = draft
            self._note(draft, "new")
        for server, at in self.replaced.items():
            self._leave(server, at, "replaced")
        for server, at in self.away.items():
            if server not in self.replaced and _is_long_ago(self.before[server], at):
                self._leave(server, at, "silent")

    def _leave(self, server: str, at: datetime, rule: str) -> None:
        left = replace(self._server(server), state=ServerState.GONE, since=at)
        self.now[server] = left
        self._note(left, rule)

    def changes(self) -> list[Change]:
        """Every server that is not as it was before, in the order of their ids."""
        return [
            Change(server, tuple(self.events.get(key, ())))
            for key, server in sorted(self.now.items())
            if server != self.before.get(key)
        ]

    def _server(self, key: str) -> Server:
        return self.now.get(key) or self.drafts.get(key) or self.before[key]

    def _note(self, server: Server, rule: str) -> None:
        event = ServerEvent(
            server.id, server.since, server.state, server.address, server.ports, rule
        )
        self.events[server.id].append(event)


def _order(seen: SeenServer) -> tuple[object, ...]:
    certificate = (seen.certificate is not None, seen.certificate or 0)
    names = sorted(seen.nodes)
    return seen.last_at, seen.first_at, certificate, names, seen.target, seen.asn or 0


def _resident(standing: list[Server], seen: SeenServer) -> Server | None:
    """Whom of those known at this place the sighting shows; None: somebody else."""
    if not standing:
        return None
    shared = max(_shared(each, seen) for each in standing)
    same = [each for each in standing if shared and _shared(each, seen) == shared]
    latest = max(same or standing, key=lambda each: _standing(each, seen.last_at))
    return latest if same or not _contradicts(latest, seen) else None


def _standing(server: Server, at: datetime) -> tuple[bool, bool, datetime, str]:
    """Sorts the servers of one place by how likely each is the one that stood there at `at`."""
    return server.placed_at <= at, server.is_present, server.last_at, server.id


def _shared(server: Server, seen: SeenServer) -> int:
    """How much speaks for the same server: certificate, node names, or both."""
    certificate = server.certificate is not None and server.certificate == seen.certificate
    return int(certificate) + int(not server.nodes.isdisjoint(seen.nodes))


def _contradicts(server: Server, seen: SeenServer) -> bool:
    certificates = server.certificate is not None and seen.certificate is not None
    return certificates and bool(server.nodes and seen.nodes) and not _shared(server, seen)


def _learn(server: Server, seen: SeenServer) -> Server:
    """The server with what a sighting at its place adds; the newer one decides."""
    is_newer = seen.last_at >= server.last_at
    certificate, asn = server.certificate, server.asn
    if seen.certificate is not None and (is_newer or certificate is None):
        certificate = seen.certificate
    if seen.asn is not None and (is_newer or asn is None):
        asn = seen.asn
    return replace(
        server,
        placed_at=min(server.placed_at, seen.first_at) if _stayed(server) else server.placed_at,
        first_at=min(server.first_at, seen.first_at),
        last_at=max(server.last_at, seen.last_at),
        target=seen.target if is_newer else server.target,
        certificate=certificate,
        nodes=_names(server.nodes | seen.nodes),
        asn=asn,
    )


def _stayed(server: Server) -> bool:
    """True for a server that has been at one address all the time, as far as is known."""
    return server.placed_at == server.first_at


def _first_seen(draft: Server) -> Server:
    return replace(draft, since=draft.first_at, placed_at=draft.first_at)


def _names(nodes: frozenset[str]) -> frozenset[str]:
    """At most so many names, and the same ones in whatever order they were learnt."""
    return nodes if len(nodes) <= MOST_NODES else frozenset(sorted(nodes)[:MOST_NODES])


def _draft(seen: SeenServer) -> Server:
    """A server as its first sighting shows it; the same sighting gives the same id."""
    text = (
        f"{seen.address} {seen.ports} {seen.first_at.timestamp():.6f} {seen.certificate} "
        f"{' '.join(sorted(seen.nodes))}"
    )
    return Server(
        id=sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16],
        address=seen.address,
        ports=seen.ports,
        state=ServerState.HERE,
        since=seen.first_at,
        placed_at=seen.first_at,
        first_at=seen.first_at,
        last_at=seen.last_at,
        target=seen.target,
        certificate=seen.certificate,
        nodes=_names(seen.nodes),
        asn=seen.asn,
    )


def _taken_at(former: Server, last: Server) -> datetime:
    """The earliest known moment after `former` was seen at which `last` stood there."""
    moments = (last.first_at, last.since, last.last_at)
    return min(each for each in moments if each >= former.last_at)


def _is_long_ago(server: Server, at: datetime) -> bool:
    return at - server.last_at >= WINDOW


def _by_certificate(
    known: dict[str, Server], drafts: dict[str, Server], seen_with: dict[int, set[Place]]
) -> dict[str, str]:
    """Draft to server, where one certificate belongs to exactly one of each."""
    wanted = {
        draft.certificate: key
        for key, draft in drafts.items()
        if draft.certificate is not None and len(seen_with[draft.certificate]) == 1
    }
    holders = Counter(each.certificate for each in known.values())
    return {
        wanted[server.certificate]: key
        for key, server in known.items()
        if server.certificate in wanted and holders[server.certificate] == 1
    }


def _by_nodes(known: dict[str, Server], drafts: dict[str, Server]) -> dict[str, str]:
    """Draft to server, where a node name near by belongs to exactly one of each."""
    if not known:
        return {}
    names = {name for draft in drafts.values() for name in draft.nodes}
    everybody = known | drafts
    named: dict[tuple[str, str | int], set[str]] = defaultdict(set)
    for key, each in everybody.items():
        for near in _near(each, names):
            named[near].add(key)
    pairs = {}
    for key, draft in drafts.items():
        others = {other for near in _near(draft, names) for other in named[near]} - {key}
        other = others.pop() if len(others) == 1 else None
        if other in known and _agree(draft, known[other]):
            pairs[key] = other
    claimed = Counter(pairs.values())
    return {draft: server for draft, server in pairs.items() if claimed[server] == 1}


def _near(server: Server, names: set[str]) -> Iterator[tuple[str, str | int]]:
    """The keys under which a server of the same node name is near by: network and AS."""
    for name in server.nodes & names:
        yield name, _network(server.address)
        if server.asn is not None:
            yield name, server.asn


def _network(address: str) -> str:
    if ":" in address:
        return str(ip_network(f"{address}/56", strict=False))
    return address.rpartition(".")[0]


def _agree(draft: Server, server: Server) -> bool:
    """Within a network a certificate may have been renewed; an AS is too wide for that."""
    known = draft.certificate is not None and server.certificate is not None
    same = draft.certificate == server.certificate
    return not known or same or _network(draft.address) == _network(server.address)
