"""CVE-2023-21709 and -36434 by IIS, its library and Windows."""

import pytest
from tests.assess.inside_checks.servers import E2016, Server, listed, obj, run

from patchstand.assess.inside_checks.token_cache_module import CHECK
from patchstand.model import Status
from patchstand.model.inside import PsObject, Value, XmlElement

CVES = ("CVE-2023-21709", "CVE-2023-36434")
MODULES, LIBRARY = "GetIISModules", "GetVersionInformationCachTokn"


def modules(*names: str) -> PsObject:
    return obj(ModuleList=listed(*(obj(Name=name) for name in names)))


def iis(*names: str) -> XmlElement:
    added = tuple(XmlElement("add", {"name": name}) for name in names)
    inner = XmlElement("system.webServer", children=(XmlElement("globalModules", children=added),))
    return XmlElement("configuration", children=(inner,))


LOADED = modules("HttpCacheModule", "TokenCacheModule")


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("8.0.9200.24513", Status.AFFECTED),
        ("8.0.9200.24514", Status.FIXED),
        ("8.5.9600.21612", Status.AFFECTED),
        ("8.5.9600.21613", Status.FIXED),
        ("10.0.14393.6342", Status.AFFECTED),
        ("10.0.14393.6343", Status.FIXED),
        ("10.0.17763.4967 (WinBuild.160101.0800)", Status.AFFECTED),
        ("10.0.17763.4968 (WinBuild.160101.0800)", Status.FIXED),
        ("10.0.20348.2028", Status.AFFECTED),
        ("10.0.20348.2029", Status.FIXED),
        ("10.0.18362.9999", Status.UNDETERMINED),
        ("10.0.25398.9999", Status.UNDETERMINED),
        ("", Status.UNDETERMINED),
    ],
)
def test_the_library_decides_for_its_windows(version: str, status: Status) -> None:
    """Each Windows has its first fixed library; one nobody has told of is not judged."""
    ran = run(CHECK, Server(E2016, {MODULES: [LOADED], LIBRARY: [obj(ProductVersion=version)]}))

    assert {ran.status(cve) for cve in CVES} == {status}
    assert ("token_cache_module" in ran.findings) is (status is Status.AFFECTED)


def test_numbers_go_before_text() -> None:
    """The four numbers of a file are what Windows compares."""
    parts: dict[str, Value] = {
        "FileMajorPart": 10,
        "FileMinorPart": 0,
        "FileBuildPart": 14393,
        "FilePrivatePart": 6343,
    }
    library = obj(ProductVersion="10.0.14393.0", **parts)

    ran = run(CHECK, Server(E2016, {MODULES: [LOADED], LIBRARY: [library]}))

    assert ran.status(CVES[0]) is Status.FIXED


@pytest.mark.parametrize("by_iis", [True, False])
def test_without_the_module_it_is_closed(by_iis: bool) -> None:
    """Both the list of modules and IIS's own configuration tell that it is not loaded."""
    server = (
        Server(E2016, markup={"applicationhost.config": iis("HttpCacheModule")})
        if by_iis
        else Server(E2016, {MODULES: [modules("HttpCacheModule")]})
    )

    ran = run(CHECK, server)

    assert ran.status(CVES[1]) is Status.FIXED
    assert list(ran.findings) == ["token_cache_removed"]


def test_the_configuration_of_iis_names_it_in_any_case() -> None:
    """Where only applicationHost.config is there, the library is still wanted."""
    ran = run(CHECK, Server(E2016, markup={"applicationhost.config": iis("tokencachemodule")}))

    assert ran.unread == {LIBRARY: set(CVES)}


def test_windows_server_2025_never_had_it() -> None:
    """The module may be loaded there."""
    exports = {MODULES: [LOADED], "Win32_OperatingSystem": [obj(BuildNumber="26100")]}

    assert run(CHECK, Server(E2016, exports)).status(CVES[0]) is Status.FIXED


@pytest.mark.parametrize("found", [{}, {MODULES: [obj(ModuleList=listed())]}])
def test_no_list_is_no_answer(found: "dict[str, list[PsObject]]") -> None:
    """An empty list of modules is a list nobody could read: IIS always has some."""
    ran = run(CHECK, Server(E2016, found))

    assert ran.unread == {MODULES: set(CVES)}
    assert ran.status(CVES[0]) is Status.UNDETERMINED
