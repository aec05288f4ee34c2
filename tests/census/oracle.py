"""A census as slowly and plainly as it can be written: server by server, look by look."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from patchstand.assess import judge_set
from patchstand.assess.dates import whole_months
from patchstand.assess.support import support_at
from patchstand.model import (
    Assessment,
    BuildAssessment,
    CveVerdict,
    Knowledge,
    PhaseName,
    Record,
    ServerClass,
    Status,
    usual_ports,
)
from patchstand.workflow.conclude import Concluding

Pair = tuple[int, int]
"""How many surely, how many possibly."""


@dataclass(frozen=True)
class Look:
    day: date
    is_exchange: bool
    lines: tuple[str, ...]
    builds: tuple[Any, ...]
    reason: str | None
    record: Record


def looks_by_server(records: Iterable[Record], known: Knowledge) -> dict[Any, list[Look]]:
    """What each server (address and ports) showed, by time; of one moment what is worst."""
    concluding = Concluding(known, date(2026, 1, 1))
    found: dict[Any, list[Look]] = defaultdict(list)
    for record in records:
        conclusion = concluding.of(record)
        if conclusion.is_exchange is None:
            continue
        found[record.address or record.target, usual_ports(record.ports)].append(
            Look(
                record.observed_at.date(),
                conclusion.is_exchange,
                tuple(line.value for line in conclusion.lines),
                conclusion.builds,
                conclusion.reason,
                record,
            )
        )
    return {server: _worst_of_moments(seen, known) for server, seen in found.items()}


def _worst_of_moments(seen: list[Look], known: Knowledge) -> list[Look]:
    """One look for each moment: another product is least bad, then by class and days open."""

    def badness(look: Look) -> tuple[bool, int, int]:
        judged = judge_set(known, look.builds, look.reason, look.day)
        bad = ("not_vulnerable", "undetermined", "vulnerable").index(judged.server_class.value)
        days = judged.high.days if judged.high and judged.high.since else -1
        return look.is_exchange, bad, days

    moments: dict[datetime, list[Look]] = defaultdict(list)
    for look in seen:
        moments[look.record.observed_at].append(look)
    return [
        found[0] if len(found) == 1 else max(found, key=badness)
        for _, found in sorted(moments.items())
    ]


def present(looks: dict[Any, list[Look]], day: date) -> dict[Any, Look]:
    """The population: by server the last look, at most 14 days old, that shows an Exchange."""
    found = {}
    for server, seen in looks.items():
        until = [look for look in seen if look.day <= day]
        if until and until[-1].is_exchange and (day - until[-1].day).days <= 14:
            found[server] = until[-1]
    return found


class Oracle:
    def __init__(self, looks: dict[Any, list[Look]], known: Knowledge, day: date) -> None:
        self.looks, self.known, self.day = looks, known, day
        self.servers = present(looks, day)

    def judged(self, look: Look) -> Assessment:
        return judge_set(self.known, look.builds, look.reason, self.day)

    def count(self, holds: Callable[[Look], tuple[bool, bool]]) -> Pair:
        found = [holds(look) for look in self.servers.values()]
        return sum(low for low, _ in found), sum(high for _, high in found)

    def of_class(self, wanted: ServerClass) -> int:
        return sum(self.judged(look).server_class is wanted for look in self.servers.values())

    def behind(self, months: int) -> Pair:
        def holds(look: Look) -> tuple[bool, bool]:
            members = self.judged(look).members
            if not members:
                return False, True
            each = [
                m.behind.since is not None and whole_months(m.behind.since, self.day) >= months
                for m in members
            ]
            return all(each), any(each)

        return self.count(holds)

    def flaws(
        self, surely: Callable[[CveVerdict], bool], maybe: Callable[[CveVerdict], bool]
    ) -> Pair:
        def holds(look: Look) -> tuple[bool, bool]:
            members = self.judged(look).members
            if not members:
                return False, True
            low = [self._open(m, surely, (Status.AFFECTED,)) for m in members]
            high = [self._open(m, maybe, (Status.AFFECTED, Status.UNDETERMINED)) for m in members]
            return all(low), any(high)

        return self.count(holds)

    def _open(
        self,
        member: BuildAssessment,
        matters: Callable[[CveVerdict], bool],
        statuses: tuple[Any, ...],
    ) -> bool:
        return any(
            cve.counts_for_class and cve.status in statuses and matters(cve) for cve in member.cves
        )

    def cve(self, name: str) -> Pair:
        def holds(look: Look) -> tuple[bool, bool]:
            judged = self.judged(look)
            if not judged.members:
                return False, True
            status = next((cve.status for cve in judged.cves if cve.id == name), Status.FIXED)
            return status is Status.AFFECTED, status in (Status.AFFECTED, Status.UNDETERMINED)

        return self.count(holds)

    def line(self, name: str) -> Pair:
        return self.count(
            lambda look: (look.lines == (name,), not look.lines or name in look.lines)
        )

    def support(self, *phases: PhaseName) -> Pair:
        def holds(look: Look) -> tuple[bool, bool]:
            found = {m.support.phase for m in self.judged(look).members}
            if not found:
                return self._by_lines(look, phases)
            return found <= set(phases), bool(found & set(phases))

        return self.count(holds)

    def _by_lines(self, look: Look, phases: tuple[PhaseName, ...]) -> tuple[bool, bool]:
        found = {
            support_at(self.known, line, cu, self.day).phase
            for line, cu in self.known.support
            if line.value in look.lines
        }
        return bool(found) and found <= set(phases), not found or bool(found & set(phases))

    def movement(self, days: int) -> dict[str, int]:
        """Who is new, gone and back, by looking at every day for every server."""
        begin = self.day - timedelta(days=days)
        found = {"new": 0, "gone": 0, "back": 0}
        for seen in self.looks.values():
            there = _days_there(seen, self.day)
            is_new = bool(there) and there[0] > begin
            if there and there[-1] == self.day:
                found["new"] += is_new
                found["back"] += not is_new and any(
                    after - before > timedelta(days=1) and after > begin
                    for before, after in pairwise(there)
                )
            else:
                found["gone"] += begin in there
        return found


def _days_there(seen: list[Look], until: date) -> list[date]:
    """The days up to one on which a server counts: 14 after a look, or until the next."""
    found: set[date] = set()
    for at, look in enumerate(seen):
        if look.day > until:
            break
        last = look.day + timedelta(days=14)
        if at + 1 < len(seen):
            last = min(last, seen[at + 1].day - timedelta(days=1))
        if look.is_exchange:
            span = (min(last, until) - look.day).days + 1
            found |= {look.day + timedelta(days=n) for n in range(span)}
    return sorted(found)
