"""Advisories of authorities: what is read, and how bad files are refused."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchstand.errors import UsageError
from patchstand.knowledge.advisory import LARGEST, read_advisory, situation

Part = dict[str, Any]
REQUIRED = (
    ("tracking", "id"),
    ("tracking", "version"),
    ("tracking", "current_release_date"),
    ("publisher", "name"),
)


def advisory(**changes: object) -> Part:
    document: Part = {
        "category": "csaf_base",
        "csaf_version": "2.0",
        "title": "Exchange servers without support",
        "publisher": {"category": "coordinator", "name": "CERT of Examples",
                      "namespace": "https://cert.example"},
        "tracking": {"id": "2025-123456-1032", "version": "1.1", "status": "final",
                     "current_release_date": "2025-10-28T23:30:00-02:00"},
        "aggregate_severity": {"text": "2 / Gelb", "namespace": "https://cert.example/levels"},
    }  # fmt: skip
    return {"document": document | changes}


TREE: Part = {
    "branches": [
        {"category": "vendor", "name": "Microsoft", "branches": [
            {"category": "product_name", "name": "2016",
             "product": {"name": "Exchange Server 2016", "product_id": "A"}},
            {"category": "product_name", "name": "2019",
             "product": {"name": "Exchange Server 2019", "product_id": "B"}},
        ]},
    ],
    "full_product_names": [{"name": "Exchange Server SE", "product_id": "C"}],
}  # fmt: skip


def test_the_words_of_the_authority_are_kept(tmp_path: Path) -> None:
    """Number, version, day in UTC, publisher, level, title and products are read as they are."""
    path = tmp_path / "a.json"
    path.write_text(json.dumps(advisory() | {"product_tree": TREE}), encoding="utf-8")

    found = read_advisory(path)

    assert (found.number, found.version) == ("2025-123456-1032", "1.1")
    assert found.date == date(2025, 10, 29)
    assert (found.publisher, found.level) == ("CERT of Examples", "2 / Gelb")
    assert found.title == "Exchange servers without support"
    assert found.products == ("Exchange Server SE", "Exchange Server 2016", "Exchange Server 2019")


def test_affected_products_go_before_all_others() -> None:
    """Where the advisory says which products are affected, only those are named."""
    status = {"known_affected": ["B", "A"], "fixed": ["C"]}

    found = situation(
        advisory() | {"product_tree": TREE, "vulnerabilities": [{"product_status": status}]}
    )

    assert found.products == ("Exchange Server 2016", "Exchange Server 2019")


@pytest.mark.parametrize(
    ("notes", "level"),
    [
        ([{"title": "Kritikalität", "text": "3/Orange"}], "3/Orange"),
        ([{"title": "Kritikalität", "text": "Die Lage ist 3 / Orange."}], "3 / Orange"),
        ([{"title": "Criticality", "text": "elevated"}], "elevated"),
        ([{"title": "Lage", "text": "Einstufung: 4 / Rot, siehe unten"}], "4 / Rot"),
        ([{"title": "Lage", "text": "Es gibt 2/3 mehr."}], None),
        ([{"title": "Lage"}, 7], None),
        (None, None),
    ],
)
def test_a_level_may_stand_in_a_note(notes: object, level: str | None) -> None:
    """Without an aggregate severity the level comes from a note; without any there is none."""
    found = situation(advisory(aggregate_severity=None, notes=notes))

    assert found.level == level


def test_the_aggregate_severity_goes_first() -> None:
    """A note does not win over the field that is made for it."""
    notes = [{"title": "Kritikalität", "text": "4 / Rot"}]

    assert situation(advisory(notes=notes)).level == "2 / Gelb"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no json",
        b"\xff\xfe\x00",
        b"[]",
        b"{}",
        b'{"document": {"csaf_version": "1.2"}}',
        b'{"document": []}',
        b"[" * 200_000,
        b" " * (LARGEST + 1),
    ],
)
def test_a_bad_file_is_one_line(content: bytes, tmp_path: Path) -> None:
    """What is no CSAF advisory is refused in one line that names the file."""
    path = tmp_path / "a.json"
    path.write_bytes(content)

    with pytest.raises(UsageError) as refused:
        read_advisory(path)

    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


def test_an_absent_file_is_one_line(tmp_path: Path) -> None:
    """A path that is not there, and a folder, say so."""
    for path in (tmp_path / "absent.json", tmp_path):
        with pytest.raises(UsageError, match=str(path)):
            read_advisory(path)


@pytest.mark.parametrize(("part", "field"), REQUIRED)
@pytest.mark.parametrize("value", [None, 7, "", " ", []])
def test_a_missing_field_is_named(part: str, field: str, value: object) -> None:
    """The error says which field is missing."""
    whole = advisory()
    whole["document"][part][field] = value

    with pytest.raises(ValueError, match=f"document.{part}.{field}"):
        situation(whole)


def test_a_deep_tree_ends_somewhere() -> None:
    """Branches within branches without end are not followed for ever."""
    tree: Part = {"product": {"name": "deep", "product_id": "X"}}
    for _ in range(5000):
        tree = {"branches": [tree]}

    assert situation(advisory() | {"product_tree": tree}).products == ()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
_PARTS = ("tracking", "publisher", "title", "notes", "aggregate_severity")


@given(changes=st.dictionaries(st.sampled_from(_PARTS), _JSON), tree=_JSON, vulnerabilities=_JSON)
def test_whatever_stands_in_it_is_read_or_refused(
    changes: Part, tree: object, vulnerabilities: object
) -> None:
    """Wrong types are a ValueError at most."""
    whole = advisory(**changes) | {"product_tree": tree, "vulnerabilities": vulnerabilities}
    try:
        found = situation(whole)
    except ValueError:
        return
    assert found.number
    assert found.title


def test_the_next_version_of_the_standard_is_read_too() -> None:
    """CSAF 2.1 has the same fields in the same places; a level may be absent."""
    whole = advisory(csaf_version="2.1", aggregate_severity=None)

    assert situation(whole).level is None
