"""What `store` did, as documents; their schemas lie in docs/schema/."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from patchstand.store.overview import BatchCounts
from patchstand.workflow.store import Checked, Erased, Purged, SeenServer

Document = dict[str, Any]


def batch_document(batch: BatchCounts) -> Document:
    """One scan or import with its counts."""
    moments = {"first_at": _moment(batch.first_at), "last_at": _moment(batch.last_at)}
    return {"schema": "patchstand/batch/1"} | asdict(batch) | moments


def server_document(server: SeenServer) -> Document:
    """One server over time."""
    moments = {name: _moment(getattr(server, name)) for name in ("since", "first_at", "last_at")}
    return {"schema": "patchstand/server/1"} | asdict(server) | moments


def check_document(found: Checked, *, dry_run: bool) -> Document:
    """What a check found, and what it set right."""
    defects = [
        {
            "path": each.path,
            "trouble": each.trouble.value,
            "detail": each.detail,
            "remedy": each.remedy,
        }
        for each in found.defects
    ]
    return _document("check", dry_run=dry_run) | asdict(found) | {"defects": defects}


def purge_document(gone: Sequence[Purged], *, dry_run: bool) -> Document:
    """The months of raw answers that went."""
    return _document("purge", dry_run=dry_run) | {"removed": [asdict(each) for each in gone]}


def erase_document(done: Erased) -> Document:
    """What an erasure removed."""
    lists = {"pseudonyms": [*done.pseudonyms], "aside": [*done.aside]}
    return _document("erase", dry_run=False) | asdict(done) | lists


def _document(action: str, *, dry_run: bool) -> Document:
    return {"schema": f"patchstand/store-{action}/1", "dry_run": dry_run}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
