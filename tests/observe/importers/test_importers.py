import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.observe.importers.samples import (
    COLLECTED,
    EX01,
    HEALTH_CHECKER,
    NMAP,
    ZGRAB2,
    mail,
    shadowserver_report,
    shadowserver_row,
)

from patchstand.errors import UsageError
from patchstand.model.record import Record, Rejected, Source
from patchstand.observe.importers import all_importers, importer_for

FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
SAMPLES = {
    "2026-11-20-scan_exchange-example.csv": shadowserver_report(shadowserver_row()),
    "scan.xml": NMAP,
    "grab.jsonl": ZGRAB2,
    "message.eml": mail(EX01),
    "box": "From a@example.org Fri Nov 20 10:00:00 2026\n" + mail(EX01),
    "servers.txt": COLLECTED,
    "hc.json": json.dumps(HEALTH_CHECKER),
}
FORMATS = ("shadowserver", "nmap", "zgrab2", "mail", "mail", "collector", "collector")


def test_there_is_an_importer_for_each_source() -> None:
    """Each foreign source of the model has its importer, under the same name."""
    assert {*all_importers(), Source.SCAN.value} == {source.value for source in Source}


@pytest.mark.parametrize(("name", "format_"), list(zip(SAMPLES, FORMATS, strict=True)))
def test_a_file_is_recognised(tmp_path: Path, name: str, format_: str) -> None:
    """Each format is recognised by exactly one importer, and read by it."""
    path = tmp_path / name
    path.write_text(SAMPLES[name], encoding="utf-8")
    head = path.read_bytes()[:4096]

    assert [each.name for each in all_importers().values() if each.recognises(name, head)] == [
        format_
    ]
    rows = list(importer_for(path).read(path))
    assert {type(row) for row in rows} == {Record}
    assert {row.source.value for row in rows if isinstance(row, Record)} == {format_}


def test_an_unknown_format_is_a_usage_error(tmp_path: Path) -> None:
    """A file nobody recognises, and a format nobody has, list the known formats."""
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam", encoding="utf-8")

    for name in (None, "excel"):
        with pytest.raises(UsageError, match="shadowserver"):
            importer_for(path, name)


WHOLE = st.sampled_from([each.encode() for each in SAMPLES.values()]) | st.binary(max_size=300)
DAMAGE = st.tuples(WHOLE, st.integers(0, 4000), st.integers(0, 100), st.binary(max_size=40))


@FOLDER
@pytest.mark.parametrize("format_", sorted(set(FORMATS)))
@given(damage=DAMAGE)
def test_any_bytes_end_well(
    tmp_path: Path, format_: str, damage: tuple[bytes, int, int, bytes]
) -> None:
    """Whatever a file holds, an importer gives records, rejections or one usage error."""
    whole, at, length, insert = damage
    path = tmp_path / "any"
    path.write_bytes(whole[:at] + insert + whole[at + length :])
    lines = path.read_bytes().count(b"\n") + 1
    importer = all_importers()[format_]
    importer.recognises(path.name, path.read_bytes()[:4096])
    try:
        rows = list(importer.read(path))
    except UsageError:
        return
    assert all(isinstance(row, Record | Rejected) for row in rows)
    rejected = [row for row in rows if isinstance(row, Rejected)]
    assert all(row.reason.isprintable() for row in rejected)
    assert format_ == "collector" or all(1 <= row.line <= lines + 1 for row in rejected)
