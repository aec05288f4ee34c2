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


class Allowance:
    """Connections and requests, each counted, neither ever more than `limit`.

    `held` counts requests kept back for connections that are being opened.
    """

    __slots__ = ("__weakref__", "attempts", "held", "limit", "taken")

    def __init__(self, limit: int, attempts: int = 0, taken: int = 0) -> None:
        """Begin with what was spent before."""
        self.limit = limit
        self.attempts = attempts
        self.taken = taken
        self.held = 0

    @property
    def spent(self) -> bool:
        """True when nothing may be asked any more."""
        return self.taken + self.held >= self.limit

    @property
    def connects(self) -> bool:
        """True while another connection may be tried, and would have something left to ask."""
        return self.attempts < self.limit and self.taken + self.held < self.limit

    def count(self, attempts: int, taken: int) -> None:
        """Count what is about to be done."""
        self.attempts += attempts
        self.taken += taken

    def spend(self, attempts: int, taken: int) -> None:
        """Count it here and wherever else it counts."""
        self.count(attempts, taken)


class Budget(Allowance):
    """What one server may still be asked; counts into the allowance of its network as well.

    `attempts` counts connections, also those that fail; `taken` the requests.
    """

    __slots__ = ("network",)

    def __init__(
        self,
        limit: int = REQUESTS_PER_SERVER,
        attempts: int = 0,
        taken: int = 0,
        network: Allowance | None = None,
    ) -> None:
        """Allow `limit` connections and as many requests, of which some may be spent.

        Raises:
            UsageError: less than one.
        """
        if not 1 <= limit <= MOST_REQUESTS:
            raise UsageError(f"allow between 1 and {MOST_REQUESTS} requests per server")
        super().__init__(limit, attempts, taken)
        self.network = network

    @property
    def spent(self) -> bool:
        """True when nothing may be asked any more, of the server or of its network."""
        if self.taken + self.held >= self.limit:
            return True
        return self.network is not None and self.network.spent

    @property
    def connects(self) -> bool:
        """True while another connection may be tried, and would have something left to ask."""
        if self.attempts >= self.limit or self.taken + self.held >= self.limit:
            return False
        return self.network is None or self.network.connects

    def attempt(self) -> bool:
        """Count one connection, just before it is tried; False when no more may be."""
        if not self.connects:
            return False
        self.spend(1, 0)
        return True

    def hold(self, requests: int) -> None:
        """Keep back a request for a connection that is being opened; -1 to give it back.

        So no server sees a connection that has nothing left to ask.
        """
        self.held += requests
        if self.network is not None:
            self.network.held += requests

    def take(self) -> None:
        """Count one request, just before it is sent.

        Raises:
            RuntimeError: nothing may be asked any more; `spent` was not looked at.
        """
        if self.spent:
            raise RuntimeError("the budget of this server is spent")
        self.spend(0, 1)

    def spend(self, attempts: int, taken: int) -> None:
        """Count without asking whether it is allowed: `attempt` and `take` ask."""
        self.count(attempts, taken)
        if self.network is not None:
            self.network.spend(attempts, taken)
