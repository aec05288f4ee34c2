"""Limits of time, size and number, so that no server can hold us or fill us."""

from dataclasses import dataclass

from patchstand.errors import UsageError


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes; the defaults suit a slow server on a far line.

    `connect`: to open a connection, TLS included. `answer`: for one whole answer, so that
    a byte a second ends too. `target`: for one target altogether. `head` and `body`: bytes
    kept of one HTTP answer. `dialogue` and `lines`: of one mail session.
    """

    connect: float = 5.0
    answer: float = 10.0
    target: float = 90.0
    head: int = 32 * 1024
    body: int = 64 * 1024
    dialogue: int = 32 * 1024
    lines: int = 100


REQUESTS_PER_SERVER = 24
"""HTTP requests and mail sessions together, unless the user asks for another number."""


class Budget:
    """The requests one server may still be asked; counts those it was asked."""

    def __init__(self, limit: int = REQUESTS_PER_SERVER) -> None:
        """Allow `limit` requests.

        Raises:
            UsageError: less than one.
        """
        if limit < 1:
            raise UsageError("allow at least one request per server")
        self.limit = limit
        self.taken = 0

    @property
    def spent(self) -> bool:
        """True when nothing may be asked any more."""
        return self.taken >= self.limit

    def take(self) -> None:
        """Count one request, just before it is sent."""
        assert not self.spent, "ask `spent` first"
        self.taken += 1
