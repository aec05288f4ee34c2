"""Asking for a census as a user does, and stores made by hand to ask about."""

import io
import json
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from tests.workflow.present import seen

from patchstand import knowledge
from patchstand.cli.main import main
from patchstand.model import Knowledge, Place, Record
from patchstand.store.folder import Folder
from patchstand.store.writer import BatchWriter
from patchstand.workflow.conclude import Concluding

Document = dict[str, Any]
Pair = tuple[int, int]
"""How many servers surely, how many possibly."""

BATCH = "20240910T083000Z-3fa9c1"
LACKING, PATCHED, UNKNOWN = "15.2.1118.7", "15.2.1544.11", "Microsoft Exchange"
"""2019 CU12 as released; 2019 CU14 with all there was until November 2024; no build at all."""


def at(day: str, hour: int = 8) -> datetime:
    """A moment of a day, UTC."""
    return datetime.fromisoformat(f"{day}T00:00:00+00:00") + timedelta(hours=hour)


def looks(number: int, build: str, first: datetime, days: Iterable[int]) -> list[Record]:
    """One server that showed a build on each of these days after the first."""
    return [seen(number, build, first + timedelta(days=day)) for day in days]


def in_state(state: str | None, numbers: Iterable[int], build: str = LACKING) -> list[Record]:
    """Servers of one federal state, each seen once."""
    place = Place("DE", state, 64500, "health")
    return [replace(seen(number, build), place=place) for number in numbers]


def stored(
    root: Path, records: Iterable[Record], known: Knowledge | None = None, batch: str = BATCH
) -> Path:
    """A store with one more batch."""
    folder = Folder.open(root, datetime(2024, 1, 1, tzinfo=UTC))
    writer = BatchWriter(folder, batch, journaled=False)
    concluding = Concluding(known or knowledge.load(), datetime(2024, 9, 10, tzinfo=UTC).date())
    for record in records:
        writer.add(record, concluding.of(record))
    writer.seal()
    return root


def printed(root: Path, day: str, *words: str | Path) -> tuple[int, bytes, str]:
    """Exit code, standard output and standard error of `census --json`."""
    command = ["census", "--store", root, "--as-of", day, "--json", "--quiet", *words]
    raw, err = io.BytesIO(), io.StringIO()
    out = io.TextIOWrapper(raw, write_through=True)
    with redirect_stdout(out), redirect_stderr(err):
        code = main([str(word) for word in command])
    return code, raw.getvalue(), err.getvalue()


def asked(root: Path, day: str, *words: str | Path) -> Document:
    """What `census --json` says of a day."""
    code, out, err = printed(root, day, *words)
    assert code == 0, err
    found: Document = json.loads(out)
    return found


def pair(figure: Document) -> Pair:
    """Both counts of a figure."""
    return figure["n"], figure["n_high"]


def known_until(folder: Path, day: str) -> Path:
    """An override folder that holds what was known on a day, and its coverage ends there."""
    shipped = files("patchstand.knowledge") / "data"
    about, updates, cves = (
        json.loads((shipped / f"{name}.json").read_bytes()) for name in ("about", "updates", "cves")
    )
    about["covered_until"] = day
    about["months"] = [row for row in about["months"] if row["month"] <= day[:7]]
    updates["updates"] = [row for row in updates["updates"] if row["released"] <= day]
    cves["cves"] = [row for row in cves["cves"] if row["known_from"] <= day]
    builds = {row["build"] for row in updates["updates"]}
    for row in updates["updates"]:
        _forget(row, "withdrawn_on", day)
    for row in cves["cves"]:
        _forget(row, "kev", day)
        for line in row["lines"]:
            fixed = line.get("fixed", {})
            line["fixed"] = {cu: build for cu, build in fixed.items() if build in builds}
            if line.get("default_since") not in builds:
                line.pop("default_since", None)
    folder.mkdir()
    for name, rows in (("about", about), ("updates", updates), ("cves", cves)):
        (folder / f"{name}.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder


def _forget(row: Document, field: str, day: str) -> None:
    """What happened after a day was not known on it."""
    if row.get(field) and row[field] > day:
        del row[field]
