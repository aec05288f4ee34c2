"""Looks at very many targets, as many at once as is good, and again at those that timed out.

How many at once follows what is seen: more while that makes it faster, fewer when this machine
or the line cannot keep up, so that no server is called silent because we were too hasty.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace

from patchstand.model import Observation, Outcome, Target
from patchstand.observe.look import Approach, files_of_a_look, look, possible_at_once

FEWEST = 8
AT_FIRST = 48
MOST = 1000
TICK = 0.5
GRACE = 10.0
"""Seconds that looks under way are given after `stop`; the others are looks of the next run."""
"""Seconds between two decisions."""
MORE, LESS = 2, 0.7
LATE = 0.15
"""Seconds by which the loop may be late before the machine counts as overloaded."""
SLOW = 4.0
"""So many times the quickest pace of answers means that the line is overloaded."""
AT_LEAST_SLOW = 0.05
"""Seconds; below that no pace of answers counts as slow."""
BETTER = 1.1
"""More at once pays when the rate grows by so much."""
RESTING = 8
"""Decisions until more at once is tried again."""
LONGEST_TRIAL = 8.0
"""Seconds after which a number at once is judged, however few looks have ended."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many targets at once (`most` is never exceeded), and how often to ask again.

    `retries`: further looks at a target that timed out, the first after `back_off` seconds, each
    later one after twice as long.
    """

    most: int = MOST
    retries: int = 1
    back_off: float = 5.0


@dataclass(order=True, slots=True)
class _Again:
    """A target that timed out, and when it is due again (loop time)."""

    due: float
    number: int
    target: Target
    looks: int = 0
    before: Observation | None = None


def _later(before: Observation | None, seen: Observation) -> Observation:
    """The later look at a target with the requests of both; the earlier where it asked nothing."""
    if before is None:
        return seen
    if seen.outcome in (Outcome.BUDGET_SPENT, Outcome.OUT_OF_SCOPE):
        return before
    return replace(seen, requests=before.requests + seen.requests)


class Regulator:
    """Decides how many looks may run at once; pure but for being told what happened.

    It tries more now and then, and goes back where that did not make it faster: beyond the
    knee more at once only costs memory and patience.
    """

    def __init__(self, most: int) -> None:
        """Begin low."""
        self.limit = max(1, min(AT_FIRST, most))
        self._most = most
        self._done = 0
        self._seconds = 0.0
        self._elapsed = 0.0
        self._answered = 0
        self._quickest = float("inf")
        self._before: tuple[int, float] | None = None
        self._patience = 0

    def note(self, observation: Observation) -> None:
        """Take one finished look into account."""
        self._done += 1
        first = next((each for each in observation.transcripts if each.answer), None)
        if first is not None:
            self._answered += 1
            self._seconds += first.milliseconds / 1000

    def decide(self, seconds: float, late: float) -> int:
        """The limit from here on, after a tick of `seconds` whose timer was `late`."""
        self._elapsed += seconds
        if late > LATE or self._is_slow():
            self.limit = max(min(FEWEST, self._most), int(self.limit * LESS))
            self._before, self._patience = None, RESTING
        elif self._done < 2 * self.limit and self._elapsed < LONGEST_TRIAL:
            return self.limit  # looks that began before the last change are still under way
        else:
            self._try(self._done / self._elapsed)
        self._done = self._answered = 0
        self._seconds = self._elapsed = 0.0
        return self.limit

    def _try(self, rate: float) -> None:
        """Keep the last change or take it back, or try more."""
        if self._before is not None and rate < self._before[1] * BETTER:
            self.limit, self._before = self._before[0], None
            self._patience = RESTING
        elif self._patience:
            self._patience -= 1
        elif self.limit < self._most:
            self._before = (self.limit, rate)
            self.limit = min(self._most, self.limit * MORE)

    def _is_slow(self) -> bool:
        """True when answers take several times as long as they did at best."""
        if not self._answered:
            return False
        pace = self._seconds / self._answered
        self._quickest = min(self._quickest, pace)
        return pace > SLOW * max(self._quickest, AT_LEAST_SLOW)


class Pool:
    """One run over a list of targets; `stop` ends it after the looks under way."""

    def __init__(self, approach: Approach, crowd: Crowd) -> None:
        """Nothing is asked yet."""
        self._approach = approach
        self._crowd = crowd
        self._regulator = Regulator(possible_at_once(crowd.most, files_of_a_look(approach)))
        self._again: list[_Again] = []
        self._running: set[asyncio.Task[None]] = set()
        self._results: asyncio.Queue[Observation | BaseException] = asyncio.Queue()
        self._numbers = iter(range(1 << 62))
        self._stopped = False
        self._until: float | None = None

    @property
    def at_once(self) -> int:
        """How many looks may run at this moment."""
        return self._regulator.limit

    @property
    def is_stopped(self) -> bool:
        """True when `stop` was called."""
        return self._stopped

    def stop(self) -> None:
        """Begin no further look; those that end within `GRACE` seconds are given out."""
        self._stopped = True

    async def observations(self, targets: Iterator[Target]) -> AsyncIterator[Observation]:
        """Look at all targets; yields each target's last look, as they end.

        A target that waits for another look when `stop` is called is not given out.

        Raises:
            PatchstandError: the settings are wrong; nothing more is asked.
        """
        regulating = asyncio.create_task(self._regulate())
        exhausted = False
        try:
            while True:
                exhausted = self._fill(targets, exhausted=exhausted)
                if self._is_over(exhausted=exhausted):
                    return
                result = await self._next_result()
                if isinstance(result, BaseException):
                    raise result
                if result is not None:
                    yield result
        finally:
            regulating.cancel()
            for task in self._running:
                task.cancel()
            await asyncio.gather(regulating, *self._running, return_exceptions=True)

    def _is_over(self, *, exhausted: bool) -> bool:
        if self._stopped and asyncio.get_running_loop().time() > self._patience():
            return self._results.empty()
        idle = not self._running and self._results.empty()
        return idle and (self._stopped or (exhausted and not self._again))

    def _patience(self) -> float:
        """When looks under way are given up after `stop` (loop time)."""
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + GRACE
        return self._until

    def _fill(self, targets: Iterator[Target], *, exhausted: bool) -> bool:
        """Begin looks up to the limit; True when the list has come to its end."""
        now = asyncio.get_running_loop().time()
        while not self._stopped and len(self._running) < self._regulator.limit:
            if self._again and self._again[0].due <= now:
                self._begin(heapq.heappop(self._again))
                continue
            target = None if exhausted else next(targets, None)
            if target is None:
                return True
            self._begin(_Again(now, next(self._numbers), target))
        return exhausted

    def _begin(self, turn: _Again) -> None:
        task = asyncio.create_task(self._look(turn))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _look(self, turn: _Again) -> None:
        try:
            seen = await look(turn.target, self._approach)
        except Exception as error:  # noqa: BLE001  # handed to the one who iterates, who raises it
            self._results.put_nowait(error)
            return
        self._regulator.note(seen)
        seen = _later(turn.before, seen)
        if seen.outcome is Outcome.TIMED_OUT and turn.looks < self._crowd.retries:
            due = asyncio.get_running_loop().time() + self._crowd.back_off * 2**turn.looks
            waiting = _Again(due, turn.number, turn.target, turn.looks + 1, seen)
            heapq.heappush(self._again, waiting)
        else:
            self._results.put_nowait(seen)

    async def _next_result(self) -> Observation | BaseException | None:
        """The next result; None when it is time to see whether a look can begin."""
        if not self._results.empty():
            return self._results.get_nowait()
        try:
            async with asyncio.timeout(self._pause()):
                return await self._results.get()
        except TimeoutError:
            return None

    def _pause(self) -> float:
        """Seconds until something other than a result may call for a look."""
        if self._stopped or not self._again:
            return TICK
        left = self._again[0].due - asyncio.get_running_loop().time()
        return max(0.01, min(TICK, left))

    async def _regulate(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(TICK)
            took = loop.time() - began
            self._regulator.decide(took, took - TICK)
