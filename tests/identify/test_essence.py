"""The essence of evidence says what the whole evidence says."""

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from patchstand.identify import essence, identify
from patchstand.model import Evidence, EvidenceKind, Identity, Knowledge

DAY = date(2026, 10, 13)


def conclusion(found: Identity) -> tuple[object, ...]:
    """What an identity says, apart from the wording of its evidence."""
    return (
        found.is_exchange,
        found.lines,
        found.builds,
        found.or_later,
        found.precision,
        found.reason,
        found.fronts,
        [clue.rule for clue in found.evidence],
        [conflict.rule for conflict in found.conflicts],
    )


def same(evidence: list[Evidence], own: tuple[str, ...], known: Knowledge) -> None:
    """Assert that both say the same, and that the essence has no other essence."""
    whole = identify(evidence, known, DAY)
    reduced = essence(evidence, own, known)
    short = identify(reduced.evidence, known, DAY)

    assert [conclusion(node) for node in short.nodes] == [conclusion(node) for node in whole.nodes]
    again = essence(reduced.evidence, own, known)
    assert identify(again.evidence, known, DAY).nodes == short.nodes


def test_public_recordings(known: Knowledge, shared: Path) -> None:
    """Every public recording gives the same identity by its essence."""
    rows = (shared / "real" / "recordings.jsonl").read_text().splitlines()
    for line in rows:
        row = json.loads(line)
        text, kind = row.get("text") or row.get("evidence"), row.get("kind")
        same([Evidence(EvidenceKind(kind), text)], (), known)


def test_examples_of_fingerprints(known: Knowledge) -> None:
    """Every example of every fingerprint still tells its product."""
    for fingerprint in known.fingerprints:
        for example in fingerprint.examples:
            for kind in fingerprint.kinds:
                same([Evidence(kind, f"{example}\r\nDate: today\r\n")], (), known)


HEAD = """HTTP/1.1 200 OK
request-id: 0f93663c-9eb7-4bfa-88bc-d62dfb2cc25d
X-OWA-Version: 15.2.922.19
X-FEServer: {node}
Location: https://{name}/owa/auth/logon.aspx
Set-Cookie: {cookie}
Date: {day}
"""


def head(node: str, name: str, cookie: str, day: str) -> Evidence:
    """Headers that differ from server to server and from answer to answer."""
    text = HEAD.format(node=node, name=name, cookie=cookie, day=day)
    return Evidence(EvidenceKind.HTTP_HEADERS, text, DAY, source="https GET /owa/")


def test_servers_of_one_build_share_their_evidence(known: Knowledge) -> None:
    """Names, cookies and clocks are gone; the names of back ends are told apart from it."""
    one = essence([head("SRV-EX06", "192.0.2.7", "a=1", "Sun")], ("192.0.2.7",), known)
    two = essence([head("MUC-EX11", "192.0.2.9", "a=2", "Mon")], ("192.0.2.9",), known)

    assert one.evidence == two.evidence
    assert (one.nodes, two.nodes) == (("SRV-EX06",), ("MUC-EX11",))
    assert not re.search(r"192\.0\.2|EX06|Sun", one.evidence[0].text)


def test_several_back_ends_stay_apart(known: Knowledge) -> None:
    """Where an address shows several back ends their names stay, as they tell them apart."""
    first = head("SRV-EX06", "192.0.2.7", "a=1", "Sun")
    second = replace(head("SRV-EX07", "192.0.2.7", "a=1", "Sun"), connection=1)
    found = essence([first, second], ("192.0.2.7",), known)

    assert found.nodes == ("SRV-EX06", "SRV-EX07")
    assert len(identify(found.evidence, known, DAY).nodes) == 2


@pytest.mark.parametrize("value", ["AM0PR01.internal.outlook.com", "AM0PR01"])
def test_marks_in_names_are_kept(known: Knowledge, value: str) -> None:
    """A node name that shows Exchange Online still does."""
    same([head(value, "192.0.2.7", "a=1", "Sun")], ("192.0.2.7",), known)


def test_a_mark_in_a_changing_header_is_kept(known: Knowledge) -> None:
    """The request id of a known decoy is the same in every answer, and stays."""
    text = "HTTP/1.1 200 OK\nrequest-id: 6cfcf35d-0680-4853-98c4-b16723708fc9\n"
    evidence = [Evidence(EvidenceKind.HTTP_HEADERS, text)]
    (node,) = identify(essence(evidence, (), known).evidence, known, DAY).nodes

    assert node.is_exchange is False
    same(evidence, (), known)


@pytest.mark.parametrize(
    ("own", "text"),
    [
        ("15.1.225.42", "X-OWA-Version: 15.1.225.42\n"),
        ("4.3.123.4", "X-OWA-Version: 14.3.123.4\n"),
        ("owa", "Location: /owa/auth/logon.aspx\nX-OWA-Version: 15.2.1118.7\n"),
        ("outlook.com", "X-CalculatedBETarget: am0pr01.prod.outlook.com\nX-FEServer: A1\n"),
        ("example.org", "Location: https://mail.example.org/owa/auth/logon.aspx\n"),
    ],
)
def test_an_own_name_that_means_more_is_kept(known: Knowledge, own: str, text: str) -> None:
    """A name that is part of a version, a path, another name or a product's mark stays."""
    evidence = [Evidence(EvidenceKind.HTTP_HEADERS, "HTTP/1.1 200 OK\n" + text)]
    same(evidence, (own,), known)
    assert text.split()[1] in essence(evidence, (own,), known).evidence[0].text


def test_an_encoded_own_name_is_hidden(known: Knowledge) -> None:
    """The name within an encoded address is found too."""
    text = "Location: /owa/auth/logon.aspx?url=https%3a%2f%2fmail.example.org%2fowa\n"
    found = essence([Evidence(EvidenceKind.HTTP_HEADERS, text)], ("mail.example.org",), known)

    assert "example.org" not in found.evidence[0].text


@pytest.mark.parametrize("path", ["/OWA/auth/15.2.1118.7/", "/owa/8.3.83.4/", "/Owa/15.1.2507/"])
def test_paths_in_capitals_are_kept(known: Knowledge, path: str) -> None:
    """A long page keeps its version however its paths are written."""
    page = f"<html>{'x' * 3000} <link href='{path}themes/a.css'> {'y' * 3000}</html>"
    same([Evidence(EvidenceKind.HTML, page)], (), known)
    same([Evidence(EvidenceKind.HTML, page.replace("x", "\u0130"))], (), known)


@pytest.mark.parametrize("header", ["X-FESERVER: {}", "x-feserver:{}", "X-FEServer : {}"])
def test_back_ends_are_told_apart_however_they_are_named(known: Knowledge, header: str) -> None:
    """Two back ends stay two, whatever the spelling of the header that names them."""
    evidence = [
        Evidence(
            EvidenceKind.HTTP_HEADERS,
            f"HTTP/1.1 200 OK\nX-OWA-Version: {build}\n{header.format(name)}\n",
            connection=number,
        )
        for number, (build, name) in enumerate((("15.2.1118.7", "EX01"), ("15.1.2507.6", "EX02")))
    ]
    same(evidence, (), known)
    assert essence(evidence, (), known).nodes == ("EX01", "EX02")
