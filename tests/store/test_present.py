"""Which servers are present on a day, and what is said when none is."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.workflow.present import (
    DAY,
    OLD,
    PATCHED,
    failed,
    other_product,
    seen,
    store_with,
)

from patchstand.errors import UsageError
from patchstand.model import Knowledge
from patchstand.store.folder import Folder
from patchstand.store.present import WINDOW, PresentServer, present, window

TODAY = DAY.date()


def servers(root: Path, as_of: date = TODAY, scan: str | None = None) -> list[PresentServer]:
    return list(present(Folder.open(root), window(scan, as_of)))


@pytest.mark.parametrize(("days", "there"), [(0, True), (WINDOW, True), (WINDOW + 1, False)])
def test_a_server_counts_fourteen_days(
    days: int, there: bool, tmp_path: Path, known: Knowledge
) -> None:
    """The last observation is at most 14 days older than the day; the 14th day counts."""
    store_with(tmp_path / "s", known, [seen(1)])
    as_of = DAY.date() + timedelta(days)

    if there:
        assert [each.address for each in servers(tmp_path / "s", as_of)] == ["9.9.0.1"]
    else:
        with pytest.raises(UsageError, match="2024-09-10 to 2024-09-10"):
            servers(tmp_path / "s", as_of)


def test_the_last_observation_counts(tmp_path: Path, known: Knowledge) -> None:
    """Of several looks the last up to the day; later ones change nothing."""
    looks = [seen(1, OLD, DAY - timedelta(3)), seen(1, PATCHED), seen(1, OLD, DAY + timedelta(1))]
    store_with(tmp_path / "s", known, looks)

    (server,) = servers(tmp_path / "s")

    assert server.builds == (PATCHED,)
    assert server.observed_at == DAY


def test_a_failed_look_says_nothing_and_another_product_ends_it(
    tmp_path: Path, known: Knowledge
) -> None:
    """After a timeout a server is still present; after something else answered it is not."""
    later = DAY + timedelta(hours=1)
    looks = [seen(1), failed(1, later), seen(2), other_product(2, later)]
    store_with(tmp_path / "s", known, looks)

    assert [each.address for each in servers(tmp_path / "s")] == ["9.9.0.1"]


def test_a_server_is_an_address_and_a_port(tmp_path: Path, known: Knowledge) -> None:
    """Two names of one address are one server, usual ports written or not; each port its own."""
    first = seen(1)
    looks = [
        first,
        replace(seen(1, at=DAY + timedelta(minutes=1)), target="mail.stadtwerke.de", ports=""),
        replace(first, ports="https=8443"),
    ]
    store_with(tmp_path / "s", known, looks)

    found = servers(tmp_path / "s")

    assert [(each.target, each.ports) for each in found] == [
        ("mail.stadtwerke.de", ""),
        ("9.9.0.1", "https=8443"),
    ]


def test_a_server_known_by_name_only_has_no_address(tmp_path: Path, known: Knowledge) -> None:
    """Where no address was noted, the name tells servers apart and the address stays open."""
    look = replace(seen(1), target="mail.stadtwerke.de", address=None)
    store_with(tmp_path / "s", known, [look])

    (server,) = servers(tmp_path / "s")

    assert (server.target, server.address) == ("mail.stadtwerke.de", None)


def test_no_server_is_an_error_that_says_what_is_there(tmp_path: Path, known: Knowledge) -> None:
    """An empty store and a day before the first observation are told apart from "none open"."""
    Folder.open(tmp_path / "empty", DAY)
    store_with(tmp_path / "s", known, [seen(1)])

    with pytest.raises(UsageError, match="holds no observation"):
        servers(tmp_path / "empty")
    with pytest.raises(UsageError, match=r"2024-08-10.*2024-09-10"):
        servers(tmp_path / "s", date(2024, 8, 24))
