"""SCHANNEL and .NET settings for tests, as both collectors export them."""

from collections.abc import Mapping

from tests.assess.inside_checks.servers import obj, table

from patchstand.assess.schannel import SCHANNEL, VERSIONS
from patchstand.model.inside import PsObject, Value

Four = tuple[Value, Value, Value, Value]
"""Server enabled, server disabled by default, client enabled, client disabled by default."""
ON: Four = (1, 0, 1, 0)
OFF: Four = (0, 1, 0, 1)
UNSET: Four = (None, None, None, None)
_DOTNET = r"SOFTWARE\{}Microsoft\.NETFramework\v4.0.30319"
_NAMES = ("SystemDefaultTlsVersions", "SchUseStrongCrypto")


def in_registry(versions: Mapping[str, Four]) -> dict[str, Mapping[str, Value] | None]:
    """As our collector exports it; versions that are not named are not set."""
    keys: dict[str, Mapping[str, Value] | None] = {}
    for version in VERSIONS:
        told = versions.get(version, UNSET)
        for side, (enabled, by_default) in (("Server", told[:2]), ("Client", told[2:])):
            values = {"Enabled": enabled, "DisabledByDefault": by_default}
            is_set = {name: value for name, value in values.items() if value is not None}
            keys[rf"{SCHANNEL}\Protocols\TLS {version}\{side}"] = is_set or None
    return keys


def in_export(versions: Mapping[str, Four], dotnet: Four = UNSET) -> PsObject:
    """As HealthChecker's collector exports it."""
    tls = {version: _protocol(versions.get(version, UNSET)) for version in VERSIONS}
    names = [f"{view}{name}Value" for view in ("", "Wow") for name in _NAMES]
    framework = obj(**dict(zip(names, dotnet, strict=True)))
    return obj(Registry=obj(TLS=table(**tls), NET=table(NETv4=framework)))


def _protocol(told: Four) -> PsObject:
    names = ("ServerEnabled", "ServerDisabledByDefault", "ClientEnabled", "ClientDisabledByDefault")
    return obj(**{f"{name}Value": value for name, value in zip(names, told, strict=True)})


def dotnet_in_registry(told: Four) -> dict[str, Mapping[str, Value] | None]:
    """The four values of .NET 4, 64 bit first."""
    keys: dict[str, Mapping[str, Value] | None] = {}
    for view, values in (("", told[:2]), ("Wow6432Node\\", told[2:])):
        both = dict(zip(_NAMES, values, strict=True))
        keys[_DOTNET.format(view)] = {name: of for name, of in both.items() if of is not None}
    return keys
