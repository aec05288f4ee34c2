"""Picks what runs on a server: its build, the version it shows, its Windows and its habits.

Which updates exist is an argument; the choice is random, repeatable by seed, and shaped
like the field: many servers on the newest CU, a minority on its newest update.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from random import Random

from patchstand.lab.exchange_mail import LANGUAGES
from patchstand.lab.population import Population
from patchstand.lab.servers import DOMAIN, Node, Tls
from patchstand.model import Build, ProductLine, Update

# X-OWA-Version comes in with the CUs and SUs of mid-2021; before, 2013 on is silent.
HEADER_SINCE = date(2021, 6, 29)
_TRAIL = 0.75
_IIS_OF_CLASSIC = {ProductLine.V2003: ("6.0",), ProductLine.V2007: ("6.0", "7.0", "7.5")}
_IIS_OF_CLASSIC[ProductLine.V2010] = ("7.0", "7.5", "7.5")
_IIS_10_SINCE = Build((15, 1, 544, 27))  # 2016 CU3: the first that installs on Server 2016
_BUILDS_OF_2003 = {6944: "6.5.6944.0", 7226: "6.5.7226.0", 7638: "6.5.7638.1"}
_NAMES = ("EX{:02}", "MAIL{:02}", "SRV-EX{:02}", "EXCHANGE{:02}", "VM-EXCH-{:02}", "MBX{:02}")


@dataclass(frozen=True, slots=True)
class _Cu:
    """One CU with its builds up to the date, oldest first, each with the one before it."""

    builds: tuple[Update, ...]


class Choice:
    """Draws nodes from the updates released by a date; all randomness is `rng`'s.

    `lines` are the product lines of which at least one build was out by then.
    """

    def __init__(
        self, rng: Random, updates: Sequence[Update], as_of: date, population: Population
    ) -> None:
        self.rng = rng
        self.population = population
        known = [row for row in updates if row.released <= as_of and row.cu != "Preview"]
        known.sort(key=lambda row: row.build)
        self._before = {later.build: row.build for row, later in pairwise(known)}
        self._in_cu: dict[tuple[int, ...], int] = {}
        for row in known:
            self._in_cu[row.build.cu_key] = self._in_cu.get(row.build.cu_key, 0) + 1
        self._cus = _by_line(known, population.released_from)

    @property
    def lines(self) -> frozenset[ProductLine]:
        """The lines a node can be of."""
        return frozenset(self._cus)

    def nodes(self, line: ProductLine, how_many: int, number: int) -> tuple[Node, ...]:
        """Draw the back ends of server `number`; where possible not all of one build."""
        names = self._names(how_many)
        domain = f"corp{number:05d}.{DOMAIN}"
        nodes = [self.node(line, name, domain) for name in names]
        for _ in range(8):
            if how_many == 1 or len({node.build for node in nodes}) > 1:
                break
            nodes[-1] = self.node(line, names[-1], domain)
        return tuple(nodes)

    def _names(self, how_many: int) -> list[str]:
        pattern = self.rng.choice(_NAMES)
        first = self.rng.randint(1, 9)
        return [pattern.format(first + offset) for offset in range(how_many)]

    def node(self, line: ProductLine, name: str, domain: str) -> Node:
        """Draw one node of `line`."""
        update = self._update(line)
        iis = self._iis(update.build, line)
        return Node(
            name=name,
            domain=domain,
            line=line,
            build=update.build,
            shown=self._shown(update.build, line),
            iis=iis,
            tls=Tls.ANY if line is ProductLine.SE and self.rng.random() < 0.5 else Tls.ONLY_1_2,
            says_version=_says_version(update, line),
            has_manifest=line.rank >= ProductLine.V2013.rank and self.rng.random() < 0.15,
            only_of_its_cu=self._in_cu[update.build.cu_key] == 1,
            powershell=self.rng.choice((401, 401, 403, 404)),
            language=self.rng.choice(("en", "en", "en", "de", "de", *LANGUAGES[2:])),
        )

    def _update(self, line: ProductLine) -> Update:
        cus = self._cus[line]
        cu = cus[self._back(len(cus), self.population.newest_cu)]
        return cu.builds[self._back(len(cu.builds), self.population.newest_update)]

    def _back(self, length: int, newest: float) -> int:
        """An index counted from the end: -1 with probability `newest`, then trailing off."""
        if length == 1 or self.rng.random() < newest:
            return -1
        weights = [_TRAIL**step for step in range(length - 1)]
        return -2 - self.rng.choices(range(length - 1), weights)[0]

    def _shown(self, build: Build, line: ProductLine) -> str:
        """The version a web component prints: on 2007 and 2010 sometimes a little below."""
        if line is ProductLine.V2003:
            return _BUILDS_OF_2003.get(build.parts[2], str(build))
        classic = line in (ProductLine.V2007, ProductLine.V2010)
        if not classic or self.rng.random() < 0.6:
            return str(build)
        return str(self._component(build))

    def _component(self, build: Build) -> Build:
        """A version between the build before and this one, such as 14.3.487.0 for .496.0."""
        major, minor, third, fourth = build.parts
        before = self._before.get(build)
        floor = before.parts[2] if before and before.branch == build.branch else 0
        lower = third - self.rng.randint(1, 9)
        if lower > floor:
            return Build((major, minor, lower, 0))
        below = Build((major, minor, third, fourth - 1)) if fourth > 1 else build
        return build if below == before else below  # a published number would be that build

    def _iis(self, build: Build, line: ProductLine) -> str:
        if line in _IIS_OF_CLASSIC:
            return self.rng.choice(_IIS_OF_CLASSIC[line])
        if line is ProductLine.V2013:
            return self.rng.choice(("7.5", "8.0", "8.5", "8.5"))
        if line is ProductLine.V2016 and build < _IIS_10_SINCE:
            return self.rng.choice(("8.0", "8.5"))
        return self.rng.choice(("8.5", "10.0", "10.0")) if line is ProductLine.V2016 else "10.0"


def _says_version(update: Update, line: ProductLine) -> bool:
    if line.rank < ProductLine.V2013.rank:
        return line is not ProductLine.V2003
    return update.released >= HEADER_SINCE


def _by_line(known: Sequence[Update], released_from: date | None) -> dict[ProductLine, list[_Cu]]:
    """Group by line and CU, oldest first; four-part builds only from 2007 on."""
    grouped: dict[ProductLine, dict[str, list[Update]]] = {}
    for row in known:
        if released_from is None or row.released >= released_from:
            grouped.setdefault(row.line, {}).setdefault(row.cu, []).append(row)
    return {
        line: [_Cu(tuple(rows)) for rows in sorted(cus.values(), key=lambda rows: rows[0].build)]
        for line, cus in grouped.items()
    }
