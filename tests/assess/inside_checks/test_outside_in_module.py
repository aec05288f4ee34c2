"""ADV24199947 by the filter's configuration."""

import pytest
from tests.assess.inside_checks.servers import E2016, E2016_CU22, SE, Server, run

from patchstand.assess.inside_checks.outside_in_module import CHECK
from patchstand.model import Status
from patchstand.model.inside import XmlElement

CVE = "ADV24199947"


def configuration(*entries: str, tag: str = "Configuration") -> dict[str, XmlElement]:
    modules = tuple(XmlElement("Module", {"Enabled": "true"}, entry) for entry in entries)
    listed = XmlElement("ModuleList", {"TypeList": "PreferOutsideIn"}, "", modules)
    return {"configuration.xml": XmlElement(tag, {}, "", (listed,))}


@pytest.mark.parametrize("build", [E2016, SE])
@pytest.mark.parametrize(
    ("entry", "status"),
    [
        ("OutsideInModule.dll|TE_v.8.5.3.0", Status.FIXED),
        ("FilterModule.dll|U|TE|Y", Status.FIXED),
        ("OutsideInModule.dll|NONE", Status.FIXED),
        ("OutsideInModule.dll|TE_v.8.5.3.0|NO", Status.AFFECTED),
        ("OutsideInModule.dll|no|x", Status.AFFECTED),
    ],
)
def test_an_entry_turns_the_module_on_again(build: str, entry: str, status: Status) -> None:
    """Only the word NO between bars does."""
    ran = run(CHECK, Server(build, markup=configuration("FilterModule.dll|U|TE|Y", entry)))

    assert ran.status(CVE) is status
    assert ("outside_in_module" in ran.findings) is (status is Status.AFFECTED)


@pytest.mark.parametrize("markup", [{}, configuration(tag="configuration")])
def test_another_file_of_that_name_decides_nothing(markup: dict[str, XmlElement]) -> None:
    """A missing file, and a web.config of the same name, leave the question open."""
    assert run(CHECK, Server(E2016, markup=markup)).unread == {"Configuration.xml": {CVE}}


def test_without_the_update_the_file_is_not_asked() -> None:
    """The build has the flaw anyway."""
    ran = run(CHECK, Server(E2016_CU22, markup=configuration()))

    assert ran.said == ()
    assert ran.status(CVE) is Status.AFFECTED
