"""Fewer points for a line, with every peak and every dip of it kept."""

from collections.abc import Iterator, Sequence


def runs(values: Sequence[float | None]) -> Iterator[range]:
    """The stretches without a gap, as ranges of positions; `None` is a gap."""
    begin: int | None = None
    for at, value in enumerate(values):
        if value is None and begin is not None:
            yield range(begin, at)
            begin = None
        elif value is not None and begin is None:
            begin = at
    if begin is not None:
        yield range(begin, len(values))


def thinned(values: Sequence[float | None], run: range, width: int) -> list[int]:
    """Positions to draw of a run: first, lowest, highest and last of each `width` of them.

    What is left out lies between what is kept, so no extreme is lost.
    """
    kept: list[int] = []
    for begin in range(run.start, run.stop, width):
        bucket = range(begin, min(begin + width, run.stop))
        wanted = {
            bucket[0],
            min(bucket, key=lambda at: _known(values[at])),
            max(bucket, key=lambda at: _known(values[at])),
            bucket[-1],
        }
        kept.extend(sorted(wanted))
    return kept


def _known(value: float | None) -> float:
    assert value is not None  # a run has no gaps
    return value
