"""One property in the many forms exports give it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.assess.inside_checks.servers import listed, obj, table

from patchstand.assess.values import (
    exchange_build,
    inner,
    members,
    number,
    texts,
    truth,
    version,
)
from patchstand.model import Build
from patchstand.model.inside import PsObject, Value

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES: "st.SearchStrategy[Value]" = st.recursive(
    SCALARS,
    lambda inside: (
        st.builds(
            PsObject,
            text=st.none() | st.text(),
            properties=st.dictionaries(st.text(), inside, max_size=3),
            items=st.lists(inside, max_size=3).map(tuple),
            entries=st.lists(st.tuples(inside, inside), max_size=3).map(tuple),
            number=st.none() | st.integers() | st.floats() | st.text(),
        )
        | st.lists(inside, max_size=3).map(tuple)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_nothing_an_export_holds_raises(value: Value) -> None:
    """Whatever a property is, a reader answers, if only with None."""
    for read in (truth, number, texts, members, version, exchange_build):
        read(value)
    inner(value, "name")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, True),
        ("True", True),
        ("$false", False),
        (obj("False"), False),
        (" true ", True),
        (1, None),
        ("yes", None),
        (None, None),
    ],
)
def test_truth_is_true_false_or_nothing(value: Value, said: bool | None) -> None:
    """Numbers and other words are neither."""
    assert truth(value) is said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (5, 5),
        ("5", 5),
        (" -1 ", -1),
        (5.0, 5),
        (5.5, None),
        (True, 1),
        (PsObject(text="Running", number=4), 4),
        (obj("7"), 7),
        ("", None),
        ("5a", None),
        ("٣", None),
        (None, None),
    ],
)
def test_a_number_is_whole_or_nothing(value: Value, said: int | None) -> None:
    """An enum counts by its value, digits of other scripts are no number."""
    assert number(value) == said


@pytest.mark.parametrize(
    "value", [("a", "b"), listed("a", "b"), PsObject(text=None, items=("a", obj("b")))]
)
def test_a_list_is_a_list_in_any_form(value: Value) -> None:
    """As a tuple, as a collection, with objects in it."""
    assert texts(value) == ("a", "b")


def test_one_value_is_a_list_of_one() -> None:
    """And nothing is a list of none."""
    assert texts("a") == texts(obj("a")) == ("a",)
    assert texts(None) == texts("") == texts(listed()) == ()


def test_properties_and_entries_are_found_in_any_case() -> None:
    """An object's property, or a hashtable's entry."""
    assert inner(obj(SystemData=1), "systemdata") == 1
    assert inner(table(**{"System.Data.dll": 2}), "SYSTEM.DATA.DLL") == 2
    assert inner("text", "name") is None


def test_members_are_objects() -> None:
    """Texts in a list are left out; one object is a list of one."""
    first, second = obj(Name="a"), obj(Name="b")

    assert members(listed(first, "x", second)) == (first, second)
    assert members(first) == (first,)
    assert members(listed()) == members(None) == ()


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("15.2.1118.7", "15.2.1118.7"),
        ("Version 15.1 (Build 2375.7)", "15.1.2375.7"),
        ("0.20 (15.0.0.0)", "15.0.0.0"),
        ("15.2", None),
        ("", None),
    ],
)
def test_builds_are_read_as_exchange_writes_them(text: str, build: str | None) -> None:
    """Plain, and as a version object shows itself."""
    assert exchange_build(text) == (Build.parse(build) if build else None)


def test_a_version_ends_where_its_numbers_do() -> None:
    """Windows adds the branch it was built from."""
    assert version("10.0.14393.0 (rs1_release.160715-1616)") == (10, 0, 14393, 0)
    assert version("none") is None
