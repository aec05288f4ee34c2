"""Security releases by name: `Mar21SU` is one release, whatever number of CUs it is for."""

from dataclasses import dataclass
from datetime import date
from weakref import WeakKeyDictionary

from patchstand.model import Build, Knowledge, ProductLine, Update


@dataclass(frozen=True, slots=True)
class Family:
    """All builds of one line that carry one security release."""

    name: str
    released: date
    rows: tuple[Update, ...]
    newest: Build

    def row_on(self, cu: str) -> Update | None:
        """The first build of this release on a CU; None if the CU never got it."""
        return next((row for row in self.rows if row.cu == cu), None)

    def is_in(self, build: Build, cu: str) -> bool:
        """True when the build contains the release.

        It does when its own CU got the release and it is at least that build, or when it
        is at least the newest build that got it. A CU that never got it lacks it.
        """
        if build >= self.newest:
            return True
        row = self.row_on(cu)
        return row is not None and build >= row.build


_cache: WeakKeyDictionary[Knowledge, dict[ProductLine, tuple[Family, ...]]] = WeakKeyDictionary()


def families(knowledge: Knowledge, line: ProductLine) -> tuple[Family, ...]:
    """The security releases of a line, oldest first (only updates known to be security)."""
    by_line = _cache.setdefault(knowledge, {})
    if line not in by_line:
        by_line[line] = _group(knowledge.of_line(line))
    return by_line[line]


def _group(updates: tuple[Update, ...]) -> tuple[Family, ...]:
    rows: dict[str, list[Update]] = {}
    for update in updates:
        if update.security:
            rows.setdefault(update.family, []).append(update)
    found = [
        Family(
            name=name,
            released=min(row.released for row in members),
            rows=tuple(members),
            newest=max(row.build for row in members),
        )
        for name, members in rows.items()
    ]
    return tuple(sorted(found, key=lambda family: (family.released, family.name)))
