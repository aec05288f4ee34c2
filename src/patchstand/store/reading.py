"""What the observations of a batch show of servers, grouped so that equal rows come once."""

from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb

from patchstand.errors import StoreError
from patchstand.store.folder import Folder
from patchstand.store.looks import Look

_TOGETHER = 20_000
_QUERY = """
SELECT o.target, o.ports::VARCHAR, o.address, epoch_ms(max(o.observed_at)), o.outcome::VARCHAR,
    i.is_exchange, o.certificate, o.nodes, o.asn, epoch_ms(min(o.observed_at))
FROM read_parquet(?) AS o LEFT JOIN read_parquet(?) AS i ON o.identity = i.key
GROUP BY ALL ORDER BY ALL
"""


def looks(folder: Folder, batch: str) -> Iterator[Look]:
    """The looks of a batch, in a fixed order.

    Raises:
        StoreError: a file cannot be read.
    """
    files = [
        [str(each.path) for each in folder.files(table, batch)]
        for table in ("observations", "identities")
    ]
    if not all(files):
        return
    try:
        with duckdb.connect(":memory:") as duck:
            found = duck.execute(_QUERY, files)
            while rows := found.fetchmany(_TOGETHER):
                for row in rows:
                    last, first = _moment(row[3]), _moment(row[9])
                    yield Look._make((*row[:3], last, *row[4:9], first))
    except duckdb.Error as error:
        first_line = str(error).splitlines()[0]
        raise StoreError(f"{folder.root}: {first_line}; run `patchstand store check`") from error


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
