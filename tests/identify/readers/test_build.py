from datetime import date

import pytest

from patchstand.identify.reader import Context
from patchstand.identify.readers.build import READER
from patchstand.model import Evidence, Knowledge

ON = date(2026, 10, 13)


@pytest.mark.parametrize(
    "text",
    ["15.2.1118.40", "Version 15.2 (Build 1118.40)", "exchange version 15.2 (build 1118.40)"],
)
def test_a_stated_number_names_the_build(known: Knowledge, text: str) -> None:
    """A bare number and what the management shell displays name the same build."""
    (clue,) = READER.read(Evidence(READER.kind, text), Context(known, ON))

    assert [str(build) for build in clue.builds or ()] == ["15.2.1118.40"]
    assert clue.is_exchange


def test_three_parts_stay_a_set(known: Knowledge) -> None:
    """Three parts name a cumulative update: all its builds up to the day."""
    (clue,) = READER.read(Evidence(READER.kind, "15.2.1118"), Context(known, ON))

    assert len(clue.builds or ()) > 1


def test_words_say_nothing(known: Knowledge) -> None:
    """A text without a version yields nothing."""
    assert list(READER.read(Evidence(READER.kind, "unknown"), Context(known, ON))) == []


def test_a_displayed_cu_tells_nothing_of_security_updates(known: Knowledge) -> None:
    """AdminDisplayVersion with the number of a CU is the whole CU: updates do not change it."""
    text = "Version 15.2 (Build 1118.7)"

    (clue,) = READER.read(Evidence(READER.kind, text), Context(known, ON))
    (whole,) = READER.read(Evidence(READER.kind, "15.2.1118"), Context(known, ON))
    (exact,) = READER.read(Evidence(READER.kind, "15.2.1118.7"), Context(known, ON))

    assert clue.builds == whole.builds
    assert len(exact.builds or ()) == 1


def test_the_product_without_a_build_is_still_exchange(known: Knowledge) -> None:
    """Who says Exchange and no build says that much: an Exchange server of any line."""
    (clue,) = READER.read(Evidence(READER.kind, "Microsoft Exchange"), Context(known, ON))

    assert clue.is_exchange
    assert (clue.builds, clue.lines) == (None, None)
