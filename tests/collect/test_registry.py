"""registry.json: paths and values, and what is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchstand.collect.bundle import Member
from patchstand.collect.markup import UnreadableError
from patchstand.collect.registry import read_registry
from patchstand.collect.state import server_state

LSA = r"SYSTEM\CurrentControlSet\Control\Lsa"
NAMES = st.text("abcdefgh0123 .{}", min_size=1, max_size=12).filter(
    lambda name: name.strip(" .") == name
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**31), 2**32) | st.text(max_size=20)


@given(st.dictionaries(NAMES, st.none() | st.dictionaries(NAMES, SCALARS, max_size=4), max_size=4))
def test_what_was_written_is_read(keys: "dict[str, dict[str, object] | None]") -> None:
    """Every value by its name, whatever its kind."""
    text = json.dumps({f"HKLM\\{path}": values for path, values in keys.items()})
    found = read_registry(text, "registry.json")

    for path, values in keys.items():
        for name, value in (values or {}).items():
            read = found.value(path, name)
            assert read is not None
            assert read.value == value


@pytest.mark.parametrize(
    "root", ["HKLM\\", "hklm:\\", "HKEY_LOCAL_MACHINE\\", "Registry::HKEY_LOCAL_MACHINE\\"]
)
def test_the_root_may_be_written_as_windows_people_do(root: str) -> None:
    """And paths and names in any case."""
    found = read_registry(json.dumps({f"{root}{LSA}": {"Level": 5}}), "r")

    read = found.value(LSA.upper(), "LEVEL")
    assert read is not None
    assert (read.value, read.reading.path, read.reading.value) == (
        5,
        rf"HKLM\{LSA.upper()}\LEVEL",
        "5",
    )


def test_absent_values_absent_keys_and_unread_keys_are_told_apart() -> None:
    """An absent value is known to be absent only where the key was read."""
    found = read_registry(json.dumps({f"HKLM\\{LSA}": {}, "HKLM\\SOFTWARE\\X": None}), "r")

    for path in (LSA, r"software\x"):
        read = found.value(path, "Level")
        assert read is not None
        assert read.value is None
    assert found.value(r"SOFTWARE\Y", "Level") is None


def test_multi_strings_are_lists() -> None:
    """As PowerShell writes them."""
    found = read_registry(json.dumps({"HKLM\\X": {"Names": ["a", "b"]}}), "r")

    read = found.value("x", "names")
    assert read is not None
    assert read.value == ("a", "b")


@pytest.mark.parametrize(
    "text",
    ["", "x", "[]", '{"HKLM\\\\X": 5}', '{"HKLM\\\\X": {"a": {"b": 1}}}', "[" * 100_000, '{"a":'],
)
def test_another_shape_is_refused_and_the_rest_is_judged(text: str) -> None:
    """The file is named with the reason; the others of the bundle count."""
    with pytest.raises(UnreadableError):
        read_registry(text, "r")

    files = [Member("registry.json", text.encode()), Member("notes.txt", b"x")]
    state = server_state("TEST", files)
    assert state.registry is None
    assert [each.file for each in state.skipped] == ["registry.json"]
    assert "notes.txt" in state.texts


def test_the_file_of_a_bundle_is_found_by_its_name() -> None:
    """In whatever folder it lies; with a byte order mark, as PowerShell 5 writes it."""
    text = json.dumps({f"HKLM\\{LSA}": {"Level": 5}})

    for content in (text.encode("utf-8-sig"), text.encode("utf-16")):
        state = server_state("TEST", [Member("OS/Registry.json", content)])
        found = state.registry_value(LSA, "Level")
        assert found is not None
        assert found.reading.file == "OS/Registry.json"
