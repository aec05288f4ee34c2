"""What figures rest on: mails name servers and count none, reports of vulnerable ones are told."""

from dataclasses import replace
from pathlib import Path

from tests.census.asking import asked, at, looks, printed, stored
from tests.workflow.present import seen

from patchstand.model import Knowledge, Record, Source

DAY = "2024-09-10"


def by_mail(name: str) -> Record:
    """A server as a mail names it: no address."""
    return replace(seen(1, at=at(DAY)), target=name, address=None, source=Source.MAIL)


def test_a_server_that_a_mail_names_is_no_second_one(tmp_path: Path, known: Knowledge) -> None:
    """Scanned under a name and named by a mail: one server, seen by both."""
    scanned = [replace(seen(n, at=at(DAY)), target=f"mail{n}.example.org") for n in range(10)]
    mails = [by_mail(f"mail{n}.example.org") for n in range(5, 20)]

    found = asked(stored(tmp_path / "s", [*scanned, *mails], known), DAY)

    assert found["population"] == 10
    (pair,) = found["unseen"]["pairs"]
    assert (pair["both"], pair["only_a"], pair["only_b"]) == (5, 10, 5)
    assert found["unseen"]["seen"] == 20
    assert found["basis"]["sources"] == {"mail": 5, "scan": 10}


def test_mails_alone_are_no_population(tmp_path: Path, known: Knowledge) -> None:
    """Names on the way of a mail may be reached by nobody; there is nobody to count."""
    root = stored(tmp_path / "s", [by_mail(f"ex{n}.example.org") for n in range(6)], known)

    assert printed(root, DAY)[0] == 2


def test_servers_known_from_lists_of_vulnerable_ones_are_told(
    tmp_path: Path, known: Knowledge
) -> None:
    """Such a list has no denominator: how many come from it alone stands in the document."""
    listed = [replace(seen(n, at=at(DAY)), source=Source.SHADOWSERVER) for n in range(6)]
    scanned = [seen(n, at=at(DAY)) for n in range(4, 10)]

    found = asked(stored(tmp_path / "s", [*listed, *scanned], known), DAY)["basis"]

    assert found["vulnerable_only"] == 4
    assert found["sources"] == {"scan": 6, "shadowserver": 6}
    assert found["simulated"] is False
    assert {each["granted_by"] for each in found["permits"]}


def test_who_is_not_known_of_any_more_is_not_followed(tmp_path: Path, known: Knowledge) -> None:
    """Servers that show no build later are followed until they last lacked the update."""
    release = at("2024-03-12")
    records = [
        *[look for n in range(10) for look in looks(n, "15.2.1544.4", release, range(-3, 16))],
        *[look for n in range(10) for look in looks(n, "15.2.1544", release, range(16, 100, 7))],
    ]

    found = asked(stored(tmp_path / "s", records, known), "2024-06-10")["time_to_patch"]

    after = found["Mar24SU"]["after"]
    assert after["30"] is after["90"] is None
    assert after["7"]["share"] == 0
    assert 0.3 < after["7"]["high"] < 0.31  # 1 - 0.025 ** (1 / 10)
