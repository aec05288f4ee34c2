"""Findings and remedies in words, and what to tell someone who runs no servers."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date

from patchstand.model import (
    Assessment,
    CheckedNode,
    CheckedServer,
    Finding,
    Remedy,
    Severity,
)
from patchstand.report.catalog import Catalog, Value
from patchstand.report.clean import clean
from patchstand.report.wording import (
    class_key,
    duration,
    how_long,
    level,
    product,
    service_name,
    target_name,
)

QUESTIONS = 5
"""Questions to the administrator that one page holds."""

_GAP = "-"
_LONGEST_LIST = 5000
_COUNTS = frozenset({"count", "count_low", "count_high", "days", "months", "open_cves", "rce"})
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_STEPS_TOLD = 4
_LOOK = "check_for_compromise"
_NO_STEP = frozenset({"check_again"})
_ALWAYS_ASKED = ("deadline", "backup", "logs", "emergency", "internet")

Values = dict[str, Value]


@dataclass(frozen=True, slots=True)
class FindingText:
    """One finding in words: what, why it matters (sentences), and the steps in order."""

    id: str
    severity: Severity
    severity_word: str
    title: str
    why: tuple[str, ...]
    steps: tuple[str, ...]
    references: tuple[str, ...]
    as_above: bool = False


def finding_texts(findings: Iterable[Finding], cat: Catalog) -> list[FindingText]:
    """All findings in words; steps that an earlier one names are not said again."""
    said: set[str] = set()
    texts = []
    for finding in findings:
        shown = finding_text(finding, cat)
        new = tuple(step for step in shown.steps if step not in said)
        said.update(new)
        texts.append(replace(shown, steps=new, as_above=bool(shown.steps) and not new))
    return texts


def finding_text(finding: Finding, cat: Catalog) -> FindingText:
    """The texts of a finding; one whose id has no text shows its id and values."""
    values = _readable(finding.values, cat)
    known = cat.has(f"finding.{finding.id}.title")
    key = f"finding.{finding.id}" if known else "finding_unknown"
    if not known:
        values = {"id": clean(finding.id), "values": _plain(finding.values)}
    why = [cat.fill(f"{key}.why", values, _GAP)]
    why += [cat.fill(part, values, _GAP) for part in _parts_that_apply(key, values, cat)]
    return FindingText(
        id=finding.id,
        severity=finding.severity,
        severity_word=cat.text(f"severity.{finding.severity.value}"),
        title=cat.fill(_title(key, values, cat), values, _GAP),
        why=tuple(why),
        steps=tuple(remedy_text(remedy, cat) for remedy in finding.remedy),
        references=tuple(clean(reference) for reference in finding.references),
    )


def _title(key: str, values: Values, cat: Catalog) -> str:
    of_set = f"{key}.title_set"
    return of_set if values.get("set") and cat.has(of_set) else f"{key}.title"


def remedy_text(remedy: Remedy, cat: Catalog) -> str:
    """A step in the words of an administrator."""
    return _remedy(remedy, "text", cat)


def remedy_plain(remedy: Remedy, cat: Catalog) -> str:
    """A step in everybody's words, as part of a sentence."""
    return _remedy(remedy, "plain", cat)


def _remedy(remedy: Remedy, form: str, cat: Catalog) -> str:
    key = f"remedy.{remedy.action}.{form}"
    if not cat.has(key):
        values: Values = {"action": clean(remedy.action), "values": _plain(remedy.values)}
        return cat.fill(f"remedy_unknown.{form}", values)
    return cat.fill(key, _readable(remedy.values, cat), _GAP)


def _plain(values: Iterable[tuple[str, str]]) -> str:
    return clean("; ".join(f"{name}: {value}" for name, value in values if value))


def _parts_that_apply(key: str, values: Values, cat: Catalog) -> list[str]:
    """Texts under `KEY.if`: `name` applies when that value is there, `name=x` when it is x."""
    applying = []
    for part in cat.texts:
        if part.startswith(f"{key}.if."):
            name, _, wanted = part.removeprefix(f"{key}.if.").partition("=")
            value = values.get(name)
            if value == wanted if wanted else bool(value):
                applying.append(part)
    return applying


def _readable(pairs: Iterable[tuple[str, str]], cat: Catalog) -> Values:
    """Values as the texts need them: dates, numbers, names; and two that follow from them."""
    values: Values = {name: _one(name, raw, cat) for name, raw in pairs}
    days, months = values.get("days"), values.get("months", 0)
    if isinstance(days, int) and isinstance(months, int):
        values["duration"] = how_long(days, months, cat)
    bounds = (values.get("count_low"), values.get("count_high"))
    values["set"] = "yes" if bounds[0] != bounds[1] and None not in bounds else ""
    return values


def _one(name: str, raw: str, cat: Catalog) -> Value:
    if name in _COUNTS and raw.isascii() and raw.isdecimal():
        return int(raw[:9])
    if _DAY.fullmatch(raw):
        return _day(raw)
    special = _SPECIAL.get(name)
    return special(clean(raw, _LONGEST_LIST), cat) if special else clean(raw)


def _day(raw: str) -> Value:
    try:
        return date.fromisoformat(raw)
    except ValueError:
        return clean(raw)


def _cves(shown: str, cat: Catalog) -> str:
    ids = shown.split(", ")
    if len(ids) <= 6:
        return cat.join(ids)
    return f"{', '.join(ids[:5])} {cat.text('list.more', n=len(ids) - 5)}"


def _updates(shown: str, cat: Catalog) -> str:
    names = shown.split(", ")
    if len(names) <= 6:
        return cat.join(names)
    return f"{', '.join(names[:3])} … {cat.join(names[-2:])}"


def _services(shown: str, cat: Catalog) -> str:
    return cat.join([service_name(service, cat) for service in shown.split(", ")])


def _conditions(shown: str, cat: Catalog) -> str:
    return cat.join([cat.either(f"condition.{name}", name) for name in shown.split(", ")])


def _kb(shown: str, cat: Catalog) -> str:
    return shown or cat.text("word.no_kb")


_SPECIAL: dict[str, Callable[[str, Catalog], str]] = {
    "cves": _cves,
    "exploited": _cves,
    "names": _updates,
    "service": _services,
    "services": _services,
    "conditions": _conditions,
    "kb": _kb,
}


def sentences(server: CheckedServer, cat: Catalog) -> tuple[str, str, str]:
    """For a managing director: what is it, how bad since when, what must happen."""
    node = leading_node(server)
    return (_what(server, node, cat), _how_bad(server, node, cat), _what_to_do(server, cat))


def leading_node(server: CheckedServer) -> CheckedNode | None:
    """The node that counts: the worst one, else the first."""
    if server.worst is not None:
        return server.nodes[server.worst]
    return server.nodes[0] if server.nodes else None


def _what(server: CheckedServer, node: CheckedNode | None, cat: Catalog) -> str:
    target = target_name(server)
    if class_key(server) == "not_measured" or node is None:
        outcome = cat.text(f"outcome.{server.observation.outcome.value}")
        return cat.text("say.is_silent", target=target, outcome=outcome)
    name = product(node.identity, cat)
    if node.identity.is_exchange is None:
        return cat.text("say.is_unknown", target=target)
    if node.identity.is_exchange is False:
        return cat.text("say.is", target=target, product=name)
    return _which_exchange(target, name, node, cat)


def _which_exchange(target: str, name: str, node: CheckedNode, cat: Catalog) -> str:
    builds = node.identity.builds
    members = node.assessment.members if node.assessment else ()
    said: Values = {"target": target, "product": name, "n": len(builds)}
    if not builds:
        return cat.fill("say.is", said)
    said |= {"lowest": str(min(builds)), "highest": str(max(builds))}
    if node.identity.or_later:
        return cat.fill("say.is_set_or_later", said)
    if len(builds) > 1:
        return cat.fill("say.is_set", said)
    if not members:
        return cat.fill("say.is", said)
    said |= {"level": level(members[0]), "released": members[0].released}
    return cat.fill("say.is_level", said)


def _how_bad(server: CheckedServer, node: CheckedNode | None, cat: Catalog) -> str:
    assessment = node.assessment if node else None
    if server.server_class is None or assessment is None:
        return cat.text("say.nothing")
    if assessment.low is not None and assessment.low.since is not None:
        return _missing(assessment, cat)
    by_id = {finding.id: finding for finding in server.findings}
    for finding_id, key in _HOW_BAD:
        if finding_id in by_id:
            known = {"covered_until": str(assessment.covered_until)}
            values = _readable(by_id[finding_id].values, cat)
            return cat.fill(key, known | dict(values), _GAP)
    if not assessment.members or assessment.low is None:
        return cat.text("say.undecided")
    if assessment.reasons:
        return _doubt(assessment, cat)
    return cat.text("say.fine", as_of=assessment.as_of)


_HOW_BAD = (
    ("open_without_update", "say.open"),
    ("possibly_missing_updates", "say.possible"),
    ("unsupported_line", "say.unsupported"),
    ("undetermined_configuration", "say.configuration"),
    ("knowledge_stale", "say.stale"),
)


def _doubt(assessment: Assessment, cat: Catalog) -> str:
    if "unsupported" in assessment.reasons:
        return cat.text("say.unsupported", covered_until=assessment.covered_until)
    if assessment.stale:
        return cat.text("say.stale", covered_until=assessment.covered_until)
    return cat.text("say.undecided")


def _missing(assessment: Assessment, cat: Catalog) -> str:
    low, high = assessment.low, assessment.high
    assert low is not None
    assert high is not None
    known: Values = {
        "count": len(low.missing),
        "count_high": len(high.missing),
        "since": low.since or "",
        "duration": duration(low, cat),
    }
    exact = len(low.missing) == len(high.missing)
    said = cat.fill("say.missing" if exact else "say.missing_at_least", known)
    exploited = {cve.id for cve in assessment.cves if cve.kev and cve.status == "affected"}
    if exploited:
        said = f"{said} {cat.text('say.exploited', n=len(exploited))}"
    return said


def _what_to_do(server: CheckedServer, cat: Catalog) -> str:
    key = class_key(server)
    if key in {"not_measured", "cannot_tell"}:
        return cat.text("say.must_ask")
    if key == "not_exchange":
        return cat.text("say.must_none")
    acting = [finding for finding in server.findings if _steps_of(finding)]
    if not acting:
        return cat.text("say.must_nothing")
    urgency = acting[0].severity
    wanted = [
        remedy for finding in acting if finding.severity is urgency for remedy in _steps_of(finding)
    ]
    steps = dict.fromkeys(remedy_plain(step, cat) for step in wanted if step.action != _LOOK)
    told = [*steps][:_STEPS_TOLD]
    # Never cut away: an update does not remove whoever is already inside.
    told += [remedy_plain(step, cat) for step in wanted if step.action == _LOOK][:1]
    shown = "; ".join(told)
    word = "low" if urgency is Severity.INFO else urgency.value
    return cat.text(f"say.must_{word}", steps=shown)


def _steps_of(finding: Finding) -> list[Remedy]:
    return [remedy for remedy in finding.remedy if remedy.action not in _NO_STEP]


def questions(server: CheckedServer, cat: Catalog) -> tuple[str, ...]:
    """What to ask the administrator: from the findings first, then what always matters."""
    asked = [_question(finding, cat) for finding in server.findings]
    if any(r.action == _LOOK for f in server.findings for r in f.remedy):
        asked.insert(1, cat.text("question.compromise"))
    asked += [cat.text(f"question.{name}") for name in _ALWAYS_ASKED]
    return tuple(dict.fromkeys(filter(None, asked)))[:QUESTIONS]


def _question(finding: Finding, cat: Catalog) -> str:
    key = f"question.{finding.id}"
    if not cat.has(key):
        return ""
    return cat.fill(key, _readable(finding.values, cat), _GAP)
