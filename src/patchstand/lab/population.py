"""What an estate consists of: a JSON file, or one of the names `default`, `clean`, `hostile`.

    {"schema": "patchstand/population/1",
     "shares": {"2016": 30, "mixed": 2, "silent": 0.5},
     "offers": {"smtp": 0.85, "imap": 0.2, "pop": 0.15},
     "newest_cu": 0.6, "newest_update": 0.35, "released_from": "2021-06-29"}

`shares`: weight of each kind (see `lab/kinds`), of any sum. `offers`: the share of servers
on which an optional mail service listens. `newest_cu`: the share of servers on the newest
CU of their line, `newest_update`: the share on the newest update of their CU; the others
trail behind. `released_from` (optional): no build is older than this day.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec

from patchstand.errors import UsageError

NAMED = ("default", "clean", "hostile")
SCHEMA = "patchstand/population/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Weights per kind and how far its servers trail behind; all shares lie in 0..1."""

    shares: dict[str, float]
    offers: dict[str, float] = field(default_factory=dict)
    newest_cu: float = 0.6
    newest_update: float = 0.35
    released_from: date | None = None

    def counts(self, servers: int) -> dict[str, int]:
        """Split `servers` by the shares: largest remainder first, names break ties."""
        total = sum(self.shares.values())
        exact = {name: servers * share / total for name, share in self.shares.items()}
        counts = {name: int(value) for name, value in exact.items()}
        by_remainder = sorted(exact, key=lambda name: (counts[name] - exact[name], name))
        for name in by_remainder[: servers - sum(counts.values())]:
            counts[name] += 1
        return counts

    def only(self, kinds: set[str]) -> "Population":
        """The same population without the kinds that are not in `kinds`."""
        shares = {name: share for name, share in self.shares.items() if name in kinds}
        return replace(self, shares=shares)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    schema: Literal["patchstand/population/1"]
    shares: dict[str, float]
    offers: dict[str, float] = {}
    newest_cu: float = 0.6
    newest_update: float = 0.35
    released_from: date | None = None


def population(name_or_path: str) -> Population:
    """Return a named population, or the one in the file of this path.

    Raises:
        UsageError: there is no such file, or it breaks the format above.
    """
    try:
        if name_or_path in NAMED:
            text = files("patchstand.lab").joinpath("populations", f"{name_or_path}.json")
            return parse_population(text.read_bytes())
        return parse_population(Path(name_or_path).read_bytes())
    except OSError as error:
        names = ", ".join(NAMED)
        message = f"population {name_or_path}: not readable; give a JSON file or one of: {names}"
        raise UsageError(message) from error


def parse_population(text: bytes) -> Population:
    """Read the JSON format of the module's docstring.

    Raises:
        UsageError: it is not that format, or a share is out of range.
    """
    try:
        row = msgspec.json.decode(text, type=_File)
    except msgspec.MsgspecError as error:
        raise UsageError(f"population: {error}; see patchstand/lab/population.py") from error
    parts = [row.newest_cu, row.newest_update, *row.offers.values()]
    if min(row.shares.values(), default=0) < 0 or sum(row.shares.values()) <= 0:
        raise UsageError("population: shares must be zero or more, and one of them more")
    if not all(0 <= part <= 1 for part in parts):
        raise UsageError("population: offers, newest_cu and newest_update must lie in 0..1")
    return Population(
        shares=row.shares,
        offers=row.offers,
        newest_cu=row.newest_cu,
        newest_update=row.newest_update,
        released_from=row.released_from,
    )
