"""The list of targets on the disk."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.store.conftest import BATCH, NOW, conclusion, record

from patchstand.errors import UsageError
from patchstand.store.folder import Folder
from patchstand.store.spool import is_spooled, pending, spool
from patchstand.store.writer import BatchWriter

TARGETS = st.lists(st.tuples(st.integers(0, 2**64 - 1), st.text("ab", min_size=1), st.just("")))


@settings(max_examples=20, deadline=None)
@given(TARGETS)
def test_sorted_and_each_once(
    tmp_path_factory: pytest.TempPathFactory, targets: list[tuple[int, str, str]]
) -> None:
    """Targets come back in the order of their positions, the same one once."""
    folder = Folder.open(tmp_path_factory.mktemp("store") / "s", NOW)
    number = spool(folder, BATCH, targets)

    expected = [(target, ports) for _, target, ports in sorted(set(targets))]
    assert list(pending(folder, BATCH)) == expected
    assert (number, is_spooled(folder, BATCH)) == (len(expected), True)


def test_observed_targets_are_left_out(folder: Folder) -> None:
    """What the scan has observed is not asked again; with only_new, nor what others have."""
    targets = [(number, record(number).target, "https=8443") for number in range(9)]
    spool(folder, BATCH, targets)
    for batch, numbers in ((BATCH, range(3)), ("another", range(3, 6))):
        writer = BatchWriter(folder, batch, journaled=False)
        for number in numbers:
            writer.add(record(number), conclusion(record(number)))
        writer.seal()

    left = [target for target, _ in pending(folder, BATCH)]
    assert left == [target for _, target, _ in targets[3:]]
    assert spool(folder, "third", targets, only_new=True) == 3
    new = [target for target, _ in pending(folder, "third")]
    assert new == [target for _, target, _ in targets[6:]]


@pytest.mark.parametrize("error", [UsageError("line 2: no target"), KeyboardInterrupt()])
def test_whoever_gives_the_targets_may_fail(folder: Folder, error: BaseException) -> None:
    """A wrong line and Ctrl-C come out as they are, and there is no list then."""

    def targets() -> Iterator[tuple[int, str, str]]:
        yield 1, "127.0.0.1", ""
        raise error

    with pytest.raises(type(error)):
        spool(folder, BATCH, targets())
    assert not is_spooled(folder, BATCH)
