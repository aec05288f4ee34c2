"""TLS as Windows is told to speak it (SCHANNEL), and .NET's part in it.

Read from the registry as our collector exports it, else from what HealthChecker's collector
calls `GetAllTlsSettings`. Only raw values count, not what that collector concluded. A value
of None is a value that is not set; a version of which a key was not read is left out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from patchstand.assess.values import inner, number
from patchstand.model.inside import PsObject, Reading, ServerState, Value, shown

VERSIONS = ("1.0", "1.1", "1.2", "1.3")
EXPORT = "GetAllTlsSettings"
SCHANNEL = r"SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL"
_DOTNET = r"SOFTWARE\{}Microsoft\.NETFramework\v4.0.30319"
_DOTNET_NAMES = ("SystemDefaultTlsVersions", "SchUseStrongCrypto")


@dataclass(frozen=True, slots=True)
class Side:
    """What one side, `Server` or `Client`, is told."""

    enabled: int | None
    disabled_by_default: int | None
    read: tuple[Reading, ...]

    def is_on(self, *, by_default: bool) -> bool:
        """True when the version is spoken; `by_default` is what Windows does untold."""
        return by_default if self.enabled is None else self.enabled != 0

    @property
    def is_not_offered(self) -> bool:
        """True when the version is used on request only."""
        return bool(self.disabled_by_default)


@dataclass(frozen=True, slots=True)
class Protocol:
    """One version of TLS, on both sides of a connection."""

    version: str
    server: Side
    client: Side

    @property
    def read(self) -> tuple[Reading, ...]:
        """All four values."""
        return (*self.server.read, *self.client.read)

    @property
    def is_untold(self) -> bool:
        """True when at least one of the four values is not set."""
        sides = (self.server, self.client)
        return any(side.enabled is None or side.disabled_by_default is None for side in sides)

    @property
    def is_on(self) -> bool:
        """True when either side speaks it; below TLS 1.3 it is spoken unless forbidden."""
        by_default = self.version != "1.3"
        return any(side.is_on(by_default=by_default) for side in (self.server, self.client))

    @property
    def is_forbidden(self) -> bool:
        """True when both sides are told not to speak it."""
        return all(side.enabled == 0 for side in (self.server, self.client))

    @property
    def is_contradictory(self) -> bool:
        """True when both sides differ, or a side is enabled and disabled at once."""
        by_default = self.version != "1.3"
        on = [side.is_on(by_default=by_default) for side in (self.server, self.client)]
        offered = [side.is_not_offered for side in (self.server, self.client)]
        half = not on[0] and self.server.disabled_by_default == 0
        return on[0] != on[1] or offered[0] != offered[1] or half or (on[0] and offered[0])


def protocols(state: ServerState) -> tuple[Protocol, ...]:
    """The versions of TLS of which all values were read, oldest first."""
    by_registry = tuple(_protocols(lambda *which: _by_registry(state, *which)))
    if by_registry:
        return by_registry
    export = state.one(EXPORT)
    if export is None:
        return ()
    return tuple(_protocols(lambda *which: _by_export(state, export, *which)))


_Reader = Callable[[str, str, str], "tuple[Value, Reading] | None"]


def _protocols(read: _Reader) -> Iterator[Protocol]:
    for version in VERSIONS:
        server, client = (_side(read, version, side) for side in ("Server", "Client"))
        if server is not None and client is not None:
            yield Protocol(version, server, client)


def _side(read: _Reader, version: str, side: str) -> Side | None:
    found = [read(version, side, name) for name in ("Enabled", "DisabledByDefault")]
    told = [each for each in found if each is not None]
    if len(told) < len(found):
        return None
    values = [number(value) for value, _ in told]
    return Side(values[0], values[1], tuple(reading for _, reading in told))


def _by_registry(
    state: ServerState, version: str, side: str, name: str
) -> tuple[Value, Reading] | None:
    found = state.registry_value(rf"{SCHANNEL}\Protocols\TLS {version}\{side}", name)
    return (found.value, found.reading) if found else None


def _by_export(
    state: ServerState, export: PsObject, version: str, side: str, name: str
) -> tuple[Value, Reading] | None:
    protocol = inner(inner(export.get("Registry"), "TLS"), version)
    said = f"{side}{name}Value"
    if not isinstance(protocol, PsObject) or not protocol.has(said):
        return None
    value = protocol.get(said)
    file = state.exports[EXPORT.lower()].file
    return value, Reading(file, f"Registry.TLS[{version}].{said}", shown(value))


@dataclass(frozen=True, slots=True)
class DotNetValue:
    """One of the four values that make .NET 4 follow Windows; None where it is not set."""

    name: str
    value: int | None
    reading: Reading


def dotnet_values(state: ServerState) -> tuple[DotNetValue, ...]:
    """The four values, 64 and 32 bit; empty when they were not all read."""
    found = tuple(_dotnet_by_registry(state)) or tuple(_dotnet_by_export(state))
    return found if len(found) == 2 * len(_DOTNET_NAMES) else ()


def _dotnet_by_registry(state: ServerState) -> Iterator[DotNetValue]:
    for view in ("", "Wow6432Node\\"):
        for name in _DOTNET_NAMES:
            found = state.registry_value(_DOTNET.format(view), name)
            if found is not None:
                yield DotNetValue(name, number(found.value), found.reading)


def _dotnet_by_export(state: ServerState) -> Iterator[DotNetValue]:
    export = state.one(EXPORT)
    framework = inner(inner(export.get("Registry"), "NET"), "NETv4") if export else None
    if not isinstance(framework, PsObject):
        return
    for view in ("", "Wow"):
        for name in _DOTNET_NAMES:
            said = f"{view}{name}Value"
            if framework.has(said):
                value = framework.get(said)
                file = state.exports[EXPORT.lower()].file
                reading = Reading(file, f"Registry.NET[NETv4].{said}", shown(value))
                yield DotNetValue(name, number(value), reading)
