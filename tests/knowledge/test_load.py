import json
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from patchstand import knowledge
from patchstand.errors import KnowledgeError
from patchstand.model import Build, Knowledge, ProductLine, UpdateKind

NO_EXCHANGE_BUILD = {"15.2.858.2", "14.3.328.5", "14.3.266.1", "14.3.339.0"}


def facts(shared: Path, name: str) -> Any:  # noqa: ANN401  whatever the file holds
    return json.loads((shared / "facts" / name).read_text(encoding="utf-8"))


def test_every_compiled_build_has_a_row_or_a_reason(known: Knowledge, shared: Path) -> None:
    """Each build of the compiled facts is an update, or a rejected number with its reason."""
    builds = {row["build"] for row in facts(shared, "builds.json")["builds"]}
    builds |= {row["build"] for row in facts(shared, "build_kb_additions.json")}

    have = {str(update.build) for update in known.updates}
    rejected = {str(build) for build in known.rejected}

    assert builds == have | rejected
    assert rejected == NO_EXCHANGE_BUILD


def test_every_compiled_cve_has_a_row(known: Knowledge, shared: Path) -> None:
    """Each CVE of the compiled facts is known, except the one that is not Exchange's."""
    ids = {row["id"] for row in facts(shared, "cve_meta.json")}

    assert {cve.id for cve in known.cves} >= ids - {"CVE-2021-3146"}


def test_conflicting_cells_follow_the_better_source(known: Knowledge, shared: Path) -> None:
    """Where the record is right the row has the record's build; where the table is, its own."""
    for cell in facts(shared, "cve_conflicts.json"):
        fixes = {
            (fix.line.value, cu): str(build)
            for cve in known.cves
            if cve.id == cell["cve"]
            for fix in cve.lines
            for cu, build in fix.fixed
        }
        line = cell.get("product", "").removeprefix("Exchange")
        key = (line, cell.get("cu"))
        match cell["category"]:
            case "fix_moved_in_record":
                assert fixes[key] == cell["cna_less_than"]
            case "cna_typo" | "rerelease_v2" | "cna_swap_and_rerelease":
                assert fixes[key] == cell["table_fixed"][0]
            case "two_su_in_table":
                assert fixes[key] == cell["cna_less_than"]
            case "old_cu_package_partial" | "product_only_in_table":
                assert key not in fixes
            case "new_cve_after_input":
                assert fixes == {
                    tuple(name.removeprefix("Exchange").split(" ")): build
                    for name, build in cell["cna"].items()
                }


def test_unknown_severity_stays_unknown(known: Knowledge, shared: Path) -> None:
    """Impact, CVSS, exploitation date and the RCE flag are those of the facts, null included."""
    rows = {cve.id: cve for cve in known.cves}
    for meta in facts(shared, "cve_meta.json"):
        row = rows.get(meta["id"])
        if row is not None:
            assert row.rce is meta["rce"]
            assert row.impact == meta["impact"]
            assert row.cvss == meta["cvss_score"]
            assert (str(row.kev) if row.kev else None) == meta["kev_date"]


def test_month_precision_is_the_second_tuesday_with_its_range(known: Knowledge) -> None:
    """A release known by its month only stands on that month's second Tuesday."""
    update = known.update(Build.parse("15.0.1473.5"))

    assert update is not None
    assert update.released == date(2019, 6, 11)
    assert (update.released_from, update.released_to) == (date(2019, 6, 1), date(2019, 6, 30))


def test_hotfix_that_carries_a_fix_is_security(known: Knowledge) -> None:
    """Apr25HU is a hotfix update and a security update; Apr24HU is a hotfix update only."""
    rows = {(row.name, row.line): row for row in known.updates}

    assert rows["Apr25HU", ProductLine.V2019].kind is UpdateKind.HU
    assert rows["Apr25HU", ProductLine.V2019].security is True
    assert rows["Apr24HU", ProductLine.V2019].security is False


def test_extended_security_updates_are_not_public(known: Knowledge) -> None:
    """Exactly the updates of 2016 and 2019 after their support end are marked ESU."""
    esu = {row.name for row in known.updates if row.esu}

    assert "Oct25SU" not in esu
    assert {"Dec25SU", "Feb26SU", "Jun26SU", "Oct26SU"} <= esu
    assert not [row for row in known.updates if row.esu and row.line is ProductLine.SE]


def test_override_folder_wins_and_is_proved(tmp_path: Path) -> None:
    """A file in the override folder replaces the shipped one, after its invariants hold."""
    row = {
        "line": "SE", "cu": "RTM", "build": "15.2.2562.17", "name": "RTM", "family": "RTM",
        "kind": "CU", "released": "2027-01-01", "precision": "day", "source": "test",
    }  # fmt: skip
    content = {"schema": "patchstand/updates/1", "updates": [row]}
    (tmp_path / "updates.json").write_text(json.dumps(content), encoding="utf-8")

    with pytest.raises(KnowledgeError, match=r"15\.2\.2562\.17 is newer than covered_until"):
        knowledge.load(tmp_path)


def test_the_edition_tells_files_of_ones_own_apart(known: Knowledge, tmp_path: Path) -> None:
    """Without any it is the version; with the same ones the same, with others another."""
    shipped = files("patchstand.knowledge") / "data"
    names = ("updates.json", "cves.json", "fingerprints.json")
    editions = [known.edition]
    for number, name in enumerate((*names, "notes.txt", "cves.json")):
        folder = tmp_path / str(number)
        folder.mkdir()
        content = (shipped / name).read_bytes() if name in names else b"no knowledge"
        (folder / name).write_bytes(content)
        editions.append(knowledge.load(folder).edition)

    version, updates, cves, fingerprints, notes, cves_again = editions
    assert version == notes == known.version
    assert cves == cves_again
    assert len({version, updates, cves, fingerprints}) == 4
    assert all(each.startswith(f"{version}+") for each in (updates, cves, fingerprints))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}', '{"updates": [{"build": 1}]}'])
def test_broken_file_is_one_clear_error(tmp_path: Path, text: str) -> None:
    """A damaged knowledge file is a KnowledgeError that names the file."""
    (tmp_path / "updates.json").write_text(text, encoding="utf-8")

    with pytest.raises(KnowledgeError, match=r"updates\.json"):
        knowledge.load(tmp_path)
