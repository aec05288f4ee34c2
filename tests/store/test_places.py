"""Where servers stand, from files as users have them; all written here."""

import random
import resource
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store.mmdb import write_mmdb

from patchstand.errors import UsageError
from patchstand.model import NOWHERE, Place
from patchstand.store.place_files import Row
from patchstand.store.place_tables import build_table
from patchstand.store.places import Places

DELEGATED = """\
2|ripencc|1795305599|8|19830705|20261121|+0000
# a comment
ripencc|*|ipv4|*|3|summary
ripencc|*|asn|*|1|summary
ripencc|DE|ipv4|192.0.2.0|128|20050101|allocated|0a0b
ripencc|AT|ipv4|198.51.100.0|96|20050101|assigned|0a0c
ripencc|CH|ipv6|2001:db8::|32|20050101|allocated|0a0d
ripencc|DE|asn|64500|1|20050101|allocated|0a0e
ripencc||ipv4|203.0.113.0|256||available|
"""


def saved(folder: Path, text: str, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_delegated_file_gives_countries(tmp_path: Path) -> None:
    """Counts of IPv4 addresses and prefixes of IPv6 are ranges; other rows say nothing."""
    places = Places.load([saved(tmp_path, DELEGATED, "delegated-ripencc-extended-latest")])

    found = {
        text: places.of(text).country
        for text in (
            "192.0.2.0",
            "192.0.2.127",
            "192.0.2.128",
            "198.51.100.95",
            "198.51.100.96",
            "2001:db8:ffff::1",
            "2001:db9::1",
            "203.0.113.1",
            "::ffff:192.0.2.1",
        )
    }

    assert list(found.values()) == ["DE", "DE", None, "AT", None, "CH", None, None, "DE"]


def test_a_table_gives_every_field_by_network_range_or_name(tmp_path: Path) -> None:
    """CSV rows by network, by range and by name fill the fields they have."""
    by_network = "Network;Country;State;ASN;Sector\n192.0.2.0/24;de;DE-BY;AS64500;\n"
    by_range = "start,end,sector\n192.0.2.10,192.0.2.19,health\n2001:db8::1,2001:db8::9,energy\n"
    by_name = "domain,sector\nexample.org,education\nmail.example.org,government\n"
    places = Places.load(
        [
            saved(tmp_path, by_network, "networks.csv"),
            saved(tmp_path, by_range, "ranges.csv"),
            saved(tmp_path, by_name, "names.csv"),
        ]
    )

    assert places.of("192.0.2.9") == Place("DE", "DE-BY", 64500, None)
    assert places.of("192.0.2.19") == Place("DE", "DE-BY", 64500, "health")
    assert places.of("192.0.2.20", "Mail.Example.org.").sector == "government"
    assert places.of(None, "www.example.org").sector == "education"
    assert places.of("2001:db8::9").sector == "energy"
    assert places.of("example.org") == NOWHERE


def test_the_most_specific_network_wins_then_the_later_file(tmp_path: Path) -> None:
    """A narrower network beats a wider one in any file; between equals the later file wins."""
    narrow = saved(tmp_path, "network,country\n192.0.2.64/26,AT\n", "narrow.csv")
    wide = saved(tmp_path, "network,country\n192.0.2.0/24,DE\n", "wide.csv")
    same = saved(tmp_path, "network,country\n192.0.2.0/24,CH\n", "same.csv")
    database = write_mmdb(tmp_path / "a.mmdb", {"192.0.2.0/24": {"country_code": "FR"}})
    narrowest = write_mmdb(tmp_path / "b.mmdb", {"192.0.2.96/27": {"country_code": "IT"}})

    assert Places.load([narrow, wide]).of("192.0.2.65").country == "AT"
    assert Places.load([wide, same]).of("192.0.2.1").country == "CH"
    assert Places.load([same, wide]).of("192.0.2.1").country == "DE"
    assert Places.load([wide, database]).of("192.0.2.1").country == "FR"
    assert Places.load([database, wide]).of("192.0.2.1").country == "DE"
    assert Places.load([database, narrow]).of("192.0.2.65").country == "AT"
    assert Places.load([narrowest, database, narrow]).of("192.0.2.97").country == "IT"


GEOLITE = {
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "registered_country": {"iso_code": "US"},
    "subdivisions": [{"iso_code": "BY", "names": {"en": "Bavaria"}}],
}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (GEOLITE, Place("DE", "DE-BY")),
        ({"autonomous_system_number": 64500}, Place(asn=64500)),
        ({"country": {"iso_code": "DE"}, "subdivisions": [{"names": {"en": "Bavaria"}}]},
         Place("DE", "Bavaria")),
        ({"country": "Germany", "country_code": "DE", "asn": "AS64500"}, Place("DE", asn=64500)),
        ({"country": "DE", "region": "Bavaria"}, Place("DE", "Bavaria")),
        ({"registered_country": {"iso_code": "US"}}, NOWHERE),
        ({"is_anycast": True}, NOWHERE),
    ],
)  # fmt: skip
@pytest.mark.parametrize("version", [4, 6])
def test_databases_of_several_makers_are_read(
    record: dict[str, object], expected: Place, version: int, tmp_path: Path
) -> None:
    """GeoLite2, DB-IP and IPinfo name their fields differently; the registered country is none."""
    database = write_mmdb(tmp_path / "a.mmdb", {"192.0.2.0/24": record}, version)
    places = Places.load([database])

    assert places.of("192.0.2.200") == expected
    assert places.of("198.51.100.1") == NOWHERE
    assert places.of("2001:db8::1") == NOWHERE


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("network,country\n192.0.2.0/24,DE\n192.0.2.1/24,DE\n", 3),
        ("start,end,country\n192.0.2.9,192.0.2.1,DE\n", 2),
        ("start,end,country\n192.0.2.9,2001:db8::1,DE\n", 2),
        ("network,country\n192.0.2.0/24,Germany\n", 2),
        ("network,asn\n192.0.2.0/24,many\n", 2),
        ("network,sector\n,health\n", 2),
        ("address,country\n192.0.2.0/24,DE\n", 1),
        ("\n\nnothing\n", 3),
        ("", 1),
        ('network,sector\n192.0.2.0/24,"open\n', 2),
        ("2|ripencc|1|1|1|1|+0\nripencc|DE|ipv4|192.0.2.0|x|2005|allocated\n", 2),
        ("2|ripencc|1|1|1|1|+0\nripencc|DE|ipv4|255.255.255.0|512|2005|allocated\n", 2),
        ("2|ripencc|1|1|1|1|+0\nripencc|DE|ipv6|2001:db8::1|32|2005|allocated\n", 2),
        ("2|ripencc|1|1|1|1|+0\nripencc|DE|ipv4\n", 2),
    ],
)
def test_a_wrong_line_is_named(text: str, line: int, tmp_path: Path) -> None:
    """An error is one line that names the file and the line."""
    path = saved(tmp_path, text)

    with pytest.raises(UsageError) as caught:
        Places.load([path])

    assert str(caught.value).startswith(f"{path}, line {line}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.mmdb", b"\xab\xcd\xefMaxMind.com\xe1"),
        ("empty.mmdb", b""),
        ("latin.csv", b"network,sector\n192.0.2.0/24,\xfcber\n"),
        ("binary.csv", b"\x00\xff" * 100),
    ],
)
def test_a_file_of_no_use_is_named(name: str, content: bytes, tmp_path: Path) -> None:
    """A damaged or foreign file is a usage error of one line that names it."""
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(UsageError) as caught:
        Places.load([path])

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is a usage error that names it."""
    with pytest.raises(UsageError, match="absent"):
        Places.load([tmp_path / "absent.csv"])


RANGES = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 20), st.sampled_from(["DE", "AT", "CH"])),
    max_size=12,
)


@given(RANGES, st.sampled_from([4, 6]))
def test_the_table_says_what_a_search_through_all_rows_says(
    ranges: list[tuple[int, int, str]], version: int
) -> None:
    """For any ranges, nested or crossing, the narrowest wins, of equal ones the last."""
    rows = [
        Row(0, Place(country=country), version, start, start + length)
        for start, length, country in ranges
    ]
    table = build_table(rows, version)
    places = Places({4: table, 6: table}, {})

    for number in range(64):
        holding = [
            (row.end - row.start, -at, row.place.country)
            for at, row in enumerate(rows)
            if row.start <= number <= row.end
        ]
        text = str(ip_address(number) if version == 4 else ip_address(number.to_bytes(16, "big")))
        assert places.of(text).country == (min(holding)[2] if holding else None)


def test_the_whole_range_can_be_covered(tmp_path: Path) -> None:
    """The last address of each version belongs to a network that ends there."""
    text = "network,country\n0.0.0.0/0,DE\n::/0,AT\n"
    places = Places.load([saved(tmp_path, text)])

    found = [places.of(each).country for each in ("255.255.255.255", "0.0.0.0", "::")]

    assert found == ["DE", "DE", "AT"]
    assert places.of(str(ip_network("::/0")[-1])).country == "AT"


_MEASURED = """
import sys, time
from pathlib import Path
from patchstand.store.places import Places
places = Places.load([Path(sys.argv[1])])
status = Path("/proc/self/status").read_text().split()
peak = status[status.index("VmHWM:") + 1]
asked = Path(sys.argv[2]).read_text().split()
start = time.process_time()
for text in asked:
    places.of(text)
print(peak, (time.process_time() - start) / len(asked) * 1e6)
"""


@pytest.mark.bench
def test_a_registry_s_whole_file_is_small_and_quick(tmp_path: Path) -> None:
    """250,000 rows take less than 200 MB, and an address at most 3 microseconds."""
    chance = random.Random(1)
    lines = ["2|ripencc|1|250000|19830705|20261121|+0000"]
    for number in range(125_000):
        country = chance.choice(["DE", "AT", "CH", "FR", "PL"])
        v4, v6 = ip_address(number * 30_000), ip_address(0x2A << 120 | number << 96)
        lines.append(
            f"ripencc|{country}|ipv4|{v4}|{256 * chance.randint(1, 90)}|20050101|allocated|x"
        )
        lines.append(f"ripencc|{country}|ipv6|{v6}|32|20050101|allocated|x")
    path = saved(tmp_path, "\n".join(lines) + "\n", "delegated-ripencc-latest")
    asked = [str(ip_address(chance.getrandbits(32))) for _ in range(100_000)]
    asked += [str(ip_address(0x2A << 120 | chance.getrandbits(115))) for _ in range(100_000)]
    targets = saved(tmp_path, "\n".join(asked), "asked.txt")

    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(path), str(targets)],
        check=True,
        capture_output=True,
        text=True,
    )
    kilobytes, microseconds = map(float, done.stdout.split())

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"places: {kilobytes / 1024:.0f} MB, {microseconds:.2f} us an address,", end=" ")
    print(f"{usage.ru_utime:.1f} s in all")
    assert kilobytes < 200 * 1024
    assert microseconds < 3
