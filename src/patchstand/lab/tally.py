"""Counts what clients did to each address, so that their politeness can be checked."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from patchstand.lab.servers import Service

_MOST_QUESTIONS = 10_000


@dataclass(slots=True)
class Visits:
    """What one address saw: numbers per service, and the most connections at one time."""

    connections: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    open: int = 0
    most_at_once: int = 0


class Tally:
    """Counts per address, and the distinct questions over all (cut at 10,000).

    A question is a request line (`GET /owa/`), a mail command, or a user agent.
    """

    def __init__(self) -> None:
        self.visits: dict[str, Visits] = {}
        self.questions: Counter[str] = Counter()
        self.user_agents: Counter[str] = Counter()

    def connected(self, address: str, service: Service) -> None:
        """A connection was accepted."""
        visits = self.visits.setdefault(address, Visits())
        visits.connections[service.value] += 1
        visits.open += 1
        visits.most_at_once = max(visits.most_at_once, visits.open)

    def closed(self, address: str) -> None:
        """A connection ended."""
        self.visits[address].open -= 1

    def asked(self, address: str, service: Service, question: str, agent: str = "") -> None:
        """A request or a mail command arrived."""
        self.visits[address].requests[service.value] += 1
        _count(self.questions, question)
        if agent:
            _count(self.user_agents, agent)

    def record(self) -> dict[str, Any]:
        """All counts as one JSON value; addresses without a visit are left out."""
        return {
            "schema": "patchstand/lab-counts/1",
            "questions": dict(self.questions.most_common()),
            "user_agents": dict(self.user_agents.most_common()),
            "addresses": {address: _row(seen) for address, seen in self.visits.items()},
        }


def _count(counter: Counter[str], text: str) -> None:
    if text in counter or len(counter) < _MOST_QUESTIONS:
        counter[text] += 1


def _row(visits: Visits) -> dict[str, Any]:
    return {
        "connections": dict(visits.connections),
        "requests": dict(visits.requests),
        "most_at_once": visits.most_at_once,
    }
