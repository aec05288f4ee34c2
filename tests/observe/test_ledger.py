import tracemalloc
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from patchstand.observe.ledger import Ledger

KEYS = st.one_of(
    st.integers(0, 5000).map(lambda low: (0xC0000000 + low).to_bytes(4, "big")),
    st.binary(min_size=4, max_size=4),
    st.binary(min_size=16, max_size=16),
)


@given(st.lists(st.tuples(KEYS, st.integers(0, 255), st.integers(0, 255)), max_size=60))
def test_a_ledger_is_a_mapping(entries: list[tuple[bytes, int, int]]) -> None:
    """What was noted last of each address comes back, and zeros for all others."""
    ledger = Ledger()
    for key, attempts, taken in entries:
        ledger.put(key, attempts, taken)

    expected = {key: (attempts, taken) for key, attempts, taken in entries}
    for key, counts in expected.items():
        assert ledger.of(key) == counts
    assert ledger.of(b"\x01\x02\x03\x04") == expected.get(b"\x01\x02\x03\x04", (0, 0))


def test_full_blocks_are_kept_rightly() -> None:
    """Every address of whole networks, in any order, keeps its own counts."""
    ledger = Ledger()
    numbers = [0x0A000000 + low for low in range(3 * 4096)]
    Random(1).shuffle(numbers)
    for number in numbers:
        ledger.put(number.to_bytes(4, "big"), number % 200, number % 7)

    for number in numbers:
        assert ledger.of(number.to_bytes(4, "big")) == (number % 200, number % 7)
    ledger.put(b"\x0a\x00\x00\x01", 999, 3)
    assert ledger.of(b"\x0a\x00\x00\x01") == (255, 3)


def test_memory_is_bounded() -> None:
    """Scattered over 1/64 of the address space as ten million would be over all of it, or one
    beside the other: at most 30 bytes for each address."""
    chance = Random(2)
    scattered = {chance.getrandbits(26) for _ in range(150_000)}
    for numbers in (sorted(scattered), range(150_000)):
        tracemalloc.start()
        ledger = Ledger()
        for number in numbers:
            ledger.put(number.to_bytes(4, "big"), 1, 1)
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert size / len(numbers) <= 30
