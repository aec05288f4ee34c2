"""Which Windows it is."""

import pytest
from tests.assess.inside_checks.servers import Server, obj

from patchstand.assess.windows import CURRENT, is_english, windows
from patchstand.model.inside import PsObject

WMI = "Win32_OperatingSystem"


@pytest.mark.parametrize(
    "system",
    [obj(BuildNumber="14393"), obj(BuildNumber=14393), obj(Version="10.0.14393", BuildNumber=None)],
)
def test_wmi_tells_it(system: PsObject) -> None:
    """By its build number, or else by its version."""
    found = windows(Server(exports={WMI: [system]}).state())

    assert found is not None
    assert found.build == 14393


def test_the_registry_tells_it_where_wmi_was_not_exported() -> None:
    """And is not believed against WMI."""
    keys = {CURRENT: {"CurrentBuild": "26100", "ProductName": "Windows Server 2025"}}

    alone = windows(Server(registry=keys).state())
    both = windows(Server(exports={WMI: [obj(BuildNumber="14393")]}, registry=keys).state())

    assert alone is not None
    assert both is not None
    assert (alone.build, alone.name, both.build) == (26100, "Windows Server 2025", 14393)


def test_nothing_is_guessed() -> None:
    """Without a number there is no Windows to judge."""
    assert windows(Server().state()) is None
    assert windows(Server(exports={WMI: [obj(Caption="Windows")]}).state()) is None
    assert windows(Server(registry={CURRENT: None}).state()) is None


@pytest.mark.parametrize(
    ("language", "english"),
    [(1033, True), (2057, True), (1031, False), ("1033", True), (None, None)],
)
def test_english_of_any_country_is_english(
    language: "int | str | None", english: bool | None
) -> None:
    """The lower bits of a language number name the language, the upper ones the country."""
    assert is_english(Server(exports={WMI: [obj(OSLanguage=language)]}).state()) is english
