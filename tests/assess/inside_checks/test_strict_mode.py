"""Strict mode and the check of base types."""

import pytest
from tests.assess.inside_checks.servers import Server, run
from tests.assess.overriding import by_server

from patchstand.assess.inside_checks.strict_mode import CHECK
from patchstand.model.inside import Value

DIAGNOSTICS = r"SOFTWARE\Microsoft\ExchangeServer\v15\Diagnostics"
SECTION = ("Data", "DeserializationBinderSettings")


def a_server(*overrides: "tuple[str, ...]", value: Value = None) -> Server:
    keys = {DIAGNOSTICS: {"DisableBaseTypeCheckForDeserialization": value}}
    return Server(registry=keys, **by_server(*overrides))


def test_every_place_without_strict_mode_is_named() -> None:
    """Several overrides add up."""
    places = ("ClientExtensionCollectionFormatter", "MonitoringFormatter")
    overrides = [(*SECTION, f"LearningLocations={place}") for place in places]

    ran = run(CHECK, a_server(*overrides))

    assert ran.value("strict_mode_off", "locations") == ", ".join(places)
    assert ran.steps("strict_mode_off") == ["remove_override"]


@pytest.mark.parametrize(("value", "is_off"), [(1, True), ("1", True), (0, False), (None, False)])
def test_the_base_type_check_hangs_on_a_registry_value(value: Value, is_off: bool) -> None:
    """Only 1 turns it off."""
    assert list(run(CHECK, a_server(value=value)).findings) == ["base_type_check_off"] * is_off


def test_what_is_not_exported_is_wanted() -> None:
    """Both halves of the check say what they miss."""
    assert set(run(CHECK, Server()).unread) == {"GetSettingOverride", "registry.json"}
