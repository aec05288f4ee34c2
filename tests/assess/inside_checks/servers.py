"""Servers as an audit sees them, built by hand; and a run of one check whose texts must fit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from patchstand import knowledge
from patchstand.assess import judge
from patchstand.assess.audit import decided
from patchstand.assess.inside import Decision, Inside, InsideCheck, Said, Unread
from patchstand.identify import identify
from patchstand.model import Evidence, EvidenceKind, Finding, Severity, Status
from patchstand.model.inside import (
    Export,
    MarkupFile,
    PsObject,
    Registry,
    ServerState,
    StoredCertificate,
    Value,
    XmlElement,
)
from patchstand.report.catalog import LANGUAGES, Catalog, catalog
from patchstand.report.catalog import Value as Shown

DAY = date(2026, 10, 20)
"""Between the last patch day the knowledge covers and the next."""
SE = "15.2.2562.56"
E2019 = "15.2.1748.53"
E2016 = "15.1.2507.75"
E2016_CU22 = "15.1.2375.7"
E2013 = "15.0.1497.48"


def obj(text: str | None = None, /, **properties: Value) -> PsObject:
    """An object with properties, as the reader gives it: names in lower case."""
    return PsObject(text=text, properties={name.lower(): of for name, of in properties.items()})


def table(**entries: Value) -> PsObject:
    """A hashtable."""
    return PsObject(entries=tuple((name, of) for name, of in entries.items()))


def listed(*members: Value) -> PsObject:
    """A list as an object, as a MultiValuedProperty comes."""
    return PsObject(items=members)


def export(name: str, *objects: Value) -> tuple[str, Export]:
    """One exported file."""
    return name.lower(), Export(f"Exchange/{name}.xml", objects)


@dataclass(frozen=True)
class Server:
    """What a test says of a server; `registry` by key path below HKLM."""

    build: str = SE
    exports: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    registry: Mapping[str, Mapping[str, Value] | None] | None = None
    markup: Mapping[str, XmlElement] = field(default_factory=dict)
    certificates: Mapping[str, Sequence[StoredCertificate]] = field(default_factory=dict)
    day: date = DAY

    def inside(self) -> Inside:
        """The server as a check gets it."""
        known = knowledge.load()
        evidence = [Evidence(EvidenceKind.BUILD, self.build, source="test")]
        identity = replace(identify(evidence, known, self.day).nodes[0], is_exchange=True)
        return Inside(self.state(), known, identity, judge(known, identity, self.day))

    def state(self) -> ServerState:
        """The state that the files of a bundle would have become."""
        return ServerState(
            "TEST",
            dict(export(name, *objects) for name, objects in self.exports.items()),
            {name: MarkupFile(name, root) for name, root in self.markup.items()},
            registry=None if self.registry is None else _registry(self.registry),
            certificates={name.lower(): tuple(found) for name, found in self.certificates.items()},
        )


def _registry(keys: Mapping[str, Mapping[str, Value] | None]) -> Registry:
    return Registry(
        "registry.json",
        {
            path.lower(): None
            if values is None
            else {name.lower(): value for name, value in values.items()}
            for path, values in keys.items()
        },
    )


@dataclass(frozen=True)
class Ran:
    """What a check said, sorted by kind, and what follows for the CVEs."""

    inside: Inside
    said: tuple[Said, ...]

    @property
    def findings(self) -> dict[str, Finding]:
        """The findings by id."""
        return {each.id: each for each in self.said if isinstance(each, Finding)}

    @property
    def unread(self) -> dict[str, set[str]]:
        """Wanted exports, each with the CVEs that hang on it."""
        wanted: dict[str, set[str]] = {}
        for each in self.said:
            if isinstance(each, Unread):
                wanted.setdefault(each.wanted, set()).update(each.cves)
        return wanted

    def status(self, cve: str) -> Status:
        """The status of a CVE once the check has decided what it can."""
        decisions = [each for each in self.said if isinstance(each, Decision)]
        found = decided(self.inside, decisions).cves
        return next(each.status for each in found if each.id == cve)

    def severity(self, finding: str) -> Severity:
        """The severity of a finding."""
        return self.findings[finding].severity

    def value(self, finding: str, name: str) -> str:
        """A value of a finding."""
        return dict(self.findings[finding].values)[name]

    def steps(self, finding: str) -> list[str]:
        """The remedies of a finding by their ids."""
        return [remedy.action for remedy in self.findings[finding].remedy]


def run(check: InsideCheck, server: Server) -> Ran:
    """Run a check; each finding must say what was read where, and fit its texts."""
    inside = server.inside()
    said = tuple(check.run(inside))
    for each in said:
        if isinstance(each, Finding):
            assert all(reading.file and reading.path for reading in each.read)
            for lang in LANGUAGES:
                assert_texts_fit(each, catalog(lang))
    return Ran(inside, said)


def assert_texts_fit(finding: Finding, cat: Catalog) -> None:
    """Title, reason, question and steps are there, and no value for them is missing."""
    values = dict(_values(finding.values))
    for key in (
        f"finding.{finding.id}.title",
        f"finding.{finding.id}.why",
        f"question.{finding.id}",
    ):
        assert cat.fill(key, values), key
    for key in cat.texts:
        if key.startswith(f"finding.{finding.id}.if."):
            assert cat.fill(key, values), key
    for remedy in finding.remedy:
        for form in ("text", "plain"):
            assert cat.fill(f"remedy.{remedy.action}.{form}", dict(_values(remedy.values)))


def _values(pairs: Iterable[tuple[str, str]]) -> Iterable[tuple[str, Shown]]:
    for name, value in pairs:
        yield name, int(value) if name in {"days", "count"} else value
