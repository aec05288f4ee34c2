"""The looks of a month, by server and time: those in a row that tell the same become one.

Where a month is one file that lies in this order, it is read piece by piece: that takes a
tenth of the memory. The rows of several files are put together first.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from patchstand.census.columns import Ints, codes, ends, in_one_piece, integers, one, replaced
from patchstand.census.reading import Observed, Source, observed, repeated, with_same
from patchstand.model import usual_ports

PLACE = ("country", "state", "asn", "sector")
WINDOW = 14
"""Days a server counts after its last observation (DESIGN, the definition of a population)."""
DAY_MS = 86_400_000
_COLUMNS = (
    "target", "ports", "address", "source", "observed_at", "identity", "certificate", *PLACE,
)  # fmt: skip
_ADDRESS = r"^(\d+\.\d+\.\d+\.\d+|.*:.*)$"
"""No name looks so; rows whose target is an address do not repeat it."""
MAIL = "mail"
"""The source whose records name servers on the way of a mail; many of those nobody can reach."""
_SAME = ("ports", "country", "state", "sector")
"""Texts that no row needs to carry where a month says the same in all of them."""
_AT_ONCE = 1 << 17
"""Rows of a piece."""
Same = Mapping[str, str]
"""Columns that say the same in every row, with their text."""
Badness = Callable[[int, int], tuple[int, int]]
"""How bad it is what an identity shows at a time (milliseconds since 1970); more is worse."""


def looks_of(
    sources: Sequence[Source], until: datetime | None, badness: Badness
) -> tuple[pa.Table, Same]:
    """The looks of these files before a moment, and the columns that say the same in all.

    Of the looks of a server at one moment the one counts that shows the worst. Servers that a
    mail names without an address are left out: their address may be counted already.

    The table has `address`, `ports`, `identity`, `certificate`, the place, and of each row
    the times of its first and its last look (`first`, `last`: milliseconds since 1970).
    Columns without a value are missing; all are where nothing was identified.

    Raises:
        StoreError: a file cannot be read.
    """
    files = [observed(source, _COLUMNS) for source in sources]
    if not any("identity" in file.columns for file in files):
        return pa.table({}), {}
    same = {
        name: word
        for name, word in files[0].same.items()
        if name in _SAME and all(file.same.get(name) == word for file in files)
    }
    found = _piece_by_piece(files[0], same, until) if len(files) == 1 else None
    return (_at_once(files, same, until, badness) if found is None else found), same


def _piece_by_piece(file: Observed, same: Same, until: datetime | None) -> pa.Table | None:
    """The looks of a file; None if its rows do not lie in order."""
    found = []
    for piece in file.pieces(_AT_ONCE):
        rows = _with_server(_before(_filled(piece, file, same), until), same)
        if not _lie_in_order(rows):
            return None
        found.append(_joined(rows))
    together = in_one_piece(pa.concat_tables(found))
    return together if _lie_in_order(together) else None


def _at_once(
    files: Sequence[Observed], same: Same, until: datetime | None, badness: Badness
) -> pa.Table:
    """The looks of files, whatever the order of their rows."""
    rows = _with_server(in_one_piece(_before(_together(files, same), until)), same)
    if _lie_in_order(rows):
        return _joined(rows)
    order = _order(rows)
    if _tied(servers(rows)[order], integers(rows["first"])[order]).any():
        return _joined(_worst(rows.take(pa.array(order)), badness))
    return _joined(rows, order)


def _order(rows: pa.Table) -> Ints:
    """What sorts rows by server and time; files mostly follow each other in time."""
    server, at = servers(rows), integers(rows["first"])
    found: Ints = np.argsort(server, kind="stable")
    sorted_server, sorted_at = server[found], at[found]
    later = (sorted_server[1:] > sorted_server[:-1]) | (sorted_at[1:] >= sorted_at[:-1])
    return found if later.all() else np.lexsort((at, server))


def _worst(rows: pa.Table, badness: Badness) -> pa.Table:
    """The rows, in order, with one for each server and moment: the one that shows the worst."""
    server, at = servers(rows), integers(rows["first"])
    tied = _tied(server, at)
    if "identity" not in rows.column_names:
        return rows
    among = np.flatnonzero(np.append(tied, False) | np.append(False, tied))
    keys, first, number = np.unique(
        codes(rows["identity"])[among], return_index=True, return_inverse=True
    )
    moments = at[among[first]]
    bad = [
        (badness(int(key), int(when)), int(key)) for key, when in zip(keys, moments, strict=True)
    ]
    of_key = np.empty(len(keys), np.int64)
    of_key[sorted(range(len(keys)), key=bad.__getitem__)] = np.arange(len(keys))
    rank = np.zeros(len(server), np.int64)
    rank[among] = of_key[number]
    order = np.lexsort((rank, at, server))  # those of one moment stay where they were
    return rows.take(pa.array(order[np.append(~tied, True)]))


def _tied(server: Ints, at: Ints) -> npt.NDArray[np.bool_]:
    """Where a row is of the same server and moment as the one before it."""
    found: npt.NDArray[np.bool_] = server[1:] == server[:-1]
    found &= at[1:] == at[:-1]
    return found


def _together(files: Sequence[Observed], same: Same) -> pa.Table:
    tables = [_filled(file.rows(), file, same) for file in files]
    return pa.concat_tables(tables, promote_options="default")


def _filled(rows: pa.Table, file: Observed, same: Same) -> pa.Table:
    rows = with_same(rows, file.same, set(file.same) - {"source", *same})
    return _with_address(rows, file.same.get("source"))


def _with_address(rows: pa.Table, source: str | None) -> pa.Table:
    """The rows without those in which a mail names a server, and without their source."""
    if "source" in rows.column_names:
        by_mail = pc.equal(rows["source"].cast(pa.string()), MAIL)
        rows = rows.drop_columns(["source"])
        return rows.filter(pc.invert(pc.and_(by_mail, _no_address(rows))))
    return rows.filter(pc.invert(_no_address(rows))) if source == MAIL else rows


def _no_address(rows: pa.Table) -> pa.Array | pa.ChunkedArray:
    """Where the address is not known."""
    return address_of(rows).is_null()


def address_of(rows: pa.Table) -> pa.ChunkedArray:
    """The address of each row, which may be its target; null where only a name is known."""
    target = rows["target"].cast(pa.string())
    is_name = pc.invert(pc.match_substring_regex(target, _ADDRESS))
    asked = pc.if_else(is_name, pa.scalar(None, pa.string()), target)
    if "address" not in rows.column_names:
        return asked
    return pc.coalesce(rows["address"].cast(pa.string()), asked)


def _before(rows: pa.Table, until: datetime | None) -> pa.Table:
    if until is None:
        return rows
    return rows.filter(pc.less(rows["observed_at"], pa.scalar(until)))


def _with_server(rows: pa.Table, same: Same) -> pa.Table:
    """The rows with the server of each, and the times of its first and its last look."""
    address, ports = servers_of(rows, same.get("ports"))
    at = pa.array(integers(rows["observed_at"]))
    rows = rows.drop_columns(["target", "observed_at"])
    for name, column in (("address", address), ("ports", ports), ("first", at), ("last", at)):
        rows = replaced(rows, name, column)
    return rows


def servers_of(
    rows: pa.Table, all_ports: str | None = None
) -> tuple[pa.DictionaryArray, pa.DictionaryArray]:
    """Address and ports of each row of observations, which together are a server.

    `all_ports`: the ports of every row, where these are not among the columns.
    """
    address = rows["target"]
    if "address" in rows.column_names:
        texts = [rows[name].cast(pa.string()) for name in ("address", "target")]
        address = pc.coalesce(*texts).dictionary_encode()
    if "ports" not in rows.column_names:
        return one(address), repeated(usual_ports(all_ports or ""), len(rows))
    listed = one(rows["ports"])
    usual = [usual_ports(text) for text in listed.dictionary.to_pylist()]
    words = sorted({"", *usual})
    number = np.array([words.index(text) for text in usual] + [0], np.int32)
    return one(address), pa.DictionaryArray.from_arrays(number[codes(listed)], words)


def servers(rows: pa.Table) -> Ints:
    """Numbers that are equal where address and ports are."""
    address, ports = one(rows["address"]), one(rows["ports"])
    if len(ports.dictionary) == 1:
        return codes(address)
    return codes(address).astype(np.int64) * len(ports.dictionary) + codes(ports)


def _lie_in_order(rows: pa.Table) -> bool:
    """Whether the looks of each server lie together and in the order of time, no two at one."""
    server, first, last = servers(rows), integers(rows["first"]), integers(rows["last"])
    later = server[1:] > server[:-1]
    later |= first[1:] > last[:-1]
    return bool(later.all() and (server[1:] >= server[:-1]).all())


def _joined(rows: pa.Table, order: Ints | None = None) -> pa.Table:
    """Rows in order of which those in a row that tell the same are one, with the last's values.

    `order`: what sorts them, where they do not lie so.
    """
    if not len(rows):
        return rows
    told = ("first", "last", *(each for each in ("identity", *PLACE) if each in rows.column_names))
    columns = (codes(rows[name]) for name in told)
    if order is not None:  # one after the other: all at once would be twice the month
        columns = (column[order] for column in columns)
    server = servers(rows) if order is None else servers(rows)[order]
    begin, end = next(columns), next(columns)
    first, last = ends(server, begin, end, columns, WINDOW * DAY_MS)
    at = last if order is None else order[last]
    found = replaced(rows.take(pa.array(at)), "first", pa.array(begin[first]))
    few = one(found["address"]).cast(pa.string()).dictionary_encode()  # not those of the whole file
    return replaced(found, "address", few)
