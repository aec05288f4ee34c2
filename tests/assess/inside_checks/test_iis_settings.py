"""What is wrong in the configuration of IIS, check by check."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.assess.inside_checks.clixml import export
from tests.collect.iis.configs import (
    BACK,
    BACK_BINDINGS,
    FRONT,
    FRONT_BINDINGS,
    REAL,
    SITES,
    V15,
    access,
    host,
    inside,
    location,
    rewriting,
    rule,
    site,
    web,
)

from patchstand.assess import inside_checks
from patchstand.assess.inside import Inside, InsideCheck, Unread
from patchstand.model import Finding
from patchstand.plugins import declared
from patchstand.report.catalog import catalog

CHECKS: dict[str, InsideCheck] = declared(inside_checks, "CHECK")
IIS_CHECKS = (
    "app_pool_restart", "back_end_binding", "bin_search_folders", "hsts", "iis_certificates",
    "iis_config_files", "install_dir_left", "powershell_directory", "virtual_directory_paths",
)  # fmt: skip
OTHER_CHECKS = (
    "iis_modules", "extended_protection", "extended_protection_prerequisites", "mitigations_seen",
)  # fmt: skip
FRONT_SITE = site("Default Web Site", FRONT, FRONT_BINDINGS)


def _ids(check: str, server: Inside) -> list[str]:
    return [each.id for each in CHECKS[check].run(server) if isinstance(each, Finding)]


def _server(config: bytes = b"", **files: bytes) -> Inside:
    named = {name.replace("__", "-") + ".config": each for name, each in files.items()}
    return inside({"applicationHost.config": config or host(), **named})


@pytest.mark.parametrize("check", IIS_CHECKS)
def test_a_plain_server_has_nothing_wrong(check: str) -> None:
    """What setup leaves behind is fine."""
    assert _ids(check, _server()) == []


@pytest.mark.parametrize("check", IIS_CHECKS)
def test_an_empty_bundle_has_nothing_wrong(check: str) -> None:
    """No file, no finding."""
    assert _ids(check, inside({})) == []


# back end


@pytest.mark.parametrize(
    "bindings", [("https *:443:",), ("http *:444:",), ("https 10.0.0.1:444:",)]
)
def test_the_back_end_has_to_listen_on_444(bindings: tuple[str, ...]) -> None:
    """For every address, and encrypted."""
    sites = FRONT_SITE + site("Exchange Back End", BACK, bindings)

    assert _ids("back_end_binding", _server(host(sites=sites))) == ["back_end_not_bound"]


# HSTS

YEAR = 'max-age="31536000"'


def _hsts(front: str = "", back: str = "", headers: dict[str, str] | None = None) -> Inside:
    def native(said: str) -> str:
        return f"<hsts {said} />" if said else ""

    sites = site("Default Web Site", FRONT, FRONT_BINDINGS, native(front)) + site(
        "Exchange Back End", BACK, BACK_BINDINGS, native(back)
    )
    added = "".join(
        location(
            path,
            "<httpProtocol><customHeaders>"
            f'<add name="Strict-Transport-Security" value="{value}" />'
            "</customHeaders></httpProtocol>",
        )
        for path, value in (headers or {}).items()
    )
    return _server(host(added, sites=sites))


@pytest.mark.parametrize(
    ("server", "ids"),
    [
        (_hsts(f'enabled="true" {YEAR}'), []),
        (_hsts(f'enabled="false" {YEAR}', 'enabled="false"'), []),
        (_hsts(back=f'enabled="true" {YEAR}'), ["hsts_back_end"]),
        (_hsts(headers={"Exchange Back End": "max-age=1"}), ["hsts_back_end"]),
        (_hsts('enabled="true" max-age="300"'), ["hsts_too_short"]),
        (_hsts(headers={"Default Web Site": "max-age=300"}), ["hsts_too_short"]),
        (_hsts(headers={"Default Web Site": "includeSubDomains; max-age=31536000"}), []),
        (_hsts(f'enabled="true" {YEAR}', headers={"Default Web Site/owa": "max-age=63072000"}),
         ["hsts_twice"]),
        (_hsts(f'enabled="true" {YEAR} redirectHttpToHttps="true"'), ["hsts_redirects"]),
    ],
)  # fmt: skip
def test_hsts_is_said_once_for_a_year_and_in_front_only(server: Inside, ids: list[str]) -> None:
    """Native setting and header count alike."""
    assert _ids("hsts", server) == ids


# application pools


def _pool(name: str, attributes: str, inner: str = "") -> bytes:
    return host(
        pools=f'<add name="{name}"><recycling><periodicRestart {attributes}>{inner}'
        "</periodicRestart></recycling></add>"
    )


@pytest.mark.parametrize(
    ("config", "ids"),
    [
        (_pool("MSExchangeSyncAppPool", 'time="00:00:00"'), []),
        (_pool("MSExchangeOWAAppPool", 'time="14.00:00:00"'), []),
        (_pool("DefaultAppPool", 'time="01:00:00"'), []),
        (_pool("MSExchangeSyncAppPool", 'time="14.00:00:00"'), ["app_pool_restarts"]),
        (_pool("MSExchangeSyncAppPool", ""), ["app_pool_restarts"]),
        (_pool("MSExchangeSyncAppPool", 'time="00:00:00" requests="9"'), ["app_pool_restarts"]),
        (_pool("MSExchangeSyncAppPool", 'time="00:00:00"',
               '<schedule><add value="03:00:00" /></schedule>'), ["app_pool_restarts"]),
    ],
)  # fmt: skip
def test_pools_of_exchange_do_not_restart_by_themselves(config: bytes, ids: list[str]) -> None:
    """Those of OWA and ECP do every fortnight, as setup has it."""
    assert _ids("app_pool_restart", _server(config)) == ids


# placeholders, folders, PowerShell


def test_a_placeholder_that_setup_left_is_told() -> None:
    """In any case, in attributes and texts; other variables are fine."""
    left = web("", '<appSettings><add key="a" value="%exchangeINSTALLdir%bin" /></appSettings>')
    fine = web("", '<appSettings><add key="a" value="%ExchangeInstallPath%bin" /></appSettings>')

    assert _ids("install_dir_left", _server(DefaultWebSite__ECP_web=left)) == ["install_dir_left"]
    assert _ids("install_dir_left", _server(DefaultWebSite__ECP_web=fine)) == []


def _folders(*folders: str) -> Inside:
    value = ";".join(folders)
    settings = f'<appSettings><add key="BinSearchFolders" value="{value}" /></appSettings>'
    return _server(ExchangeBackEnd__ECP_web=web("", settings))


def test_the_admin_center_needs_its_three_folders() -> None:
    """In any order and case; one that is missing or elsewhere is told."""
    three = (rf"{V15}\bin", rf"{V15}\Bin\CmdletExtensionAgents", rf"{V15}\ClientAccess\owa\bin")

    assert _ids("bin_search_folders", _folders(*reversed(three))) == []
    assert _ids("bin_search_folders", _folders(*three[:2])) == ["bin_search_folders"]
    assert _ids("bin_search_folders", _folders(r"D:\bin", *three[1:])) == ["bin_search_folders"]


@pytest.mark.parametrize(
    ("inside_location", "ids"),
    [
        (access("SslNegotiateCert"), []),
        (access("Ssl, SslNegotiateCert"), ["powershell_requires_ssl"]),
        ('<security><authentication><basicAuthentication enabled="true" />'
         "</authentication></security>", ["powershell_asks_for_log_in"]),
        ('<security><authentication><basicAuthentication enabled="false" />'
         "</authentication></security>", []),
    ],
)  # fmt: skip
def test_powershell_of_the_front_end_stays_as_setup_made_it(
    inside_location: str, ids: list[str]
) -> None:
    """Neither SSL nor a log-in method of IIS."""
    config = host(location("Default Web Site/powershell", inside_location))

    assert _ids("powershell_directory", _server(config)) == ids


def test_ssl_that_powershell_inherits_counts_as_its_own() -> None:
    """The site requires it, and the directory does not say otherwise."""
    config = host(location("Default Web Site", access("Ssl, Ssl128")))

    assert _ids("powershell_directory", _server(config)) == ["powershell_requires_ssl"]


def test_a_directory_with_another_folder_is_told() -> None:
    """Windows' own folders may be written either way."""
    moved = FRONT | {"/owa": r"C:\Temp\owa"}
    system = BACK | {"/Rpc": r"C:\Windows\System32\RpcProxy", "/RpcWithCert": r"%windir%\x"}
    sites = site("Default Web Site", moved, FRONT_BINDINGS) + site(
        "Exchange Back End", system, BACK_BINDINGS
    )
    server = _server(host(sites=sites))
    (found,) = CHECKS["virtual_directory_paths"].run(server)

    assert isinstance(found, Finding)
    assert dict(found.values)["directories"] == (
        "Default Web Site/owa, Exchange Back End/RpcWithCert"
    )


# files


@pytest.mark.parametrize(
    ("files", "finding"),
    [
        ({"DefaultWebSite-ECP_web.config": b"<configuration><"}, "iis_config_unreadable"),
        ({"DefaultWebSite-ECP_web.config": b"<html />"}, "iis_config_unreadable"),
        ({"applicationHost.config": b"<broken"}, "iis_config_unreadable"),
        ({"DefaultWebSite-ECP_web.config": web(access("Ssl"))}, "iis_config_refused"),
        ({"DefaultWebSite-ECP_web.config": web(rewriting(f"<rules>{rule('a') * 2}</rules>"))},
         "iis_config_refused"),
        ({"somewhere/web.config": web("")}, "iis_config_without_place"),
    ],
)  # fmt: skip
def test_files_that_iis_or_we_cannot_use_are_told(files: dict[str, bytes], finding: str) -> None:
    """With the reason, and nothing that hangs on them is judged."""
    server = inside({"applicationHost.config": host(), **files})

    assert _ids("iis_config_files", server) == [finding]


# certificates


def _binding(
    information: str, thumbprint: str, owner: str = "Default Web Site"
) -> dict[str, object]:
    return {
        "protocol": "https",
        "bindingInformation": information,
        "certificateHash": thumbprint,
        "ItemXPath": f"/system.applicationHost/sites/site[@name='{owner}' and @id='1']",
    }


def _certificate(thumbprint: str) -> dict[str, object]:
    return {
        "Thumbprint": thumbprint,
        "Subject": "CN=mail",
        "Issuer": "CN=ca",
        "NotBefore": datetime(2026, 1, 1, tzinfo=UTC),
        "NotAfter": datetime(2027, 1, 1, tzinfo=UTC),
    }


def _bound(*bindings: dict[str, object], stored: str | None = "A" * 40) -> Inside:
    files = {"applicationHost.config": host(), "GetWebBinding.xml": export(*bindings)}
    if stored is not None:
        files["GetExchangeCertificate.xml"] = export(_certificate(stored))
    return inside(files)


@pytest.mark.parametrize(
    ("server", "ids"),
    [
        (_bound(_binding(":443:", "a" * 40)), []),
        (_bound(_binding(":443:", "B" * 40)), ["bound_certificate_missing"]),
        (_bound(_binding(":443:", "")), ["binding_without_certificate"]),
        (_bound(_binding(":443:", "B" * 40, "Some other site")), []),
    ],
)
def test_the_certificates_of_exchanges_bindings_exist(server: Inside, ids: list[str]) -> None:
    """Other sites are not Exchange's business."""
    assert _ids("iis_certificates", server) == ids


def test_without_the_list_of_certificates_none_is_called_missing() -> None:
    """What was not read stays open."""
    said = list(CHECKS["iis_certificates"].run(_bound(_binding(":443:", "B" * 40), stored=None)))

    assert said == [Unread("GetExchangeCertificate")]
    assert list(CHECKS["iis_certificates"].run(_server())) == [Unread("GetWebBinding")]


def test_a_list_with_something_else_in_it_is_not_complete() -> None:
    """An object that is no certificate may stand for one that could not be exported."""
    files = {
        "GetWebBinding.xml": export(_binding(":443:", "B" * 40)),
        "GetExchangeCertificate.xml": export(_certificate("A" * 40), {"Subject": "CN=other"}),
    }

    assert list(CHECKS["iis_certificates"].run(inside(files))) == [Unread("GetExchangeCertificate")]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real configurations are not here")
@pytest.mark.parametrize(
    "path", sorted((REAL / "extended_protection").glob("*")), ids=lambda path: path.name
)
@pytest.mark.parametrize("check", [*IIS_CHECKS, "iis_modules"])
def test_configurations_of_real_servers_have_nothing_wrong(path: Path, check: str) -> None:
    """Default installations of 2013, 2016 and 2019."""
    assert _ids(check, _server(path.read_bytes())) == []


_BARE = "<configuration><system.applicationHost>{}</system.applicationHost></configuration>"


@pytest.mark.parametrize(
    "config",
    [
        host(sites=site("", {"": ""}, ("https :",))),
        host(sites='<site /><site name="Exchange Back End" /><site name="Exchange Back End" />'),
        host(pools='<add /><add name="MSExchange"><recycling /></add>', modules="<add />"),
        host(location("Default Web Site", rewriting("<rules><rule /></rules>"))),
        _BARE.format("").encode(),
        _BARE.format(SITES).encode(),
    ],
)
@pytest.mark.parametrize("check", [*IIS_CHECKS, *OTHER_CHECKS])
def test_odd_configurations_end_no_check(config: bytes, check: str) -> None:
    """Empty names, sites without anything, rules without anything: no check gives up."""
    texts = catalog("en")

    assert [
        each for each in _ids(check, _server(config)) if not texts.has(f"finding.{each}.title")
    ] == []
