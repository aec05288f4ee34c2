"""Which overrides hold on a server."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.assess.inside_checks.servers import E2016, Server, listed, obj
from tests.assess.overriding import by_server, diagnostics, element, in_directory, on_server

from patchstand.assess.overrides import IN_DIRECTORY, ON_SERVER, Overrides, overrides
from patchstand.model.inside import PsObject, Value

PLACE = ("Data", "Section")
WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)


def read(server: Server) -> Overrides:
    found = overrides(server.inside())
    assert found is not None
    return found


def directory(*found: PsObject) -> dict[str, Any]:
    return {
        "exports": {
            IN_DIRECTORY: list(found),
            "GetExchangeServer": [obj(Name="EX1")],
        }
    }


@given(WORDS.filter(lambda word: "=" not in word), WORDS)
def test_name_and_value_part_at_the_first_equals_sign(name: str, value: str) -> None:
    """Values may hold further ones."""
    found = read(Server(**by_server((*PLACE, f"{name}={value}=x"))))

    assert [(each.parameter, each.value) for each in found.settings] == [(name, f"{value}=x")]


@pytest.mark.parametrize("asked", ["Enabled", "enabled", "ENABLED"])
def test_names_are_compared_whole_and_in_any_case(asked: str) -> None:
    """`Enabled` is not found in `EnabledAll`."""
    found = read(Server(**by_server((*PLACE, "Enabled=True", "EnabledAll=False", "NotEnabled=1"))))

    assert [each.value for each in found.of("DATA", "section", asked)] == ["True"]
    assert [each.parameter for each in found.says(*PLACE, "EnabledAll", value=False)] == [
        "EnabledAll"
    ]
    assert found.says(*PLACE, "Enabled", value=False) == ()


@pytest.mark.parametrize("status", ["Invalid", "Synced", "", "accepted by none"])
def test_only_accepted_ones_count(status: str) -> None:
    """In both lists."""
    own = diagnostics(on_server(*PLACE, "Enabled=true", status=status))
    by_ad = directory(in_directory(*PLACE, "Enabled=true", Status=obj(status)))

    assert read(Server(markup={ON_SERVER.lower(): own})).settings == ()
    assert read(Server(**by_ad)).settings == ()


def test_one_whose_state_was_not_exported_counts() -> None:
    """A collector that selects few properties must not hide it."""
    told = in_directory(*PLACE, "Enabled=false")
    few = PsObject(
        properties={name: of for name, of in told.properties.items() if name != "status"}
    )

    assert [each.value for each in read(Server(**directory(few))).settings] == ["false"]


@pytest.mark.parametrize(
    ("changed", "applies"),
    [
        ({}, True),
        ({"Server": listed("EX1")}, True),
        ({"Server": listed("ex1.corp.example", "EX9")}, True),
        ({"Server": listed("EX2")}, False),
        ({"MinVersion": "15.1.2507.75"}, True),
        ({"MinVersion": obj("Version 15.1 (Build 2507.76)")}, False),
        ({"MaxVersion": "15.1.2507.75"}, True),
        ({"MaxVersion": "15.1.2507.74"}, False),
        ({"MinVersion": "no version"}, True),
    ],
)
def test_the_directory_says_for_whom_one_is_meant(changed: dict[str, Value], applies: bool) -> None:
    """By server and by build; a bound nobody can read excludes nobody."""
    found = read(Server(E2016, **directory(in_directory(*PLACE, "Enabled=true", **changed))))

    assert (len(found.settings) == 1) is applies


def test_the_servers_own_list_goes_first() -> None:
    """The directory is asked only where the server lists nothing, and then nothing holds yet."""
    by_ad = directory(in_directory(*PLACE, "Enabled=false"))
    own = by_server((*PLACE, "Enabled=true"))

    both = read(Server(**(by_ad | own)))
    empty = read(Server(**(by_ad | by_server())))
    alone = read(Server(**by_ad))

    assert [(each.value, each.holds) for each in both.settings] == [("true", True)]
    assert [(each.value, each.holds) for each in empty.settings] == [("false", False)]
    assert [(each.value, each.holds) for each in alone.settings] == [("false", True)]


def test_an_empty_list_is_a_list() -> None:
    """No overrides is an answer; no export, and an answer without the component, are none."""
    assert read(Server(**by_server())).settings == ()
    assert read(Server(**directory())).settings == ()
    assert overrides(Server().inside()) is None
    other = element("Diagnostics", "", element("Components"))
    assert overrides(Server(markup={ON_SERVER.lower(): other}).inside()) is None
