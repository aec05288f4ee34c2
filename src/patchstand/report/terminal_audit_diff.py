"""What `audit --diff` prints: the differences of two audits of a server, the worst first."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from patchstand.model import Finding, Severity
from patchstand.report.advice import finding_text
from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.clean import clean
from patchstand.report.paper import Paper

_SHOWN = 20


def print_audit_diff(console: Console, document: Document, cat: Catalog) -> None:
    """A document of `patchstand/audit-diff/1` for people."""
    paper = Paper(console, cat)
    old, new = document["old"], document["new"]
    paper.line(paper.text(clean(new["name"]), "bold"))
    if old["name"] != new["name"]:
        names = {"old": clean(old["name"]), "new": clean(new["name"])}
        paper.line(paper.mark("!"), cat.text("diff.other_server", **names))
    if _is_same(document):
        paper.line(cat.text("diff.same"))
        return
    _side(paper, old, new)
    _findings(paper, document["findings"])
    _cves(paper, document["cves"])
    _files(paper, "diff.appeared", document["files"]["appeared"])
    _files(paper, "diff.missing", document["files"]["missing"])


def _is_same(document: Document) -> bool:
    old, new = document["old"], document["new"]
    changed = (*document["findings"].values(), *document["files"].values(), document["cves"])
    return not any(changed) and all(old[key] == new[key] for key in ("builds", "class"))


def _side(paper: Paper, old: Document, new: Document) -> None:
    cat = paper.cat
    if old["builds"] != new["builds"]:
        builds = {"old": ", ".join(old["builds"]), "new": ", ".join(new["builds"])}
        paper.line(cat.text("diff.build", **builds))
    if old["class"] != new["class"]:
        words = {"old": cat.text(f"class.{old['class']}"), "new": cat.text(f"class.{new['class']}")}
        paper.line(cat.text("diff.class", **words))


def _findings(paper: Paper, findings: Document) -> None:
    cat = paper.cat
    for key in ("new", "gone", "severity"):
        if findings[key]:
            paper.heading(f"diff.{key}")
        for finding in sorted(findings[key], key=lambda each: Severity(each["severity"]).rank):
            severity = Severity(finding["severity"])
            word = paper.severity(severity, cat.text(f"severity.{severity.value}").upper())
            said = _title(finding, cat)
            if key == "severity":
                before = cat.text(f"severity.{finding['old_severity']}")
                said = f"{said} ({cat.text('diff.before', severity=before)})"
            paper.line(word, Text("  "), said, indent=2)
            if not finding.get("still_read", True):
                paper.line(paper.mark("?"), cat.text("diff.unread"), indent=4)


def _title(finding: Document, cat: Catalog) -> str:
    values = tuple((str(name), str(value)) for name, value in finding["values"].items())
    return finding_text(Finding(finding["id"], Severity(finding["severity"]), values), cat).title


def _cves(paper: Paper, cves: Sequence[Document]) -> None:
    cat = paper.cat
    if cves:
        paper.heading("diff.cves")
    for each in cves[:_SHOWN]:
        old, new = (_status(each[side], cat) for side in ("old", "new"))
        paper.line(cat.text("diff.cve", id=clean(each["id"]), old=old, new=new), indent=2)
    _more(paper, cves)


def _status(decided: Document | None, cat: Catalog) -> str:
    if decided is None:
        return cat.text("diff.absent")
    return f"{cat.text('status.' + decided['status'])} ({cat.text('why.' + decided['why'])})"


def _files(paper: Paper, title: str, files: Sequence[str]) -> None:
    if files:
        paper.heading(title)
    for file in files[:_SHOWN]:
        paper.line(clean(file), indent=2)
    _more(paper, files)


def _more(paper: Paper, items: Sequence[object]) -> None:
    if len(items) > _SHOWN:
        paper.line(paper.cat.text("list.more", n=len(items) - _SHOWN), indent=2)
