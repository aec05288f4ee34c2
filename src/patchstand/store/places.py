"""Where a server stands and whose it is: from local files the user has, never asked online.

Files may be MaxMind databases (`.mmdb`: GeoLite2, DB-IP, IPinfo), the registries'
`delegated-*` files, and CSV. For each field the most specific network that knows it wins,
between equal ones the file named later; what is known of a name wins over its address.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_pton

from patchstand.errors import UsageError
from patchstand.model import NOWHERE, Place
from patchstand.store.place_files import Row, read_place_file
from patchstand.store.place_mmdb import Database, is_mmdb
from patchstand.store.place_tables import FIELDS, Known, Table, build_table

_MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291, section 2.5.5.2


class Places:
    """Answers where an address or a name is; made once, asked for every server."""

    def __init__(
        self,
        tables: dict[int, Table],
        names: dict[str, Place],
        databases: Sequence[Database] = (),
    ) -> None:
        """Take what was read; use `load`."""
        self._four, self._six = tables[4], tables[6]
        self._names = names
        self._databases = databases

    @classmethod
    def load(cls, paths: Sequence[Path]) -> "Places":
        """Read the files; their order decides between equally specific networks.

        Raises:
            UsageError: a file cannot be read; names it and, in a text file, the line.
        """
        rows: dict[int, list[Row]] = {4: [], 6: []}
        names: dict[str, Place] = {}
        databases = []
        for rank, path in enumerate(paths):
            try:
                if is_mmdb(path):
                    databases.append(Database(path, rank))
                    continue
                for row in read_place_file(path, rank):
                    if row.name is not None:
                        names[row.name] = _over(names.get(row.name, NOWHERE), row.place)
                    else:
                        rows[row.version].append(row)
            except OSError as error:
                raise UsageError(f"{path}: {error.strerror or error}") from error
        return cls({each: build_table(rows[each], each) for each in rows}, names, databases)

    def of(self, address: str | None, name: str | None = None) -> Place:
        """The place of an address, of a name, or of both; unknown fields are None."""
        place = self._of_address(address) if address else NOWHERE
        if name and self._names:
            place = reduce(_over, self._of_name(name), place)
        return place

    def _of_address(self, address: str) -> Place:
        try:
            if ":" in address:
                packed = inet_pton(AF_INET6, address)
                if packed[:12] == _MAPPED:
                    packed = packed[12:]
            else:
                packed = inet_pton(AF_INET, address)
        except OSError:
            return NOWHERE  # a name where an address should stand
        table = self._four if len(packed) == 4 else self._six
        known = table.known[table.which[bisect_right(table.starts, int.from_bytes(packed)) - 1]]
        if self._databases:
            return self._asked(packed, known)
        return known.place

    def _asked(self, packed: bytes, known: Known) -> Place:
        """The same, with the databases asked too."""
        every = [known, *(database.of(packed) for database in self._databases)]
        best = {
            name: min(
                (each.sizes[at], -each.ranks[at], getattr(each.place, name))
                for each in every
                if each.sizes[at] is not None
            )[2]
            for at, name in enumerate(FIELDS)
            if any(each.sizes[at] is not None for each in every)
        }
        return Place(**best)

    def _of_name(self, name: str) -> list[Place]:
        """What is known of the name and of the domains above it, the widest first."""
        labels = name.rstrip(".").lower().split(".")
        above = (".".join(labels[at:]) for at in range(len(labels) - 1, -1, -1))
        return [place for domain in above if (place := self._names.get(domain)) is not None]


def _over(below: Place, above: Place) -> Place:
    """`above`, and what only `below` knows."""
    known = {name: value for name in FIELDS if (value := getattr(above, name)) is not None}
    return replace(below, **known)
