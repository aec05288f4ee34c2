"""Progress on stderr: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS_BETWEEN_LINES = 10.0
ROWS_BETWEEN_LOOKS = 10_000


@contextmanager
def progress(total: int, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """Yield a function to call once per finished server."""
    if quiet:
        yield lambda: None
    elif sys.stderr.isatty():
        yield from _bar(total)
    else:
        yield from _lines(total)


@contextmanager
def rated_progress(total: int, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """As `progress`, with the rate and the time that is left; for work of minutes and hours."""
    if quiet or not total:
        yield lambda: None
    elif sys.stderr.isatty():
        yield from _rated_bar(total)
    else:
        yield from _rated_lines(total)


@contextmanager
def months(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Yield a function to call with the months that are done, and of how many."""
    if quiet:
        yield lambda _done, _of: None
    elif sys.stderr.isatty():
        yield from _months_bar()
    else:
        yield from _months_lines()


def _months_bar() -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _months_lines() -> Iterator[Callable[[int, int], None]]:
    shown = time.monotonic()

    def step(done: int, of: int) -> None:
        nonlocal shown
        moment = time.monotonic()
        if moment - shown >= SECONDS_BETWEEN_LINES:
            shown = moment
            print(f"{done}/{of} months", file=sys.stderr)

    yield step


def _rated_bar(total: int) -> Iterator[Callable[[], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(TextColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.finished_speed or task.speed or 0:,.0f}/s")

    columns = (BarColumn(), MofNCompleteColumn(), Rate(""), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        waiting, shown = 0, time.monotonic()

        def step() -> None:
            nonlocal waiting, shown
            waiting += 1
            if (moment := time.monotonic()) - shown > 0.1:  # each call of rich costs 20 us
                bar.advance(task, waiting)
                waiting, shown = 0, moment

        yield step
        bar.advance(task, waiting)


def _rated_lines(total: int) -> Iterator[Callable[[], None]]:
    done, began, shown = 0, time.monotonic(), time.monotonic()

    def step() -> None:
        nonlocal done, shown
        done += 1
        moment = time.monotonic()
        if moment - shown >= SECONDS_BETWEEN_LINES or done == total:
            shown = moment
            rate = done / max(moment - began, 0.001)
            left = int((total - done) / rate)
            text = f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02}"
            print(f"{done}/{total} {rate:,.0f}/s, {text} left", file=sys.stderr)

    yield step


def _bar(total: int) -> Iterator[Callable[[], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


def _lines(total: int) -> Iterator[Callable[[], None]]:
    done = 0
    every = max(1, total // 10)

    def step() -> None:
        nonlocal done
        done += 1
        if done % every == 0 or done == total:
            print(f"{done}/{total}", file=sys.stderr)

    yield step


@contextmanager
def counted(name: str, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """Yield a function to call once per row of a file whose length nobody knows."""
    done, shown = 0, time.monotonic()

    def step() -> None:
        nonlocal done, shown
        done += 1
        if done % ROWS_BETWEEN_LOOKS == 0 and not quiet:
            moment = time.monotonic()
            if moment - shown >= SECONDS_BETWEEN_LINES / 2:
                shown = moment
                print(f"{name}: {done:,} rows", file=sys.stderr)

    yield step
