"""Servers and their events in the database; the rule itself is in `servers`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, delete, or_, select, update

from patchstand.store.batches import BatchKind, BatchState, one, upsert
from patchstand.store.database import alone
from patchstand.store.looks import Gathered
from patchstand.store.servers import Change, Server, ServerEvent, ServerState, follow
from patchstand.store.tables import batches, server_events, servers

Item = TypeVar("Item")

CHUNK = 2000
"""Rows sent to the database at once."""


def follow_batch(connection: Connection, batch_id: str, gathered: Gathered) -> Counter[ServerState]:
    """Carry a batch into the history; how many changes of each kind it made.

    A batch that is finished and was followed is left: it would change nothing. Only a
    finished scan says who was missed.

    Raises:
        UsageError: there is no such batch.
    """
    alone(connection, servers)
    batch = one(connection, batch_id)
    if batch.followed:
        return Counter()
    is_finished = batch.state is BatchState.FINISHED
    missed = gathered.missed() if is_finished and batch.kind is BatchKind.SCAN else []
    changes = follow(all_servers(connection), gathered.seen(), missed)
    _write(connection, batch_id, changes)
    if is_finished:
        connection.execute(update(batches).where(batches.c.id == batch_id).values(followed=True))
    return Counter(event.kind for change in changes for event in change.events)


def all_servers(connection: Connection) -> Iterator[Server]:
    """Every server that was ever seen, by id."""
    return _servers(connection, select(servers).order_by(servers.c.id))


def at_address(connection: Connection, address: str) -> list[Server]:
    """The servers that stand at an address, or stood there last."""
    return list(_servers(connection, select(servers).where(servers.c.address == address)))


def events(connection: Connection, server: str | None) -> list[ServerEvent]:
    """What happened to a server, or to all, in the order of time."""
    query = select(server_events).order_by(server_events.c.at, server_events.c.server)
    if server is not None:
        query = query.where(server_events.c.server == server)
    return [
        ServerEvent(row.server, row.at, ServerState(row.kind), row.address, row.ports, row.rule)
        for row in connection.execute(query)
    ]


def forget(connection: Connection, name: str) -> int:
    """Erase the servers of a name or address, with their events; how many.

    A server that was ever seen at the address is erased, also when it has moved since.
    """
    was_there = select(server_events.c.server).where(server_events.c.address == name)
    meant = or_(servers.c.address == name, servers.c.target == name, servers.c.id.in_(was_there))
    ids = list(connection.scalars(select(servers.c.id).where(meant)))
    for some in _chunks(ids, 500):
        connection.execute(delete(server_events).where(server_events.c.server.in_(some)))
        connection.execute(delete(servers).where(servers.c.id.in_(some)))
    return len(ids)


def _servers(connection: Connection, query: Select[Any]) -> Iterator[Server]:
    for row in connection.execute(query):
        yield _server(row)


def _server(row: Row[Any]) -> Server:
    ident, address, ports, state, *moments, target, certificate, nodes, asn = row
    names = frozenset(nodes.split())
    return Server(
        ident, address, ports, ServerState(state), *moments, target, certificate, names, asn
    )


def _write(connection: Connection, batch: str, changes: Sequence[Change]) -> None:
    rest = [column.name for column in servers.columns if column.name != "id"]
    kept = upsert(connection, servers, change=rest)
    for some in _chunks(changes, CHUNK):
        connection.execute(kept, [_server_row(change.server) for change in some])
    happened = [event for change in changes for event in change.events]
    for chunk in _chunks(happened, CHUNK):
        rows = [asdict(event) | {"batch": batch} for event in chunk]
        connection.execute(upsert(connection, server_events), rows)


def _server_row(server: Server) -> dict[str, Any]:
    return {
        "id": server.id,
        "address": server.address,
        "ports": server.ports,
        "state": server.state,
        "since": server.since,
        "placed_at": server.placed_at,
        "first_at": server.first_at,
        "last_at": server.last_at,
        "target": server.target,
        "certificate": server.certificate,
        "nodes": " ".join(sorted(server.nodes)),
        "asn": server.asn,
    }


def _chunks(rows: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rows = iter(rows)
    while chunk := list(islice(rows, size)):
        yield chunk
