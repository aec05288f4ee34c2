"""Setting overrides for tests, as the server lists them and as the directory does."""

from typing import Any

from tests.assess.inside_checks.servers import listed, obj

from patchstand.assess.overrides import IN_DIRECTORY, ON_SERVER
from patchstand.model.inside import PsObject, Value, XmlElement


def element(tag: str, text: str = "", *children: XmlElement) -> XmlElement:
    """An element without attributes."""
    return XmlElement(tag, {}, text, children)


def diagnostics(*overrides: XmlElement) -> XmlElement:
    """What Get-ExchangeDiagnosticInfo returns for the component VariantConfiguration."""
    listed_ones = element("Overrides", "", *overrides)
    component = element("VariantConfiguration", "", listed_ones)
    return element("Diagnostics", "", element("Components", "", component))


def on_server(
    component: str, section: str, *parameters: str, name: str = "Test", status: str = "Accepted"
) -> XmlElement:
    """One override of the server's own list."""
    said = {
        "Name": name,
        "ComponentName": component,
        "SectionName": section,
        "Status": status,
    }
    told = tuple(element("Parameter", parameter) for parameter in parameters)
    children = [element(tag, text) for tag, text in said.items()]
    return element("SettingOverride", "", *children, element("Parameters", "", *told))


def in_directory(component: str, section: str, /, *parameters: str, **more: Value) -> PsObject:
    """One override as Get-SettingOverride shows it."""
    said: dict[str, Value] = {
        "Name": "Test",
        "ComponentName": component,
        "SectionName": section,
        "Parameters": listed(*parameters),
        "Status": obj("Accepted"),
        "Server": None,
        "MinVersion": None,
        "MaxVersion": None,
    }
    return obj(**(said | more))


def by_server(*overrides: "tuple[str, ...]") -> dict[str, Any]:
    """Arguments of a server with its own list: (component, section, parameters...) each."""
    found = (on_server(*each, name=f"Test {number}") for number, each in enumerate(overrides))
    return {"markup": {ON_SERVER.lower(): diagnostics(*found)}}


def by_directory(component: str, section: str, *parameters: str, **more: Value) -> dict[str, Any]:
    """Arguments of a server of which the directory alone was exported."""
    return {"exports": {IN_DIRECTORY: [in_directory(component, section, *parameters, **more)]}}
