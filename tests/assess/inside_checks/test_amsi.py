"""AMSI, where it exists and what overrides make of it."""

from typing import Any

import pytest
from tests.assess.inside_checks.servers import E2013, E2016, E2016_CU22, SE, Ran, Server, obj, run
from tests.assess.overriding import by_directory, by_server

from patchstand.assess.inside_checks.amsi import CHECK

OFF = ("Cafe", "HttpRequestFiltering", "Enabled=False")
BODIES = ("Cafe", "AmsiRequestBodyScanning")
BLOCK = ("Cafe", "BlockRequestBodyGreaterThanMaxScanSize")
JUN24 = "15.1.2507.39"
NOV24, APR25 = "15.1.2507.44", "15.1.2507.55"


def a_run(build: str, windows: int = 14393, told: "dict[str, Any] | None" = None) -> Ran:
    system = {"Win32_OperatingSystem": [obj(BuildNumber=str(windows))]}
    rest = dict(told or {})
    return run(CHECK, Server(build, system | rest.pop("exports", {}), **rest))


@pytest.mark.parametrize("build", [E2016_CU22, E2016, SE])
def test_an_override_turns_it_off(build: str) -> None:
    """By the server's own list or by the directory's."""
    assert list(a_run(build, told=by_server(OFF)).findings) == ["amsi_off"]
    assert list(a_run(build, told=by_directory(*OFF)).findings) == ["amsi_off"]
    assert a_run(build, told=by_server()).findings == {}


@pytest.mark.parametrize(
    ("build", "windows"), [(E2013, 14393), ("15.1.2242.12", 14393), (E2016, 9600)]
)
def test_where_it_does_not_exist_nothing_is_said(build: str, windows: int) -> None:
    """It takes CU21 or CU10, and Windows Server 2016."""
    assert a_run(build, windows, by_server(OFF)).said == ()


@pytest.mark.parametrize(
    ("build", "overrides", "found"),
    [
        (NOV24, [(*BODIES, "EnabledAll=true")], []),
        (JUN24, [(*BODIES, "EnabledEcp=true")], ["amsi_body_scan_without_effect"]),
        (SE, [(*BODIES, "EnabledAll=true"), OFF], ["amsi_off", "amsi_body_scan_without_effect"]),
        (SE, [(*BODIES, "EnabledAll=false")], ["amsi_bodies_not_scanned"]),
        (SE, [(*BODIES, "EnabledAll=false", "EnabledOwa=true")], []),
        (APR25, [(*BODIES, "EnabledAll=false")], []),
        (SE, [(*BLOCK, "EnabledAll=true")], ["amsi_blocks_large_requests"]),
        (SE, [(*BLOCK, "EnabledAll=false")], []),
    ],
)
def test_bodies_are_scanned_by_default_since_august_2025(
    build: str, overrides: "list[tuple[str, ...]]", found: list[str]
) -> None:
    """Before that only when asked for, and only from November 2024 on."""
    assert list(a_run(build, told=by_server(*overrides)).findings) == found


def test_neither_windows_nor_overrides_are_assumed() -> None:
    """Both are wanted."""
    assert run(CHECK, Server(SE, **by_server(OFF))).unread == {"Win32_OperatingSystem": set()}
    assert a_run(SE).unread == {"GetSettingOverride": set()}


def test_a_build_newer_than_the_knowledge_is_looked_at() -> None:
    """Only a build that certainly lacks AMSI is passed over."""
    assert list(a_run("15.2.9999.1", told=by_server(OFF)).findings) == ["amsi_off"]
