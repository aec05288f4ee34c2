"""The four values of .NET 4."""

import pytest
from tests.assess.inside_checks.servers import E2016, Server, run
from tests.assess.speaking_tls import (
    OFF,
    ON,
    UNSET,
    Four,
    dotnet_in_registry,
    in_export,
    in_registry,
)

from patchstand.assess.inside_checks.dotnet_strong_cryptography import CHECK

FINDING = "dotnet_strong_cryptography"
BOTH = "SystemDefaultTlsVersions, SchUseStrongCrypto"


@pytest.mark.parametrize(
    ("told", "settings"),
    [
        ((1, 1, 1, 1), None),
        (UNSET, BOTH),
        ((0, 1, 1, 1), "SystemDefaultTlsVersions"),
        ((1, 1, 1, None), "SchUseStrongCrypto"),
        ((1, 1, 0, 0), BOTH),
    ],
)
def test_all_four_must_be_one(told: Four, settings: str | None) -> None:
    """64-bit and 32-bit programs are told apart, from either export."""
    by_export = run(CHECK, Server(E2016, {"GetAllTlsSettings": [in_export({}, told)]}))
    by_registry = run(CHECK, Server(E2016, registry=dotnet_in_registry(told)))

    for ran in (by_export, by_registry):
        found = ran.findings.get(FINDING)
        assert (dict(found.values)["settings"] if found else None) == settings


@pytest.mark.parametrize(("old", "breaks"), [(OFF, "yes"), (ON, ""), (UNSET, "")])
def test_it_breaks_connections_once_old_versions_are_off(old: Four, breaks: str) -> None:
    """Then a program that does not follow Windows has nothing left to speak."""
    keys = dotnet_in_registry(UNSET) | in_registry({"1.0": old, "1.1": old, "1.2": ON})

    assert run(CHECK, Server(E2016, registry=keys)).value(FINDING, "breaks") == breaks


def test_half_of_the_values_is_not_enough() -> None:
    """Where one key was not read, nothing is said."""
    keys = dict(list(dotnet_in_registry((1, 1, 1, 1)).items())[:1])

    assert run(CHECK, Server(E2016, registry=keys)).unread == {"GetAllTlsSettings": set()}
