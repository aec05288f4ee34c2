"""audit --diff: two audits of one server, and what is different in the newer one.

Both sides are documents (`patchstand/audit/1`), read from a file or made from a bundle, so that
an audit kept from last month is enough. A finding that is gone since its file is gone is told
from one that was dealt with.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from patchstand.errors import UsageError
from patchstand.model.bundled import RefusedBundle
from patchstand.report.as_json import encode
from patchstand.report.audited import audit_document
from patchstand.workflow.audit import AuditPlan, audit

Document = dict[str, Any]
Pair = tuple[Document | None, Document | None]
SCHEMA = "patchstand/audit-diff/1"
_AUDIT = "patchstand/audit/1"
_LARGEST = 256 * 1024 * 1024
_NAMING = frozenset(
    {"cve", "domain", "module", "name", "override", "rule", "subject", "thumbprint"}
)
"""Values that say what a finding is about, so that another one is another finding."""


def audit_diff(old: Path, new: Path, plan: AuditPlan) -> Document:
    """What changed from one bundle or audit of a server to the next.

    Raises:
        UsageError: one of them is neither, or holds several servers.
    """
    return difference(_audit(old, plan), _audit(new, plan))


def _audit(path: Path, plan: AuditPlan) -> Document:
    if path.suffix.lower() in {".json", ".jsonl"}:
        return _read(path)
    found = list(audit(replace(plan, paths=(path,), inbox=None)))
    if len(found) != 1 or isinstance(found[0], RefusedBundle):
        raise UsageError(f"{path}: not the bundle of one server")
    document: Document = msgspec.json.decode(encode(audit_document(found[0])))
    return document


def _read(path: Path) -> Document:
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path}: larger than {_LARGEST >> 20} MB")
        document = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"{path}: not the audit of one server: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != _AUDIT:
        raise UsageError(f"{path}: not an audit ({_AUDIT}), as `audit --json` prints it")
    return document


def difference(old: Document, new: Document) -> Document:
    """Two audits compared (`patchstand/audit-diff/1`).

    Raises:
        UsageError: one of them lacks a field that an audit has.
    """
    try:
        return _difference(old, new)
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"not an audit ({_AUDIT}): {error}") from error


def _difference(old: Document, new: Document) -> Document:
    pairs = tuple(_pairs(old["findings"], new["findings"]))
    files = (set(old["files"]["read"]), set(new["files"]["read"]))
    return {
        "schema": SCHEMA,
        "old": _side(old),
        "new": _side(new),
        "findings": {
            "new": [after for before, after in pairs if before is None],
            "gone": [
                {**before, "still_read": _is_still_read(before, files[1])}
                for before, after in pairs
                if after is None and before is not None
            ],
            "severity": [
                {**after, "old_severity": before["severity"]}
                for before, after in pairs
                if before and after and before["severity"] != after["severity"]
            ],
        },
        "cves": list(_cves(old, new)),
        "undetermined": {
            "new": sorted(_wanted(new) - _wanted(old)),
            "gone": sorted(_wanted(old) - _wanted(new)),
        },
        "files": {
            "appeared": sorted(files[1] - files[0]),
            "missing": sorted(files[0] - files[1]),
        },
    }


def _side(audited: Document) -> Document:
    return {
        "name": audited["name"],
        "builds": audited["identity"]["builds"],
        "class": audited["assessment"]["class"],
        "as_of": audited["assessment"]["as_of"],
        "knowledge": audited["assessment"]["knowledge"]["version"],
        "collected_at": (audited.get("provenance") or {}).get("collected_at"),
    }


def _pairs(old: Iterable[Document], new: Iterable[Document]) -> Iterator[Pair]:
    """Findings of both sides that are the same matter; one side is None where it has no other."""
    before, after = _by_id(old), _by_id(new)
    for name in dict.fromkeys((*before, *after)):
        yield from _matched(before.get(name, []), after.get(name, []))


def _by_id(findings: Iterable[Document]) -> dict[str, list[Document]]:
    found = defaultdict(list)
    for finding in findings:
        found[finding["id"]].append(finding)
    return found


def _matched(old: list[Document], new: list[Document]) -> Iterator[Pair]:
    """Those that are about the same thing; of several the closest."""
    rest = list(new)
    for before in old:
        alike = [after for after in rest if _named(after) == _named(before)]
        best = max(alike, key=lambda after: _shared(before, after), default=None)
        if best is not None:
            rest.remove(best)
        yield before, best
    yield from ((None, after) for after in rest)


def _named(finding: Document) -> dict[str, str]:
    """What a finding is about, where it says it; counts and days may change."""
    return {name: value for name, value in finding["values"].items() if name in _NAMING}


def _shared(before: Document, after: Document) -> int:
    old, new = before["values"], after["values"]
    return sum(1 for name in old if old[name] == new.get(name))


def _is_still_read(finding: Document, files: set[str]) -> bool:
    """True when everything the finding was read from is there to be read in the newer bundle."""
    return all(reading["file"] in files for reading in finding["read"])


def _cves(old: Document, new: Document) -> Iterator[Document]:
    before, after = _decided(old), _decided(new)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield {"id": name, "old": before.get(name), "new": after.get(name)}


def _decided(audited: Document) -> dict[str, Document]:
    return {
        cve["id"]: {"status": cve["status"], "why": cve["why"]}
        for cve in audited["assessment"]["cves"]
    }


def _wanted(audited: Document) -> set[str]:
    return {each["wanted"] for each in audited["undetermined"]}
