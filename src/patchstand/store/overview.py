"""What a store holds, batch by batch, read from the files themselves."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from patchstand.errors import StoreError
from patchstand.store.folder import Folder
from patchstand.store.integrity import under_way


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """One scan or import: what it stored; `finished` False: it can be resumed."""

    id: str
    finished: bool
    observations: int
    files: int
    bytes: int
    first_at: datetime | None
    last_at: datetime | None
    outcomes: dict[str, int]


def batch_counts(folder: Folder) -> list[BatchCounts]:
    """Every batch that has files or is under way, by id.

    Raises:
        StoreError: a file cannot be read.
    """
    ids = {each.batch for each in folder.files("observations")} | set(under_way(folder))
    return [_counts(folder, batch) for batch in sorted(ids)]


def _counts(folder: Folder, batch: str) -> BatchCounts:
    files = folder.files("observations", batch)
    outcomes: dict[str, int] = {}
    moments: list[datetime] = []
    for each in files:
        table = _read(each.path, ["observed_at", "outcome"])
        for pair in pc.value_counts(table["outcome"].cast(pa.string())).to_pylist():
            outcomes[pair["values"]] = outcomes.get(pair["values"], 0) + pair["counts"]
        ends = pc.min_max(table["observed_at"]).as_py()
        moments += [at for at in ends.values() if at is not None]
    return BatchCounts(
        id=batch,
        finished=batch not in under_way(folder),
        observations=sum(outcomes.values()),
        files=len(files),
        bytes=sum(each.path.stat().st_size for each in files),
        first_at=min(moments, default=None),
        last_at=max(moments, default=None),
        outcomes=dict(sorted(outcomes.items())),
    )


def _read(path: Path, columns: list[str]) -> pa.Table:
    try:
        return pq.read_table(path, columns=columns, partitioning=None)
    except (OSError, ValueError, pa.ArrowException) as error:
        first = str(error).splitlines()[0]
        raise StoreError(f"{path}: {first}; run `patchstand store check`") from error
