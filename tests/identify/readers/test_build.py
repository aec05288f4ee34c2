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
