"""What `scan` and `import` make of bad input: one line, exit code 2, and nothing half-written."""

import gzip
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.observe.importers.samples import shadowserver_report, shadowserver_row

from patchstand.cli.main import main

SCOPE: dict[str, Any] = {
    "authority": "own",
    "purposes": ["inform"],
    "contact": "https://provider.example/probing",
    "networks": ["192.0.2.0/24", "2001:db8::/32"],
}
ONE_OF_A_V6_32 = 2**96
PATCHSTAND = Path(sys.executable).with_name("patchstand")
Capture = pytest.CaptureFixture[str]


def refused(capsys: Capture, *arguments: str | Path) -> str:
    """Run a command that must be refused in one line on stderr; the line."""
    code = main([str(each) for each in arguments])
    out, err = capsys.readouterr()
    assert (code, out) == (2, ""), err
    assert err.startswith("patchstand")
    assert err.count("\n") == 1, err
    assert err.endswith("\n")
    assert "Traceback" not in err
    assert "Errno" not in err
    assert len(err) < 600
    return err


def is_untouched(store: Path) -> bool:
    """True when a store holds nothing of a scan or an import, whole or half."""
    files = {path.name for path in store.rglob("*") if path.is_file()}
    scans = store / "scans"
    begun = list(scans.iterdir()) if scans.is_dir() else []
    return files <= {"store.json", "state.sqlite"} and not begun


def scope_file(folder: Path, name: str = "scope.json", **fields: object) -> Path:
    """A scope file with further or other fields."""
    path = folder / name
    path.write_text(json.dumps(SCOPE | fields), encoding="utf-8")
    return path


def scan(folder: Path, targets: bytes | Path, *more: str | Path) -> tuple[str | Path, ...]:
    """The arguments of a scan of these targets under the scope of this module."""
    path = targets if isinstance(targets, Path) else folder / "targets.txt"
    if isinstance(targets, bytes):
        path.write_bytes(targets)
    scope = () if "--scope" in more else ("--scope", scope_file(folder))
    return ("scan", "--store", folder / "store", "--targets", path, *scope, *more)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("24/192.0.2.0", "24/192.0.2.0"),
        ("0.2.0.192/24", "0.2.0.0/24"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("192.0.2.0/33", "192.0.2.0/33"),
        ("192.0.2.0/-1", "192.0.2.0/-1"),
        ("192.0.2.0/", "192.0.2.0/"),
        ("192.0.2.0/255.255.0.255", "192.0.2.0/255.255.0.255"),
        ("192.0.2.9-192.0.2.1", "192.0.2.9-192.0.2.1"),
        ("192.0.2.300", "192.0.2.300"),
        ("2001:db8::/129", "2001:db8::/129"),
        ("2001:db8::7/64", "2001:db8::/64"),
        ("/24", "/24"),
        ("https://", "https://"),
        ("mail.example.org:0", "'0'"),
        ("mail.example.org https=70000", "70000"),
        ("mail.example.org gopher=70", "gopher"),
        ("mail.example.org\x00", "line 2"),
        ("x" * 100_000, "line 2"),
        ("\u202email.example.org", "line 2"),
    ],
)
def test_a_line_that_is_no_target_refuses_the_file(
    tmp_path: Path, capsys: Capture, line: str, told: str
) -> None:
    """Reversed, malformed and half blocks: the error names the line and what is wrong."""
    text = f"192.0.2.1\n{line}\n192.0.2.2\n".encode()
    said = refused(capsys, *scan(tmp_path, text))

    assert "line 2" in said
    assert told in said
    assert is_untouched(tmp_path / "store")
    assert "line 2" in refused(capsys, *scan(tmp_path, text, "--dry-run"))


def test_an_ipv6_32_is_counted_and_refused(tmp_path: Path, capsys: Capture) -> None:
    """2**96 addresses are more than any limit; the error says how many, at once."""
    for more in ((), ("--dry-run",), ("--limit", str(2**95))):
        said = refused(capsys, *scan(tmp_path, b"2001:db8::/32\n", *more))
        assert str(ONE_OF_A_V6_32) in said.replace(",", "")
        assert "--limit" in said
    assert is_untouched(tmp_path / "store")


@pytest.mark.parametrize(
    ("text", "limit"),
    [("192.0.2.1\n192.0.2.2\n192.0.2.3\n", 2), ("192.0.2.0/24\n", 255), ("192.0.2.1\n", 0)],
)
def test_the_limit_is_a_limit(tmp_path: Path, capsys: Capture, text: str, limit: int) -> None:
    """One target more than --limit refuses the whole list."""
    said = refused(capsys, *scan(tmp_path, text.encode(), "--limit", str(limit)))

    assert "limit" in said
    assert is_untouched(tmp_path / "store")


def test_as_many_as_the_limit_are_taken(tmp_path: Path, capsys: Capture) -> None:
    """The limit itself is allowed; the dry run counts."""
    arguments = scan(tmp_path, b"192.0.2.0/24\n", "--limit", "256", "--dry-run", "--json")
    assert main([str(each) for each in arguments]) == 0
    said = json.loads(capsys.readouterr().out)
    assert 256 in said.values(), said


NOT_TEXT = {
    "UTF-16": "192.0.2.1\n192.0.2.2\n".encode("utf-16"),
    "UTF-16 without a mark": "192.0.2.1\n".encode("utf-16-le"),
    "Latin-1": "m\xfcnchen.example.org\n".encode("latin-1"),
    "binary": bytes(range(256)) * 64,
    "compressed": gzip.compress(b"192.0.2.1\n"),
}


@pytest.mark.parametrize("content", NOT_TEXT.values(), ids=NOT_TEXT)
def test_a_list_of_targets_in_another_encoding_is_refused(
    tmp_path: Path, capsys: Capture, content: bytes
) -> None:
    """UTF-16, Latin-1, binary and compressed lists: nothing is guessed, nothing is asked."""
    refused(capsys, *scan(tmp_path, content))
    assert is_untouched(tmp_path / "store")


@pytest.mark.parametrize("content", NOT_TEXT.values(), ids=NOT_TEXT)
def test_a_list_from_standard_input_is_refused_alike(tmp_path: Path, content: bytes) -> None:
    """What cannot be read from a file cannot be read from a pipe."""
    command = [PATCHSTAND, *scan(tmp_path, Path("-"))]
    done = subprocess.run(command, input=content, capture_output=True, timeout=60, check=False)

    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"patchstand: ")
    assert done.stderr.count(b"\n") == 1
    assert is_untouched(tmp_path / "store")


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf127.0.0.1\r\n# none\r\n\r\n", b"127.0.0.1"])
def test_how_editors_save_text_does_not_matter(
    tmp_path: Path, capsys: Capture, content: bytes
) -> None:
    """A byte order mark of UTF-8, CRLF and a last line without an end are no errors."""
    arguments = scan(tmp_path, content, "--dry-run", "--json")
    assert main([str(each) for each in arguments]) == 0, capsys.readouterr().err
    assert 1 in json.loads(capsys.readouterr().out).values()


@pytest.mark.parametrize("content", [b"", b"\n\n", b"# nothing yet\n", b"\xef\xbb\xbf"])
def test_a_list_without_targets_is_refused(tmp_path: Path, capsys: Capture, content: bytes) -> None:
    """An empty list is a broken pipeline, seldom a wish: it must not look like a scan done."""
    assert "no target" in refused(capsys, *scan(tmp_path, content))
    assert is_untouched(tmp_path / "store")


@pytest.mark.parametrize("where", ["a folder", "nowhere"])
def test_a_list_that_is_no_file_is_refused(tmp_path: Path, capsys: Capture, where: str) -> None:
    """A folder and a path that does not exist; the error names it."""
    path = tmp_path if where == "a folder" else tmp_path / "nowhere"
    assert str(path) in refused(capsys, *scan(tmp_path, path))
    assert is_untouched(tmp_path / "store")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"valid_until": "2020-12-31"}, "2020-12-31"),
        ({"valid_from": "2999-01-01"}, "2999-01-01"),
        ({"valid_from": "2026-02-02", "valid_until": "2026-02-01"}, "valid_until"),
        ({"valid_until": "31.12.2027"}, "valid_until"),
        ({"networks": ["24/192.0.2.0"]}, "24/192.0.2.0"),
        ({"networks": ["192.0.2.7/24"]}, "192.0.2.0/24"),
        ({"networks": ["192.0.2.9-192.0.2.1"]}, "networks"),
        ({"networks": ["0.0.0.0/0"]}, "0.0.0.0/0"),
        ({"networks": []}, "network"),
        ({"denied_networks": ["192.0.0.0/16"]}, "192.0.2.0/24"),
        ({"opt_outs": ["192.0.2.0/40"]}, "opt_outs"),
        ({"opt_out_file": "nowhere.txt"}, "nowhere.txt"),
        ({"requests_per_server": 0}, "per server"),
        ({"requests_per_server": 201}, "per server"),
        ({"requests_per_network": -1}, "per network"),
        ({"rate": 0}, "rate"),
        ({"rate": "fast"}, "rate"),
        ({"network": ["192.0.2.0/24"]}, "network"),
        ({"contact": " "}, "contact"),
    ],
)
def test_a_wrong_scope_is_refused(
    tmp_path: Path, capsys: Capture, fields: dict[str, object], told: str
) -> None:
    """Expired, not yet valid, malformed or contradictory: the error names file and field."""
    scope = scope_file(tmp_path, "wrong.json", **fields)
    said = refused(capsys, *scan(tmp_path, b"192.0.2.1\n", "--scope", scope))

    assert str(scope) in said
    assert told in said
    assert is_untouched(tmp_path / "store")


@pytest.mark.parametrize(
    "content",
    [json.dumps(SCOPE).encode("utf-16"), b"", b"[]", b"\xff\xfe", json.dumps(SCOPE)[:40].encode()],
)
def test_a_scope_that_cannot_be_read_is_refused(
    tmp_path: Path, capsys: Capture, content: bytes
) -> None:
    """Half a file, another encoding, another document."""
    scope = tmp_path / "wrong.json"
    scope.write_bytes(content)
    assert str(scope) in refused(capsys, *scan(tmp_path, b"192.0.2.1\n", "--scope", scope))
    assert str(tmp_path) in refused(capsys, *scan(tmp_path, b"192.0.2.1\n", "--scope", tmp_path))
    assert is_untouched(tmp_path / "store")


def test_scopes_that_overlap_on_other_grounds_are_refused(tmp_path: Path, capsys: Capture) -> None:
    """An address has one legal basis; the error names both files and what they share."""
    one = scope_file(tmp_path, "one.json", legal_basis="contract 17")
    two = scope_file(tmp_path, "two.json", networks=["192.0.2.128/25"], legal_basis="contract 18")
    said = refused(capsys, *scan(tmp_path, b"192.0.2.1\n", "--scope", one, "--scope", two))

    assert str(one) in said
    assert str(two) in said
    assert "192.0.2.128/25" in said
    assert is_untouched(tmp_path / "store")


@pytest.mark.parametrize(
    "options",
    [
        ("--requests", "0"),
        ("--requests", "201"),
        ("--requests", "many"),
        ("--nodes", "0"),
        ("--retries", "-1"),
        ("--concurrency", "0"),
        ("--concurrency", "-5"),
        ("--timeout", "0"),
        ("--timeout", "-1"),
        ("--timeout", "nan"),
        ("--timeout", "inf"),
        ("--limit", "-1"),
        ("--probes", "exploit"),
        ("--probes", ""),
        ("--resolver", "somewhere"),
        ("--state", "mysql://127.0.0.1/x"),
        ("--state", "nonsense"),
        ("--cluster", "tcp://127.0.0.1:1", "--queue", "postgresql://127.0.0.1/x"),
        ("--cluster-ca", "ca.pem"),
        ("--as-of", "2999-01-01"),
        ("--knowledge", "/nonexistent"),
    ],
    ids=lambda options: " ".join(options)[:40].encode("unicode_escape").decode(),
)
def test_an_option_that_means_nothing_is_refused(
    tmp_path: Path, capsys: Capture, options: tuple[str, ...]
) -> None:
    """Nobody is asked and nothing is begun with a wrong option."""
    refused(capsys, *scan(tmp_path, b"127.0.0.1 https=1\n", *options))
    assert is_untouched(tmp_path / "store")


def test_a_scan_without_targets_is_refused(tmp_path: Path, capsys: Capture) -> None:
    """Neither --targets nor --resume: the error says which to give."""
    assert "--targets" in refused(capsys, "scan", "--store", tmp_path / "store")
    assert is_untouched(tmp_path / "store")


def another_folder(folder: Path) -> Path:
    (folder / "documents").mkdir()
    (folder / "documents" / "letter.txt").write_text("Dear")
    return folder / "documents"


def a_file(folder: Path) -> Path:
    (folder / "file").write_text("no folder")
    return folder / "file"


def below_a_file(folder: Path) -> Path:
    return a_file(folder) / "store"


def damaged(folder: Path) -> Path:
    (folder / "damaged").mkdir()
    (folder / "damaged" / "store.json").write_text('{"version": 1')
    return folder / "damaged"


def later(folder: Path) -> Path:
    (folder / "later").mkdir()
    text = '{"version": 99, "created": "2031-01-01T00:00:00Z"}'
    (folder / "later" / "store.json").write_text(text)
    return folder / "later"


@pytest.mark.parametrize("make", [another_folder, a_file, below_a_file, damaged, later])
@pytest.mark.parametrize("command", ["scan", "resume", "import"])
def test_what_is_no_store_is_left_alone(
    tmp_path: Path, capsys: Capture, make: Callable[[Path], Path], command: str
) -> None:
    """A folder with other files, a file, a damaged store, one of the future: refused, untouched."""
    store = make(tmp_path)
    targets = tmp_path / "targets.txt"
    targets.write_text("127.0.0.1 https=1\n")
    report = tmp_path / "scan_exchange.csv"
    report.write_text(shadowserver_report(shadowserver_row()))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    words = {
        "scan": ("scan", "--targets", targets),
        "resume": ("scan", "--resume"),
        "import": ("import", report),
    }[command]
    refused(capsys, *words, "--store", store)

    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("scan_id", [(), ("20260101T000000Z-abcdef",), ("../../etc",)])
def test_nothing_to_resume_is_said(
    tmp_path: Path, capsys: Capture, scan_id: tuple[str, ...]
) -> None:
    """--resume without a store, in an empty one, and with an id nobody gave."""
    refused(capsys, "scan", "--store", tmp_path / "store", "--resume", *scan_id)
    assert not (tmp_path / "store").exists()

    report = tmp_path / "scan_exchange.csv"
    report.write_text(shadowserver_report(shadowserver_row()))
    assert main(["import", str(report), "--store", str(tmp_path / "store"), "--quiet"]) == 0
    capsys.readouterr()
    said = refused(capsys, "scan", "--store", tmp_path / "store", "--resume", *scan_id)
    assert "no interrupted scan" in said
    assert not any((tmp_path / "store").glob("scans/*"))


ROWS = [shadowserver_row(ip=f"192.0.2.{number}") for number in range(1, 51)]


def stored(capsys: Capture, store: Path, report: Path) -> tuple[int, int, str]:
    """Import a report that is taken; how many rows were stored and rejected, and stderr."""
    code = main(["import", str(report), "--store", str(store), "--json", "--quiet"])
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "Traceback" not in err
    said = json.loads(out.splitlines()[-1])
    rejected = said["rejected"]
    return said["stored"], rejected if isinstance(rejected, int) else len(rejected), err


def test_half_a_report_keeps_its_whole_rows(tmp_path: Path, capsys: Capture) -> None:
    """A CSV cut in the middle of a row: the rows before it are kept, the last is rejected."""
    report = tmp_path / "scan_exchange.csv"
    text = shadowserver_report(*ROWS)
    cut = text.index("192.0.2.31") + 3
    report.write_text(text[:cut])

    assert stored(capsys, tmp_path / "store", report)[:2] == (30, 1)


def test_a_report_cut_in_its_compressed_form_keeps_its_whole_rows(
    tmp_path: Path, capsys: Capture
) -> None:
    """Half a .gz: what came out whole is kept, the rest is said to be missing."""
    report = tmp_path / "scan_exchange.csv.gz"
    rows = [shadowserver_row(ip=f"2001:db8::{number:x}") for number in range(1, 5000)]
    whole = gzip.compress(shadowserver_report(*rows).encode())
    report.write_bytes(whole[: len(whole) // 2])
    good, rejected, _ = stored(capsys, tmp_path / "store", report)

    assert 0 < good < 5000
    assert rejected >= 1


def test_a_report_in_latin_1_loses_no_row(tmp_path: Path, capsys: Capture) -> None:
    """A name of a place in another encoding costs at most that row."""
    report = tmp_path / "scan_exchange.csv"
    rows = [*ROWS, shadowserver_row(ip="192.0.2.99", city="M\xdcNCHEN")]
    report.write_bytes(shadowserver_report(*rows).encode("latin-1"))
    good, rejected, _ = stored(capsys, tmp_path / "store", report)

    assert good >= len(ROWS)
    assert good + rejected == len(rows)


NO_REPORTS = {
    "empty": b"",
    "UTF-16": shadowserver_report(*ROWS).encode("utf-16"),
    "half a header": shadowserver_report(*ROWS)[:40].encode(),
    "binary": bytes(range(256)) * 100,
    "prose": b"Dear colleague,\nplease find attached\n",
    "no zip": b"PK\x03\x04" + bytes(200),
    "no gzip": b"\x1f\x8b" + bytes(200),
}


@pytest.mark.parametrize("content", NO_REPORTS.values(), ids=NO_REPORTS)
@pytest.mark.parametrize("named", [(), ("--format", "shadowserver")], ids=["", "named"])
def test_what_is_no_report_is_refused(
    tmp_path: Path, capsys: Capture, content: bytes, named: tuple[str, ...]
) -> None:
    """Neither by guessing nor with its format named is nonsense stored."""
    report = tmp_path / "report.csv"
    report.write_bytes(content)
    said = refused(capsys, "import", report, "--store", tmp_path / "store", *named)

    assert report.name in said
    assert is_untouched(tmp_path / "store")


@pytest.mark.parametrize("where", ["a folder", "nowhere"])
def test_a_report_that_is_no_file_is_refused(tmp_path: Path, capsys: Capture, where: str) -> None:
    """A folder and a path that does not exist; the error names it."""
    path = tmp_path if where == "a folder" else tmp_path / "nowhere"
    assert str(path) in refused(capsys, "import", path, "--store", tmp_path / "store")
    assert is_untouched(tmp_path / "store")


def bomb(content: bytes, times: int) -> bytes:
    """A zip of a report whose last row never ends: a gigabyte in a megabyte."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("scan_exchange.csv", "w", force_zip64=True) as file,
    ):
        file.write(content)
        block = b"A" * (1 << 20)
        for _ in range(times):
            file.write(block)
    return made.getvalue()


@pytest.mark.parametrize("form", ["zip", "gz"])
def test_a_bomb_does_not_go_off(tmp_path: Path, form: str) -> None:
    """A gigabyte packed into a megabyte: under 500 MB of memory and a minute, rows or refusal."""
    head = shadowserver_report(*ROWS).encode() + b'"'
    report = tmp_path / f"scan_exchange.csv.{form}"
    report.write_bytes(
        bomb(head, 1024)
        if form == "zip"
        else gzip.compress(head, 1) + gzip.compress(b"A" * (1 << 24), 9) * 64
    )
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30));"
        "from patchstand.cli.main import run; run()"
    )
    command: list[str | Path] = [sys.executable, "-c", limited]
    command += ["import", report, "--store", tmp_path / "store"]
    done = subprocess.run(command, capture_output=True, timeout=100, check=False)

    assert b"Traceback" not in done.stderr, done.stderr[-2000:].decode(errors="replace")
    assert done.returncode in {0, 2}
    assert done.returncode == 0 or is_untouched(tmp_path / "store")
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 8 << 20
