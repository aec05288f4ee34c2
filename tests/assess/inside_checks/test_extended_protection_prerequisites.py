"""What stands in the way of Extended Protection."""

import json

from tests.assess.test_extended_protection import configured
from tests.collect.iis.configs import host, inside

from patchstand.assess.inside import Inside
from patchstand.assess.inside_checks.extended_protection_prerequisites import CHECK
from patchstand.model import Finding, Severity

LSA = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa"


def _finding(server: Inside) -> Finding | None:
    return next((each for each in CHECK.run(server) if isinstance(each, Finding)), None)


def _registry(level: int) -> bytes:
    return json.dumps({LSA: {"LmCompatibilityLevel": level}}).encode()


def test_before_it_is_on_everywhere_the_prerequisites_are_named() -> None:
    """What one server cannot tell is asked."""
    found = _finding(inside({"applicationHost.config": host()}))

    assert found is not None
    assert (found.severity, dict(found.values)) == (Severity.INFO, {})


def test_ntlmv1_stands_in_the_way() -> None:
    """Where the protection is on in part, it can lock users out already."""
    files = {
        "applicationHost.config": configured({"default web site/owa": "None"}),
        "registry.json": _registry(1),
    }
    found = _finding(inside(files))

    assert found is not None
    assert (found.severity, dict(found.values)) == (
        Severity.LOW,
        {"ntlm": "yes", "locks_out": "yes"},
    )
    assert [each.value for each in found.read] == ["1"]


def test_a_server_with_all_of_it_is_left_alone() -> None:
    """Nothing to prepare."""
    files = {"applicationHost.config": configured(), "registry.json": _registry(3)}

    assert _finding(inside(files)) is None
    assert _finding(inside({"applicationHost.config": host()}, "15.2.1118.9")) is None
