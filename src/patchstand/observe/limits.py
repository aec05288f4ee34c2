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
MOST_REQUESTS = 200
"""No option allows more of one server."""


class Budget:
    """The requests one server may still be asked; counts those it was asked.

    `attempts` counts connections, also those that fail: at most two for each request.
    """

    def __init__(self, limit: int = REQUESTS_PER_SERVER) -> None:
        """Allow `limit` requests.

        Raises:
            UsageError: less than one.
        """
        if not 1 <= limit <= MOST_REQUESTS:
            raise UsageError(f"allow between 1 and {MOST_REQUESTS} requests per server")
        self.limit = limit
        self.taken = 0
        self.attempts = 0

    @property
    def spent(self) -> bool:
        """True when nothing may be asked any more."""
        return self.taken >= self.limit

    def attempt(self) -> bool:
        """Count one connection; False when no more may be tried."""
        self.attempts += 1
        return self.attempts <= 2 * self.limit

    def take(self) -> None:
        """Count one request, just before it is sent.

        Raises:
            RuntimeError: nothing may be asked any more; `spent` was not looked at.
        """
        if self.spent:
            raise RuntimeError("the budget of this server is spent")
        self.taken += 1
