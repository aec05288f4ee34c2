"""Counts over the observations of one batch, for the end of a scan or an import."""

from collections import Counter

import duckdb

from patchstand.errors import StoreError
from patchstand.store.folder import Folder

_QUERY = """
SELECT o.outcome::VARCHAR, i.is_exchange, i.line, i.class, count(*)
FROM read_parquet(?) AS o LEFT JOIN read_parquet(?) AS i ON o.identity = i.key
GROUP BY ALL
"""


def tally(folder: Folder, batch: str) -> dict[str, Counter[str]]:
    """Observations by `outcomes`, and Exchange servers by `lines` and `classes`.

    Raises:
        StoreError: a file cannot be read.
    """
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("outcomes", "lines", "classes")}
    files = [
        [str(each.path) for each in folder.files(table, batch)]
        for table in ("observations", "identities")
    ]
    if not all(files):
        return counts
    try:
        with duckdb.connect(":memory:") as duck:
            duck.execute("SET enable_progress_bar = false")  # it would stand on stdout
            rows = duck.execute(_QUERY, files).fetchall()
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise StoreError(f"{folder.root}: {first}; run `patchstand store check`") from error
    for outcome, is_exchange, line, server_class, number in rows:
        counts["outcomes"][outcome] += number
        if is_exchange:
            counts["lines"][line or "several"] += number
            counts["classes"][server_class] += number
    return counts
