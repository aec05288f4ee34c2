"""applicationHost.config becomes sites, pools, modules and locations."""

from pathlib import Path

import pytest
from tests.collect.iis.configs import REAL, host, location, site, web

from patchstand.collect.iis.host import host_config, is_host_config
from patchstand.collect.markup import read_xml
from patchstand.model.iis import IisConfig
from patchstand.model.inside import MarkupFile


def _read(content: bytes) -> IisConfig:
    return host_config(MarkupFile("applicationHost.config", read_xml(content)))


def test_sites_have_their_applications_and_bindings() -> None:
    """A site tells its virtual directories with their folders, and where it listens."""
    config = _read(host())

    front = config.site("default web site")
    assert front is not None
    assert [each.path for each in front.applications][:2] == ["/", "/owa"]
    assert front.applications[1].directories[0].physical_path.endswith(r"HttpProxy\owa")
    assert [(each.protocol, each.port) for each in front.bindings] == [
        ("http", "80"),
        ("https", "443"),
        ("https", "443"),
    ]


def test_native_hsts_of_the_defaults_holds_for_each_site() -> None:
    """What siteDefaults say holds unless the site says otherwise."""
    defaults = '<siteDefaults><hsts enabled="true" max-age="5" /></siteDefaults>'
    own = '<hsts max-age="9" />'
    config = _read(host(sites=site("A", {}, ()) + site("B", {}, (), own) + defaults))

    assert [each.hsts for each in config.sites] == [
        {"enabled": "true", "max-age": "5"},
        {"enabled": "true", "max-age": "9"},
    ]


def test_pools_take_what_they_do_not_say_from_the_defaults() -> None:
    """A pool's own restart wins over that of applicationPoolDefaults."""
    pools = (
        '<add name="A" /><add name="B"><recycling><periodicRestart time="00:00:00">'
        '<schedule><add value="03:00:00" /></schedule></periodicRestart></recycling></add>'
        "<applicationPoolDefaults><recycling>"
        '<periodicRestart time="1.00:00:00" requests="7" /></recycling></applicationPoolDefaults>'
    )
    config = _read(host(pools=pools))

    assert config.pools[0].restart == {"time": "1.00:00:00", "requests": "7"}
    assert config.pools[1].restart == {"time": "00:00:00", "requests": "7"}
    assert config.pools[1].schedule == ("03:00:00",)


def test_locations_keep_path_override_and_inheritance() -> None:
    """Slashes at the ends and the older spelling of a lock make no difference."""
    config = _read(
        host(
            location("/Default Web Site/owa/", "", inheritInChildApplications="false")
            + location("Exchange Back End", "", allowOverride="false")
            + location(".", "", overrideMode="Allow")
        )
    )

    assert [(each.path, each.override, each.inherits) for each in config.locations] == [
        ("Default Web Site/owa", "Inherit", False),
        ("Exchange Back End", "Deny", True),
        ("", "Allow", True),
    ]


def test_an_application_host_config_is_known_by_its_content() -> None:
    """The name of the file does not matter."""
    assert is_host_config(read_xml(host()))
    assert not is_host_config(read_xml(web("<rewrite />")))


@pytest.mark.skipif(not REAL.is_dir(), reason="the real configurations are not here")
@pytest.mark.parametrize(
    "path", sorted((REAL / "extended_protection").glob("*")), ids=lambda p: p.name
)
def test_real_configurations_are_read(path: Path) -> None:
    """A real configuration has both sites, their pools and 43 locations."""
    config = _read(path.read_bytes())

    assert [each.name for each in config.sites] == ["Default Web Site", "Exchange Back End"]
    assert len(config.locations) == 43
    assert "MSExchangeOWAAppPool" in {each.name for each in config.pools}
    assert "kerbauth" in {each.name for each in config.modules}
