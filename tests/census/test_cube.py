"""The cube: for each day, what is shown and state, how many servers count."""

from collections import Counter
from datetime import date, timedelta

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from patchstand.census.cube import CUBE, cube
from patchstand.census.intervals import INTERVALS

FIRST = date(2024, 1, 1)
STRETCHES = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.integers(0, 20),
        st.sampled_from("abc"),
        st.sampled_from(["DE-BY", "DE-HB", None]),
    ),
    min_size=1,
    max_size=40,
)


def day(number: int) -> date:
    """A day, counted from the first."""
    return FIRST + timedelta(days=number)


def table(stretches: list[tuple[int, int, str, str | None]]) -> pa.Table:
    """Intervals that count from a day on, for some days more."""
    rows = [
        {
            "first_day": day(first),
            "valid_to": day(first + more),
            "shown": shown,
            "state": state,
        }
        for first, more, shown, state in stretches
    ]
    columns = [
        pa.array([row.get(name) for row in rows], kind.value_type).dictionary_encode()
        if pa.types.is_dictionary(kind)
        else pa.array([row.get(name) for row in rows], kind)
        for name, kind in zip(INTERVALS.names, INTERVALS.types, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=INTERVALS)


@given(STRETCHES, st.integers(30, 60))
def test_each_server_counts_on_each_of_its_days(
    stretches: list[tuple[int, int, str, str | None]], last: int
) -> None:
    """The cube holds what counting day by day finds, up to the last day asked for."""
    plain = Counter(
        (day(number), shown, state)
        for first, more, shown, state in stretches
        for number in range(first, min(first + more, last) + 1)
    )

    found = cube(table(stretches), (day(last) - date(1970, 1, 1)).days)

    rows = [(row["day"], row["shown"], row["state"]) for row in found.to_pylist()]
    assert dict(zip(rows, found["n"].to_pylist(), strict=True)) == plain
    assert len(rows) == len(plain)


def test_nobody_gives_an_empty_cube() -> None:
    """Without intervals there are no rows, and all columns."""
    found = cube(INTERVALS.empty_table(), 19_000)

    assert found.schema == CUBE
    assert len(found) == 0
