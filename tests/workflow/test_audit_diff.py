"""Two audits of one server compared."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.workflow.bundles import DAY, exports, zipped

from patchstand.errors import UsageError
from patchstand.report.as_json import encode
from patchstand.report.audited import audit_document
from patchstand.workflow.audit import AuditPlan, audit
from patchstand.workflow.audit_diff import audit_diff, difference

Document = dict[str, Any]
PLAN = AuditPlan((), DAY)
DOWNLOADS = "CVE-2021-1730"


def compared(tmp_path: Path, old: dict[str, str], new: dict[str, str]) -> Document:
    return audit_diff(zipped(tmp_path / "old.zip", old), zipped(tmp_path / "new.zip", new), PLAN)


def ids(findings: list[Document]) -> list[str]:
    return [finding["id"] for finding in findings]


def finding(name: str, severity: str = "low", **values: str) -> Document:
    return {"id": name, "severity": severity, "values": values, "read": []}


def audited(*findings: Document) -> Document:
    """As much of an audit as is compared."""
    knowledge = {"version": "1"}
    assessment = {"class": "vulnerable", "as_of": "2026-10-13", "cves": [], "knowledge": knowledge}
    return {
        "name": "a",
        "identity": {"builds": []},
        "assessment": assessment,
        "findings": list(findings),
        "undetermined": [],
        "files": {"read": []},
    }


def test_the_same_bundle_has_no_difference(tmp_path: Path) -> None:
    """A bundle compared with itself: nothing new, gone or decided differently."""
    document = compared(tmp_path, exports(), exports())

    assert not any(document["findings"].values())
    assert not any(document["files"].values())
    assert not any(document["undetermined"].values())
    assert document["cves"] == []


def test_what_was_dealt_with_is_gone_and_its_flaw_decided(tmp_path: Path) -> None:
    """With download domains on, the finding goes and the flaw is fixed; back again it is new."""
    there = compared(tmp_path, exports(), exports(downloads=True))
    back = compared(tmp_path, exports(downloads=True), exports())

    assert ids(there["findings"]["gone"]) == ["download_domains"]
    assert there["findings"]["gone"][0]["still_read"] is True
    decided = next(each for each in there["cves"] if each["id"] == DOWNLOADS)
    assert (decided["old"]["status"], decided["new"]["status"]) == ("affected", "fixed")
    assert ids(back["findings"]["new"]) == ["download_domains"]


def test_a_finding_that_goes_with_its_file_is_not_dealt_with(tmp_path: Path) -> None:
    """Where the file is missing in the newer bundle, the finding is gone and was not read."""
    less = exports()
    del less["Exchange/GetOrganizationConfig.xml"]

    document = compared(tmp_path, exports(), less)

    (gone,) = document["findings"]["gone"]
    assert gone["still_read"] is False
    assert document["files"]["missing"] == ["Exchange/GetOrganizationConfig.xml"]
    assert document["undetermined"]["new"] == ["GetOrganizationConfig"]


def test_an_update_changes_the_build(tmp_path: Path) -> None:
    """Both builds are told, and the flaws that the update fixes are decided differently."""
    document = compared(tmp_path, exports("15.02.2562.017"), exports("15.02.2562.029"))

    assert document["old"]["builds"] == ["15.2.2562.17"]
    assert document["new"]["builds"] == ["15.2.2562.29"]
    assert document["cves"]


def test_an_audit_that_was_kept_is_enough(tmp_path: Path) -> None:
    """A file that `audit --json` printed stands for the bundle it was made of."""
    old = zipped(tmp_path / "old.zip", exports())
    (server,) = audit(AuditPlan((old,), DAY))
    kept = tmp_path / "kept.json"
    kept.write_bytes(encode(audit_document(server)))  # type: ignore[arg-type]
    new = zipped(tmp_path / "new.zip", exports(downloads=True))

    assert audit_diff(kept, new, PLAN) == audit_diff(old, new, PLAN)


def test_a_change_of_severity_is_told_with_the_old_one() -> None:
    """The same finding with another severity is neither new nor gone."""
    document = difference(
        audited(finding("x", "low", days="40")), audited(finding("x", "high", days="3"))
    )

    (changed,) = document["findings"]["severity"]
    assert (changed["old_severity"], changed["severity"]) == ("low", "high")
    assert document["findings"]["new"] == document["findings"]["gone"] == []


def test_findings_of_other_things_are_other_findings() -> None:
    """A finding about another certificate is new, even when one of its kind went."""
    document = difference(
        audited(finding("expires", thumbprint="A"), finding("expires", thumbprint="B")),
        audited(finding("expires", thumbprint="B", days="1"), finding("expires", thumbprint="C")),
    )

    assert [each["values"]["thumbprint"] for each in document["findings"]["gone"]] == ["A"]
    assert [each["values"]["thumbprint"] for each in document["findings"]["new"]] == ["C"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema": "patchstand/check/1"}', '{"schema": "patchstand/audit/1"}']
)
def test_what_is_no_audit_is_refused(tmp_path: Path, text: str) -> None:
    """A file that is not the audit of one server is a usage error."""
    other = tmp_path / "other.json"
    other.write_text(text)
    bundle = zipped(tmp_path / "new.zip", exports())

    with pytest.raises(UsageError):
        audit_diff(other, bundle, PLAN)


def test_the_document_is_json(tmp_path: Path) -> None:
    """The document can be written and read back unchanged."""
    document = compared(tmp_path, exports(), exports(downloads=True))

    assert json.loads(encode(document)) == document
