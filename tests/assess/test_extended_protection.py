"""Extended Protection of each virtual directory, by Microsoft's table and on real files."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.collect.iis.configs import FACTS, REAL, host, inside, location, protected, web

from patchstand import knowledge
from patchstand.assess.extended_protection import Protection, protection
from patchstand.model import Build
from patchstand.model.directories import TokenChecking

_COUNTS = (
    "vdirs", "supported_version", "current_not_none", "expected_not_none", "not_supported",
    "not_secure",
)  # fmt: skip
_EVERYTHING = {
    f"{each.site}/{each.path}": each.protection
    for each in knowledge.load().directories.directories
    if each.protection is not None
}


def _facts() -> dict[str, Any]:
    if not FACTS.is_file():
        return {"cases": [], "details": {"version_supported": {}}}
    return dict(json.loads(FACTS.read_text("utf-8"))["extended_protection"])


def configured(changes: dict[str, str] | None = None, more: str = "") -> bytes:
    """All directories as recommended, except those named (by lower-case path)."""
    changes = changes or {}
    values = {path: each.value for path, each in _EVERYTHING.items()} | {
        path: changes[path.lower()] for path in _EVERYTHING if path.lower() in changes
    }
    return host("".join(location(path, protected(value)) for path, value in values.items()) + more)


def _protection(config: bytes, build: str = "15.2.1118.20", role: str | None = None) -> Protection:
    found = protection(inside({"applicationHost.config": config}, build, role))
    assert found is not None
    return found


def _row(found: Protection, path: str) -> tuple[str, str, bool, bool]:
    row = next(r for r in found.directories if f"{r.site}/{r.path}".lower() == path.lower())
    return row.current.value, row.expected.value, row.supported, row.secure


@pytest.mark.skipif(not _facts()["cases"], reason="the facts file is not here")
@pytest.mark.parametrize("case", _facts()["cases"], ids=lambda case: str(case["case"]))
def test_real_configurations_give_the_counts_of_microsofts_tests(case: dict[str, Any]) -> None:
    """A single applicationHost.config with build and role is enough."""
    path = REAL / "extended_protection" / Path(case["file"]).name
    if not path.is_file():
        pytest.skip("the real configuration is not here")
    found = _protection(path.read_bytes(), case["ex_setup_version"], case["role"])

    assert {name: getattr(found.summary, name) for name in _COUNTS} == {
        name: case[name] for name in _COUNTS
    }


@pytest.mark.skipif(not _facts()["details"]["version_supported"], reason="no facts file here")
def test_builds_that_support_it_are_those_of_microsofts_tests() -> None:
    """The first builds count inside their own CU; a later CU always has it."""
    directories = knowledge.load().directories
    wanted = _facts()["details"]["version_supported"]

    assert {b: directories.supports_protection(Build.parse(b)) for b in wanted} == wanted


def test_the_build_as_it_is_stated_counts_not_the_next_published_one() -> None:
    """An interim build just below the first one does not support it, one at it does."""
    assert _protection(host(), "15.1.2507.10").supported_version is False
    assert _protection(host(), "15.1.2507.11").supported_version is True


def test_a_cu_without_an_exact_build_leaves_it_open() -> None:
    """AdminDisplayVersion names the CU only, and some of its builds support it."""
    found = _protection(host(), "Version 15.2 (Build 1118.7)")

    assert found.supported_version is None
    assert not found.is_secure


def test_a_misconfigured_server() -> None:
    """Off where it should be on, too lax, and stricter than recommended (Microsoft's details)."""
    found = _protection(
        configured(
            {
                "default web site/ecp": "None",
                "exchange back end/ecp": "None",
                "exchange back end/powershell": "None",
                "default web site/owa": "Allow",
                "default web site/microsoft-server-activesync": "Require",
                "default web site/oab": "Require",
            }
        )
    )
    names = {f"{r.site}/{r.path}": r for r in found.directories}

    none_but_insecure = {n for n, r in names.items() if not r.secure and r.current.rank == 0}
    assert none_but_insecure == {
        "Default Web Site/ECP",
        "Exchange Back End/ECP",
        "Exchange Back End/Powershell",
    }
    assert {n for n, r in names.items() if not r.secure} == {
        *none_but_insecure,
        "Default Web Site/OWA",
    }
    assert {n for n, r in names.items() if not r.supported and r.secure} == {
        "Default Web Site/Microsoft-Server-ActiveSync",
        "Default Web Site/OAB",
    }


@given(st.sampled_from(sorted(_EVERYTHING)), st.sampled_from(list(TokenChecking)))
def test_secure_and_supported_follow_from_the_table(path: str, current: TokenChecking) -> None:
    """Secure: not laxer than expected; supported: not stricter; whatever the case of the path."""
    expected = _EVERYTHING[path]
    found = _protection(configured({path.lower(): current.value}))

    assert _row(found, path.swapcase()) == (
        current.value,
        expected.value,
        current.rank <= expected.rank,
        current.rank >= expected.rank,
    )


def test_a_directory_takes_the_value_of_its_direct_parent_and_of_no_other() -> None:
    """Own location, then that of the parent, then None."""
    site = location("Default Web Site", protected("Require"))
    found = _protection(host(site))

    assert _row(found, "Default Web Site/OWA")[0] == "Require"
    assert _row(found, "Default Web Site/Microsoft-Server-ActiveSync/Proxy")[0] == "None"
    assert _row(found, "Exchange Back End/OWA")[0] == "None"


@pytest.mark.parametrize("value", ["", "Yes", "true"])
def test_a_value_that_iis_does_not_know_protects_nothing(value: str) -> None:
    """It counts as None."""
    found = _protection(host(location("Default Web Site/owa", protected(value))))

    assert _row(found, "Default Web Site/OWA")[0] == "None"


def test_of_two_locations_that_contradict_the_laxer_counts() -> None:
    """Nothing is called secure that may not be."""
    twice = location("Default Web Site/owa", protected("Require")) + location(
        "default web site/OWA", protected("None")
    )

    assert _row(_protection(host(twice)), "Default Web Site/OWA")[3] is False


@pytest.mark.parametrize(("lock", "current"), [("Allow", "None"), ("Deny", "Require")])
def test_a_web_config_that_may_speak_can_take_it_away(lock: str, current: str) -> None:
    """Where the section is unlocked, a laxer web.config is what holds."""
    unlocked = location("Default Web Site", protected("Require"), overrideMode=lock)
    files = {
        "applicationHost.config": configured(more=unlocked),
        "DefaultWebSite-OWA_web.config": web(protected("None")),
    }
    found = protection(inside(files))

    assert found is not None
    assert _row(found, "Default Web Site/OWA")[0] == current


def _filtered(inside_filter: str, path: str = "Exchange Back End/EWS") -> str:
    return location(
        path, f'<security><ipSecurity allowUnlisted="false">{inside_filter}</ipSecurity></security>'
    )


def test_an_address_filter_may_take_its_place_on_ews_of_the_back_end() -> None:
    """Unlisted addresses are refused there, so the directory is secure without it."""
    off = {"exchange back end/ews": "None", "exchange back end/owa": "None"}
    listed = '<add ipAddress="192.168.100.5" allowed="true" />'
    found = _protection(configured(off, _filtered(listed)))
    elsewhere = _protection(configured(off, _filtered(listed, "Exchange Back End/owa")))

    assert _row(found, "Exchange Back End/EWS") == ("None", "Require", True, True)
    assert _row(elsewhere, "Exchange Back End/OWA")[3] is False


def test_a_filter_that_lets_everybody_in_is_none() -> None:
    """A mask of zeros lists every address."""
    off = {"exchange back end/ews": "None"}
    everybody = '<add ipAddress="0.0.0.0" subnetMask="0.0.0.0" allowed="true" />'
    found = _protection(configured(off, _filtered(everybody)))

    assert _row(found, "Exchange Back End/EWS")[3] is False


@pytest.mark.parametrize(("role", "count"), [("cas", 11), ("mbx", 14), ("both", 23)])
def test_roles_of_2013_have_their_directories(role: str, count: int) -> None:
    """PowerShell of both sites counts on every role."""
    found = _protection(host(), "15.0.1497.40", role)
    paths = {f"{r.site}/{r.path}" for r in found.directories}

    assert len(paths) == count
    assert {"Default Web Site/Powershell", "Exchange Back End/Powershell"} <= paths


def test_from_2016_on_there_is_one_role() -> None:
    """What the caller says of a role does not matter there."""
    assert len(_protection(host(), role="cas").directories) == 25


def test_the_role_of_2013_follows_from_the_web_sites() -> None:
    """Without OWA on its back end it is no mailbox server."""
    only_front = host().replace(
        rb'<application path="/owa" applicationPool="P"><virtualDirectory path="/" '
        rb'physicalPath="C:\Program Files\Microsoft\Exchange Server\V15\ClientAccess\owa" />'
        rb"</application>",
        b"",
    )

    assert len(_protection(only_front, "15.0.1497.40").directories) == 11
    assert len(_protection(host(), "15.0.1497.40").directories) == 23


def test_without_the_configuration_nothing_is_said() -> None:
    """No list, rather than one of Nones."""
    assert protection(inside({})) is None
