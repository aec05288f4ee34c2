"""Ctrl-C in long work: the first lets what is under way end, the second does not wait."""

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType


class Stop:
    """Whether somebody wants it to stop, and what to call then."""

    def __init__(self) -> None:
        """Nobody does."""
        self._wanted = False
        self._calls: list[Callable[[], None]] = []

    def is_wanted(self) -> bool:
        """True from the first signal on."""
        return self._wanted

    def call(self, stopping: Callable[[], None]) -> None:
        """Have this called at the first signal; at once when it has come."""
        self._calls.append(stopping)
        if self._wanted:
            stopping()

    def want(self) -> None:
        """Ask everything to stop."""
        self._wanted = True
        for stopping in self._calls:
            stopping()


@contextlib.contextmanager
def stopping() -> Iterator[Stop]:
    """Within it SIGINT and SIGTERM ask to stop; the second time they do what they always do."""
    stop = Stop()
    before = {int(each): signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}

    def asked(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, before[number])
        print("stopping; once more to leave at once", file=sys.stderr)
        stop.want()

    for number in before:
        signal.signal(number, asked)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
