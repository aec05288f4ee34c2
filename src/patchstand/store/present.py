"""The Exchange servers that are present on a day: each by its last observation.

A server is one address and port. Looks that failed say nothing; a later look that surely
shows something else ends the server.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import duckdb
import pyarrow as pa

from patchstand.errors import UsageError
from patchstand.model import Place, usual_ports
from patchstand.store.export import Selection, connected, paths
from patchstand.store.folder import Folder, TableFile

WINDOW = 14
"""Days a server counts after its last observation (DESIGN, the definition of a population)."""
_TOGETHER = 10_000

_LAST = """
SELECT s.target, s.place AS address, s.ports, epoch_ms(s.observed_at) AS at, s.source, s.nodes,
    s.country, s.state, s.asn, s.sector, i.lines, i.builds, i.or_later, i.precision,
    i.reason
FROM (
    SELECT DISTINCT ON (place, usual) *
    FROM (
        SELECT o.target, o.address, o.ports, o.observed_at, o.source, o.nodes, o.country,
            o.state, o.asn, o.sector, o.scan, o.identity, coalesce(o.address, o.target) AS place,
            u.usual, d.is_exchange
        FROM read_parquet($observations) o
        JOIN usual u ON u.ports = coalesce(o.ports, '')
        JOIN drawn d ON d.key = o.identity AND d.scan = o.scan
        WHERE o.observed_at >= $since AND o.observed_at < $until AND d.is_exchange IS NOT NULL
    )
    ORDER BY place, usual, observed_at DESC, is_exchange DESC, scan, target, identity
) AS s
JOIN drawn i ON i.key = s.identity AND i.scan = s.scan
WHERE s.is_exchange
ORDER BY s.place, s.usual
"""
_DRAWN = """
CREATE TABLE drawn AS SELECT DISTINCT ON (scan, key)
    scan, key, is_exchange, lines, builds, or_later, precision, reason
FROM read_parquet($identities)
ORDER BY scan, key
"""

_SPAN = """
SELECT strftime(min(observed_at) AT TIME ZONE 'UTC', '%Y-%m-%d'),
    strftime(max(observed_at) AT TIME ZONE 'UTC', '%Y-%m-%d')
FROM read_parquet($observations)
"""


@dataclass(frozen=True, slots=True)
class PresentServer:
    """A server by its last observation, in the clear: what was identified, not judged.

    `address` is None for a server that is known by its name only. `builds` and `lines` are
    texts as stored; `observed_at` is UTC.
    """

    target: str
    address: str | None
    ports: str
    observed_at: datetime
    source: str
    nodes: tuple[str, ...]
    place: Place
    lines: tuple[str, ...]
    builds: tuple[str, ...]
    or_later: bool
    precision: str
    reason: str | None


def window(scan: str | None, as_of: date) -> Selection:
    """The observations by which a server is present on a day, of one scan or of all."""
    return Selection(scan, as_of - timedelta(days=WINDOW), as_of)


def present(folder: Folder, selection: Selection) -> Iterator[PresentServer]:
    """The servers present by the observations of a `window`, sorted by address and port.

    Raises:
        UsageError: the store holds no observation, or no Exchange server in that window.
        StoreError: the store cannot be read.
    """
    files = [each for batch in selection.files(folder).values() for each in batch]
    found = False
    for row in _rows(folder, files, selection) if files else ():
        found = True
        yield _server(row)
    if not found:
        raise UsageError(_nothing(folder, selection))


def _rows(folder: Folder, files: list[TableFile], selection: Selection) -> Iterator[dict[str, Any]]:
    batches = sorted({each.batch for each in files})
    identities = [each for batch in batches for each in folder.files("identities", batch)]
    given = {"observations": paths(files), **selection.moments()}
    with connected(folder) as duck:
        _usual(duck, given["observations"])
        duck.execute(_DRAWN, {"identities": paths(identities)})
        answer = duck.execute(_LAST, given)
        names = [column[0] for column in answer.description or ()]
        while some := answer.fetchmany(_TOGETHER):
            yield from (dict(zip(names, row, strict=True)) for row in some)


def _usual(duck: duckdb.DuckDBPyConnection, observations: object) -> None:
    """The few ways in which ports are written, each with the ports that tell servers apart."""
    asked = "SELECT DISTINCT coalesce(ports, '') FROM read_parquet($observations)"
    written = [row[0] for row in duck.execute(asked, {"observations": observations}).fetchall()]
    usual = [usual_ports(ports) for ports in written]
    table = {"ports": pa.array(written, pa.string()), "usual": pa.array(usual, pa.string())}
    duck.register("usual", pa.table(table))


def _server(row: dict[str, Any]) -> PresentServer:
    place = Place(row["country"], row["state"], row["asn"], row["sector"])
    return PresentServer(
        target=row["target"],
        address=row["address"] if _is_address(row["address"]) else None,
        ports=row["ports"] or "",
        observed_at=datetime.fromtimestamp(row["at"] / 1000, UTC),
        source=row["source"],
        nodes=tuple((row["nodes"] or "").split()),
        place=place,
        lines=tuple(row["lines"] or ()),
        builds=tuple(row["builds"] or ()),
        or_later=bool(row["or_later"]),
        precision=row["precision"],
        reason=row["reason"],
    )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _nothing(folder: Folder, selection: Selection) -> str:
    """Why there is no server to speak of; "none" and "not looked" must not read alike."""
    files = [each for batch in Selection(selection.scan).files(folder).values() for each in batch]
    if not files:
        return "the store holds no observation; scan or import first"
    with connected(folder) as duck:
        first, last = duck.execute(_SPAN, {"observations": paths(files)}).fetchone() or ("", "")
    return (
        f"no Exchange server was observed from {selection.since} to {selection.until};"
        f" the observations are of {first} to {last}: choose another day with --as-of"
    )
