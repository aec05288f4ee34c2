"""Servers and their events in the database; the rule itself is in `servers`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, bindparam, delete, or_, select, update

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
    known = {server.id: server for server in all_servers(connection)}
    changes = follow(known.values(), gathered.seen(), missed)
    _write(connection, batch_id, known, changes)
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
    return Server(
        id=row.id,
        address=row.address,
        ports=row.ports,
        state=ServerState(row.state),
        since=row.since,
        placed_at=row.placed_at,
        first_at=row.first_at,
        last_at=row.last_at,
        target=row.target,
        certificate=row.certificate,
        nodes=frozenset(row.nodes.split()),
        asn=row.asn,
    )


def _write(
    connection: Connection, batch: str, known: dict[str, Server], changes: Sequence[Change]
) -> None:
    again, others = _apart(known, changes)
    later = update(servers).where(servers.c.id == bindparam("server"))
    for some in _chunks(again, CHUNK):
        rows = [{"server": each.id, "last_at": each.last_at} for each in some]
        connection.execute(later, rows)
    rest = [column.name for column in servers.columns if column.name != "id"]
    kept = upsert(connection, servers, change=rest)
    for some in _chunks(others, CHUNK):
        connection.execute(kept, [_server_row(each) for each in some])
    happened = [event for change in changes for event in change.events]
    new = upsert(connection, server_events)
    for chunk in _chunks(happened, CHUNK):
        connection.execute(new, [_event_row(event, batch) for event in chunk])


def _apart(
    known: dict[str, Server], changes: Sequence[Change]
) -> tuple[list[Server], list[Server]]:
    """Those that were only seen once more, which are nearly all; and the others."""
    again: list[Server] = []
    others: list[Server] = []
    for change in changes:
        server, before = change.server, known.get(change.server.id)
        only = before is not None and replace(before, last_at=server.last_at) == server
        (again if only else others).append(server)
    return again, others


def _event_row(event: ServerEvent, batch: str) -> dict[str, Any]:
    return {
        "server": event.server,
        "at": event.at,
        "kind": event.kind,
        "address": event.address,
        "ports": event.ports,
        "rule": event.rule,
        "batch": batch,
    }


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
