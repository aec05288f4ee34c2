"""What `census` makes of bad input: one line that says what to do, and nothing half-written."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.census.asking import LACKING, UNKNOWN, asked, at, looks, printed, stored
from tests.workflow.present import failed, other_product, seen

from patchstand.cli.main import main
from patchstand.model import Knowledge, Record
from patchstand.store.folder import Folder

DAY = "2024-09-12"
PATCHSTAND = Path(sys.executable).with_name("patchstand")
CSAF = {
    "document": {
        "category": "csaf_security_advisory",
        "csaf_version": "2.0",
        "title": "Exchange",
        "publisher": {"category": "other", "name": "CERT", "namespace": "https://cert.example"},
        "tracking": {
            "id": "A-1",
            "status": "final",
            "version": "1",
            "current_release_date": "2024-09-01T00:00:00Z",
            "initial_release_date": "2024-09-01T00:00:00Z",
        },
    }
}
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, known: Knowledge) -> Path:
    """Eight servers seen in each of three months, two batches in the last."""
    root = tmp_path_factory.mktemp("good") / "store"
    months = ("2024-06-20", "2024-08-02", "2024-09-10")
    stored(root, [seen(n, at=at(month)) for month in months for n in range(8)], known)
    return stored(root, [seen(50, at=at(DAY))], known, "20240912T083000Z-000002")


def copied(good: Path, folder: Path) -> Path:
    """The same store without derived tables, to be damaged."""
    return Path(shutil.copytree(good, folder / "store", ignore=shutil.ignore_patterns("derived")))


def refused(capsys: Capture, *words: str | Path) -> str:
    """Run a census that must be refused in one line on stderr; the line."""
    code = main(["census", "--json", "--quiet", *map(str, words)])
    out, err = capsys.readouterr()
    assert (code, out) == (2, ""), err
    assert err.startswith("patchstand")
    assert err.count("\n") == 1, err
    assert "Traceback" not in err
    assert "Errno" not in err
    assert len(err) < 600
    return err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--as-of", "1990-01-01"], "2024-06"),
        (["--as-of", "2024-06-19"], "2024-06"),
        (["--as-of", "2024-09-27"], "2024-09-12"),
        (["--as-of", "2999-01-01"], "2999-01-01"),
        (["--as-of", "yesterday"], "yesterday"),
        (["--as-of", "20240912"], "20240912"),
        (["--months", "0"], "'0'"),
        (["--months", "-6"], "'-6'"),
        (["--months", "9999"], "9999"),
        (["--months", "6;12"], "6;12"),
        (["--months", "6,"], "''"),
        (["--months", ""], "''"),
        (["--months", "1.5"], "1.5"),
        (["--days", "0"], "'0'"),
        (["--days", "99999999999"], "99999999999"),
        (["--days", "many"], "many"),
        (["--jobs", "0"], "'0'"),
        (["--only", "nonsense"], "classes"),
        (["--only", ""], "classes"),
        (["--only", "classes,nonsense"], "nonsense"),
        (["--country", "AT"], "DE"),
        (["--country", "de"], "DE"),
        (["--country", "D'E"], "DE"),
        (["--country", ""], "DE"),
        (["--rule", "de-1999-01"], "de-2024-03"),
        (["--rule", "../de-2024-03"], "de-2024-03"),
        (["--rule", ""], "de-2024-03"),
        (["--knowledge", "absent"], "absent"),
        (["--config", "absent.toml"], "absent.toml"),
        (["--cluster", "nonsense"], "tcp://"),
        (["--cluster", "http://127.0.0.1:1"], "tcp://"),
        (["--cluster", "tls://127.0.0.1:1"], "--cluster-ca"),
        (["--cluster-ca", "ca.pem"], "--cluster"),
        (["--chart-format", "gif", "--charts", "charts"], "svg"),
        (["--csv", "absent/census.csv"], "absent/census.csv"),
        (["--html", "absent/census.html"], "absent/census.html"),
        (["--prometheus", "absent/census.prom"], "absent/census.prom"),
        (["--advisory", "absent.json"], "absent.json"),
        (["--advisory", "."], "."),
    ],
    ids=lambda value: None if isinstance(value, str) else " ".join(value)[:40],
)
def test_a_wrong_argument_is_one_line(
    good: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    *,
    words: list[str],
    told: str,
) -> None:
    """The error names the value and what would be right; no file is begun."""
    monkeypatch.chdir(tmp_path)

    assert told in refused(capsys, "--store", good, "--as-of", DAY, *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--csv", "--html", "--prometheus"])
def test_an_output_onto_a_folder_is_refused(
    good: Path, tmp_path: Path, capsys: Capture, option: str
) -> None:
    """The folder is named, and what lies in it is untouched."""
    kept = tmp_path / "figures"
    kept.mkdir()
    (kept / "notes.txt").write_text("x", encoding="utf-8")

    assert str(kept) in refused(capsys, "--store", good, "--as-of", DAY, option, kept)
    assert [path.name for path in tmp_path.rglob("*")] == ["figures", "notes.txt"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"hello",
        b"[" * 100_000,
        b'{"document": null}',
        json.dumps(CSAF).encode("utf-16"),
        json.dumps(CSAF)[:80].encode(),
        json.dumps({**CSAF, "notes": "x" * 11_000_000}).encode(),
        json.dumps(CSAF).replace("2024-09-01", "yesterday").encode(),
        json.dumps(CSAF).replace('"2.0"', '"3.0"').encode(),
        json.dumps(CSAF).replace('"Exchange"', "5").encode(),
    ],
    ids=["empty", "{}", "[]", "text", "deep", "null", "UTF-16", "half", "11 MB", "no date", "3.0",
         "types"],
)  # fmt: skip
def test_what_is_no_advisory_is_refused(
    good: Path, tmp_path: Path, capsys: Capture, content: bytes
) -> None:
    """Half a file, another document, one too large: the error names the file."""
    path = tmp_path / "advisory.json"
    path.write_bytes(content)

    assert str(path) in refused(capsys, "--store", good, "--as-of", DAY, "--advisory", path)


def test_an_advisory_of_a_later_day_changes_nothing(good: Path, tmp_path: Path) -> None:
    """What was published after the day of the census was not known on it."""
    path = tmp_path / "advisory.json"
    path.write_text(json.dumps(CSAF), encoding="utf-8")

    assert len(asked(good, DAY, "--advisory", path)["published"]) == 1
    assert printed(good, "2024-08-02", "--advisory", path)[:2] == printed(good, "2024-08-02")[:2]


def test_months_named_twice_count_once(good: Path) -> None:
    """Months behind come in their order, each once."""
    assert list(asked(good, DAY, "--months", "12,6,6")["behind"]) == ["6", "12"]


@pytest.mark.parametrize("kind", ["nothing", "a file", "an empty folder", "half a store"])
def test_what_is_no_store_is_left_alone(tmp_path: Path, capsys: Capture, kind: str) -> None:
    """No store is made by counting in it."""
    path = tmp_path / "store"
    if kind == "a file":
        path.write_text("x", encoding="utf-8")
    elif kind != "nothing":
        path.mkdir()
    if kind == "half a store":
        (path / "store.json").write_text("{", encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))

    assert str(path) in refused(capsys, "--store", path, "--as-of", DAY)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_store_without_looks_is_said(tmp_path: Path, capsys: Capture) -> None:
    """Nothing observed yet: what to do is scan or import."""
    Folder.open(tmp_path / "store", at(DAY))

    assert "scan or import" in refused(capsys, "--store", tmp_path / "store", "--as-of", DAY)


@pytest.mark.parametrize("look", [failed(1, at("2024-09-10")), other_product(1, at("2024-09-10"))])
def test_a_store_without_exchange_servers_is_said(
    tmp_path: Path, known: Knowledge, capsys: Capture, look: Record
) -> None:
    """Failed looks and other products are no population, nor is one made up from them."""
    root = stored(tmp_path / "store", [look], known)

    assert "Exchange" in refused(capsys, "--store", root, "--as-of", DAY)


def test_where_all_became_something_else_no_day_is_advised_twice(
    tmp_path: Path, known: Knowledge, capsys: Capture
) -> None:
    """The last server seen is another product on the same day: that day is not the advice."""
    records = [seen(1, at=at(DAY)), other_product(1, at(DAY, 16))]
    root = stored(tmp_path / "store", records, known)

    said = refused(capsys, "--store", root, "--as-of", DAY)

    assert "something else" in said
    assert f"--as-of {DAY}" not in said


@pytest.mark.parametrize("build", [LACKING, UNKNOWN])
def test_one_server_is_a_population(tmp_path: Path, known: Knowledge, build: str) -> None:
    """One observation is enough for every statistic, with all outputs of numbers."""
    root = stored(tmp_path / "store", looks(1, build, at("2024-09-10"), [0]), known)

    for rule in ("de-2024-03", "de-2024-09", "de-2025-10", "de-2026-01"):
        found = asked(root, DAY, "--series", "--sql", "--rule", rule)
        assert found["population"] == 1
        assert found["compare"]


def test_a_forbidden_purpose_is_said(good: Path, tmp_path: Path, capsys: Capture) -> None:
    """Looks allowed for other purposes end the census, also where tables are derived already."""
    root = copied(good, tmp_path)
    asked(root, DAY)
    look = seen(60, at=at(DAY))
    assert look.permit is not None
    told = replace(look, permit=replace(look.permit, purposes=("inform",)))
    stored(root, [told], None, "20240912T083000Z-000003")

    assert "census" in refused(capsys, "--store", root, "--as-of", DAY)


def truncated(path: Path) -> None:
    """Half of it is there."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    """Nothing is there."""
    path.write_bytes(b"")


def scrambled(path: Path) -> None:
    """Something else is there."""
    path.write_bytes(bytes(range(256)) * 20)


def altered(path: Path) -> None:
    """Some bytes at the beginning are others; the length is the same."""
    content = bytearray(path.read_bytes())
    content[4:40] = bytes(36)
    path.write_bytes(content)


def a_folder(path: Path) -> None:
    """A folder has its name."""
    path.unlink()
    path.mkdir()


def a_dead_link(path: Path) -> None:
    """It is a link to where nothing is, as after a share has gone."""
    path.unlink()
    path.symlink_to(path.parent / "absent")


def other_columns(path: Path) -> None:
    """Another table has its name."""
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"]}), path)


def other_types(path: Path) -> None:
    """The right columns, and text in each."""
    rows = pq.read_table(path, partitioning=None)
    columns = {name: [str(value) for value in rows[name].to_pylist()] for name in rows.column_names}
    pq.write_table(pa.table(columns), path)


DAMAGE = (
    truncated, emptied, scrambled, altered, a_folder, a_dead_link, other_columns, other_types
)  # fmt: skip


def month_files(root: Path, table: str, month: str) -> list[Path]:
    """The files of a month."""
    return sorted((root / table / f"month={month}").glob("*.parquet"))


@pytest.mark.parametrize("table", ["observations", "identities"])
@pytest.mark.parametrize("damage", DAMAGE, ids=lambda each: each.__name__)
def test_a_damaged_month_is_named(
    good: Path, tmp_path: Path, capsys: Capture, damage: Callable[[Path], None], table: str
) -> None:
    """The error names the file; `--skip-damaged` counts the others as if it were not there."""
    root, without = copied(good, tmp_path / "damaged"), copied(good, tmp_path / "without")
    (path,) = month_files(root, table, "2024-08")
    content = path.read_bytes()
    damage(path)
    for each in ("observations", "identities"):
        shutil.rmtree(without / each / "month=2024-08")

    said = refused(capsys, "--store", root, "--as-of", DAY)
    found = asked(root, DAY, "--series", "--skip-damaged")
    skipped = found.pop("skipped")
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.write_bytes(content)

    assert str(path) in said
    assert "store check" in said
    assert [each["month"] for each in skipped] == ["2024-08"]
    assert skipped[0]["why"].startswith(f"{table}/month=2024-08/{path.name}: ")
    expected = asked(without, DAY, "--series")
    assert expected.pop("skipped") == []
    assert expected.pop("movement")  # who was not looked at has neither gone nor come back
    expected["rules"] = {rule: expected["rules"][rule] for rule in found["rules"]}
    assert found == expected
    assert printed(root, DAY, "--series") == printed(good, DAY, "--series")


def test_when_all_months_are_damaged_nothing_is_counted(
    good: Path, tmp_path: Path, capsys: Capture
) -> None:
    """Without a month left there are no figures, whatever is skipped."""
    root = copied(good, tmp_path)
    for path in root.glob("observations/*/*.parquet"):
        truncated(path)

    refused(capsys, "--store", root, "--as-of", DAY)
    refused(capsys, "--store", root, "--as-of", DAY, "--skip-damaged")


@pytest.mark.parametrize("damage", DAMAGE[:3], ids=lambda each: each.__name__)
def test_damaged_derived_tables_are_made_anew(
    good: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """A derived table that cannot be read costs time, not figures."""
    root = copied(good, tmp_path)
    expected = printed(root, DAY, "--series")
    derived = sorted((root / "derived").iterdir())
    for path in derived:
        damage(path)

    assert len(derived) > 5
    assert printed(root, DAY, "--series") == expected
    assert printed(root, DAY, "--series", "--rebuild") == expected


def test_files_of_others_in_the_store_do_no_harm(good: Path, tmp_path: Path) -> None:
    """Notes, foreign Parquet files and folders of other names are not read."""
    root = copied(good, tmp_path)
    (root / "observations" / "README.txt").write_text("x", encoding="utf-8")
    (root / "observations" / "month=abcd").mkdir()
    (root / "observations" / "month=2024-09" / "notes.parquet").write_bytes(b"x")

    assert printed(root, DAY) == printed(good, DAY)


def test_a_full_disk_behind_stdout_is_said(good: Path) -> None:
    """Figures that could not be written are no success."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    command: list[str | Path] = [PATCHSTAND, "census", "--store", good, "--as-of", DAY, "--json"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)

    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"Traceback" not in done.stderr


def test_an_interruption_leaves_nothing_behind(tmp_path: Path, known: Knowledge) -> None:
    """Ctrl-C while tables are derived: exit code 130, no figures, and the next run is right."""
    first = at("2024-01-01")
    looked = [look for n in range(8) for look in looks(n, LACKING, first, range(0, 250, 2))]
    root = stored(tmp_path / "store", looked, known)
    command: list[str | Path] = [
        PATCHSTAND,
        "census",
        "--store",
        root,
        "--as-of",
        "2024-09-05",
        "--json",
        "--quiet",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    deadline = time.monotonic() + 60
    while not list((root / "derived").glob("runs-*")) and time.monotonic() < deadline:
        time.sleep(0.001)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)

    assert (running.returncode, out) == (130, b"")
    assert err.count(b"\n") == 1
    assert not list((root / "derived").glob(".tmp-*"))
    interrupted = printed(root, "2024-09-05")
    assert interrupted == printed(root, "2024-09-05", "--rebuild")
    assert interrupted[0] == 0


def test_two_at_once_do_not_disturb_each_other(good: Path, tmp_path: Path) -> None:
    """Several counts of one store, none of them derived yet, say the same."""
    root = copied(good, tmp_path)
    command: list[str | Path] = [
        PATCHSTAND,
        "census",
        "--store",
        root,
        "--as-of",
        DAY,
        "--json",
        "--quiet",
    ]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in "12"
    ]
    done = [each.communicate(timeout=60) for each in running]

    assert [each.returncode for each in running] == [0, 0]
    assert {out.strip() for out, _ in done} == {printed(good, DAY)[1].strip()}


@pytest.mark.parametrize("option", ["--csv", "--html", "--prometheus", "--charts"])
def test_an_output_without_a_name_is_refused(good: Path, capsys: Capture, option: str) -> None:
    """`--csv ""`, an unset variable of a script, is one line before anything is counted."""
    assert "name a file" in refused(capsys, "--store", good, "--as-of", DAY, option, "")


def test_two_outputs_of_one_name_are_refused(good: Path, tmp_path: Path, capsys: Capture) -> None:
    """The later one would win without a word."""
    words = ("--csv", tmp_path / "x", "--prometheus", tmp_path / "x")

    assert "two outputs" in refused(capsys, "--store", good, "--as-of", DAY, *words)
    assert not (tmp_path / "x").exists()


def test_an_output_into_the_store_is_refused(good: Path, capsys: Capture) -> None:
    """A name completed too far must not replace a file of the store."""
    before = (good / "store.json").read_bytes()

    said = refused(capsys, "--store", good, "--as-of", DAY, "--csv", good / "store.json")

    assert "in the store" in said
    assert (good / "store.json").read_bytes() == before


def test_an_advisory_of_a_later_day_is_named(good: Path, tmp_path: Path, capsys: Capture) -> None:
    """It changes nothing in the document, and standard error says that it was left out."""
    later = json.loads(json.dumps(CSAF).replace("2024-09-01", "2024-09-20"))
    (tmp_path / "later.json").write_text(json.dumps(later))
    words = ["census", "--store", str(good), "--as-of", DAY, "--json", "--quiet"]
    main(words)
    alone = capsys.readouterr().out

    code = main([*words, "--advisory", str(tmp_path / "later.json")])

    out, err = capsys.readouterr()
    assert (code, out) == (0, alone)
    assert "later.json" in err
