"""What a value is called: product, builds, patch level, support, exposure, permission."""

from collections.abc import Sequence

from patchstand.model import (
    HERE,
    Assessment,
    Behind,
    Build,
    BuildAssessment,
    CertificateFacts,
    CheckedServer,
    Clue,
    Conflict,
    Exposure,
    Identity,
    Outcome,
    Permit,
    PhaseName,
    ProductLine,
    Support,
)
from patchstand.report.catalog import Catalog
from patchstand.report.clean import clean
from patchstand.report.flaws import Flaws

NO_BUILD = "no_build"
_ONLINE = (ProductLine.ONLINE,)
_SOMETHING_ELSE = ("look_alike", "online", "other_product")


def class_key(server: CheckedServer) -> str:
    """The key of a server's class: the three classes, or why there is none."""
    if server.server_class is not None:
        return server.server_class.value
    if server.is_exchange is False:
        return "not_exchange"
    return "cannot_tell" if server.observation.outcome is Outcome.ANSWERED else "not_measured"


def target_name(server: CheckedServer) -> str:
    """The name a server was asked under."""
    return clean(server.observation.target.name)


def product(identity: Identity, cat: Catalog) -> str:
    """`Exchange Server 2016`, `another product: Postfix`, or that nobody can tell."""
    if identity.is_exchange:
        if not identity.lines:
            return cat.text("product.server_unknown")
        return cat.text("product.server", lines=lines(identity.lines, cat))
    if identity.is_exchange is None:
        return cat.text("product.cannot_tell")
    if identity.lines == _ONLINE:
        return cat.text("product.online")
    return _something_else(identity, cat)


def _something_else(identity: Identity, cat: Catalog) -> str:
    for rule in _SOMETHING_ELSE:
        for clue in identity.evidence:
            if clue.rule == rule and clue.is_exchange is False:
                key = "look_alike" if rule == "look_alike" else "other_product"
                return cat.text(f"product.{key}", value=clean(clue.value))
    if identity.look_alike:
        return cat.text("product.other_product", value=clean(identity.look_alike))
    return cat.text("product.not_exchange")


def lines(found: Sequence[ProductLine], cat: Catalog) -> str:
    """`2016`, `2016 or 2019`, or from three in a row on `2013 to SE`."""
    ranks = [line.rank for line in found]
    if len(found) > 2 and ranks == list(range(ranks[0], ranks[0] + len(ranks))):
        return f"{found[0].value} {cat.text('word.to')} {found[-1].value}"
    return cat.join([line.value for line in found], "or")


def span(builds: Sequence[Build], cat: Catalog) -> str:
    """One build, or the lowest and the highest of several."""
    if len(builds) < 2:
        return "".join(map(str, builds))
    return f"{min(builds)} {cat.text('word.to')} {max(builds)}"


def level(member: BuildAssessment) -> str:
    """`CU23 May22SU`, or only `CU23` where no update is installed on it."""
    return level_name(member.cu, member.update)


def level_name(cu: str, update: str) -> str:
    """`CU23 May22SU`, or only the CU where the update is the CU itself."""
    return cu if update == cu else f"{cu} {update}"


def headline(identity: Identity, assessment: Assessment | None, cat: Catalog) -> str:
    """Product with its level and build, or with the span of its possible builds."""
    name = product(identity, cat)
    members = assessment.members if assessment else ()
    if not identity.builds:
        return name
    if len(identity.builds) == 1 and not identity.or_later:
        known = f" {level(members[0])}" if members else ""
        return f"{name}{known} ({identity.builds[0]})"
    cus = {member.cu for member in members}
    cu = f" {cus.pop()}" if len(cus) == 1 else ""
    return f"{name}{cu} ({span(identity.builds, cat)})"


def brief(identity: Identity, assessment: Assessment | None, cat: Catalog) -> str:
    """The headline in few words: `2016 CU23 May22SU`, `2019 CU12, 13 builds`."""
    if not identity.is_exchange or not identity.lines:
        return product(identity, cat)
    line = lines(identity.lines, cat)
    members = assessment.members if assessment else ()
    if not members:
        return line
    cus = {member.cu for member in members}
    cu = f" {cus.pop()}" if len(cus) == 1 else ""
    if len(members) == 1:
        return f"{line} {level(members[0])}"
    return f"{line}{cu}, {cat.text('identity.build_count', n=len(members))}"


def duration(behind: Behind, cat: Catalog) -> str:
    """For how long a build has been behind."""
    return how_long(behind.days, behind.months, cat)


def how_long(days: int, months: int, cat: Catalog) -> str:
    """`48 months`, or days where it is less than one month."""
    if months:
        return cat.text("duration.months", n=months)
    return cat.text("duration.days", n=days) if days else cat.text("duration.under_a_day")


def place(vantage_point: str, cat: Catalog) -> str:
    """Where we looked from; the default in the reader's language."""
    return cat.text("check.here") if vantage_point == HERE else clean(vantage_point)


def behind_one(behind: Behind, cat: Catalog) -> str:
    """How far one build is behind."""
    if behind.since is None:
        return cat.text("behind.none")
    return cat.text(
        "behind.exact",
        count=len(behind.missing),
        since=behind.since,
        duration=duration(behind, cat),
    )


def behind_set(assessment: Assessment, cat: Catalog) -> str:
    """How far a set of builds is behind: what holds for certain, and what may hold."""
    low, high = assessment.low, assessment.high
    if low is None or high is None:
        return cat.text("behind.unknown")
    if high.since is None and assessment.stale:
        return cat.text("behind.none_until", covered_until=assessment.covered_until)
    if high.since is None or low == high:
        return behind_one(low, cat)
    certain = low.since is not None
    sure = low if low.since is not None else high
    return cat.text(
        "behind.at_least" if certain else "behind.possible",
        count=len(low.missing),
        count_high=len(high.missing),
        since=sure.since or "",
        duration=duration(sure, cat),
    )


def support(found: Support | None, cat: Catalog) -> str:
    """Phase of support and its end; None means that the possible builds differ."""
    if found is None:
        return cat.text("support.differs")
    phase = cat.text(f"phase.{found.phase.value}")
    if found.until is None:
        return cat.text("support.plain", phase=phase)
    if found.phase is PhaseName.ENDED:
        return cat.text("support.ended", until=found.until)
    return cat.text("support.until", phase=phase, until=found.until)


def reasons(assessment: Assessment, cat: Catalog, identity: Identity | None = None) -> list[str]:
    """Why the class is what it is, in words."""
    keys = list(assessment.reasons)
    if identity is not None and not identity.builds and identity.reason is None:
        # An empty set without a reason of its own means: nothing in it names a build.
        keys = [NO_BUILD if key == "knowledge_too_old" else key for key in keys]
    return [cat.either(f"reason.{key}", clean(key)) for key in keys]


def rule_name(clue: Clue, cat: Catalog) -> str:
    """Where a clue was read."""
    return cat.either(f"rule.{clue.rule}", clean(clue.rule.replace("_", " ")))


def clue_meaning(clue: Clue, cat: Catalog) -> str:
    """What a clue says about product and build."""
    if not clue.trusted:
        return cat.text("clue.not_trusted")
    if clue.is_exchange is False:
        online = clue.lines == frozenset(_ONLINE)
        return cat.text("clue.online" if online else "clue.against")
    if clue.builds:
        key = "clue.builds_or_later" if clue.or_later else "clue.builds"
        builds = min(clue.builds) if clue.or_later else None
        shown = str(builds) if builds else span(sorted(clue.builds), cat)
        return cat.text(key, n=len(clue.builds), builds=shown)
    if clue.builds is not None:
        return cat.either(f"reason.{clue.reason}", cat.text("clue.unlisted"))
    if clue.lines:
        found = sorted(clue.lines, key=lambda line: line.rank)
        return cat.text("clue.lines", lines=lines(found, cat))
    return cat.text("clue.nothing")


def conflict_text(conflict: Conflict, cat: Catalog) -> str:
    """What does not fit together."""
    key = f"conflict.{conflict.rule}"
    if not cat.has(key):
        return clean(conflict.says)
    return cat.text(key, values=clean(", ".join(map(clean, conflict.values))))


def service_name(service: str, cat: Catalog) -> str:
    """What a service is called."""
    return cat.either(f"service.{service}", clean(service))


def answer(exposure: Exposure, cat: Catalog) -> str:
    """How a service answered: an HTTP status or an outcome."""
    if exposure.status.isdecimal():
        return f"HTTP {clean(exposure.status)}"
    return cat.either(f"outcome.{exposure.status}", clean(exposure.status))


def login_methods(exposure: Exposure, cat: Catalog) -> str:
    """The log-in methods offered, and whether in clear text."""
    methods = clean(", ".join(exposure.login_methods))
    if methods and not exposure.encrypted:
        return f"{methods} ({cat.text('check.clear_text')})"
    return methods


def permission(permit: Permit | None, cat: Catalog) -> str:
    """Who allowed the connection, on what ground, and for what."""
    if permit is None:
        return cat.text("permit.missing")
    key = "permit.line_with_basis" if permit.legal_basis else "permit.line"
    said = cat.text(
        key,
        granted_by=_permit_word(permit.granted_by, cat),
        authority=_permit_word(permit.authority, cat),
        legal_basis=clean(permit.legal_basis),
    )
    if not permit.purposes:
        return said
    purposes = ", ".join(_permit_word(purpose, cat) for purpose in permit.purposes)
    return f"{said} {cat.text('permit.purposes', purposes=purposes)}"


def _permit_word(word: str, cat: Catalog) -> str:
    # Only the words of the vocabulary: `line` or `purposes` are texts with placeholders.
    known = {"loopback", "scope", "domain_proof", "responsible", "own", "contract", "statutory"}
    known |= {"inform", "census", "publish"}
    return cat.text(f"permit.{word}") if word in known else clean(word) or "-"


def flaw_counts(flaws: Flaws, cat: Catalog) -> str:
    """`3 open, 2 undetermined, 89 fixed ...`."""
    counts = {
        "affected": len(flaws.affected),
        "undetermined": len(flaws.undetermined),
        "fixed": flaws.fixed,
        "not_affected": flaws.not_affected,
    }
    if not any(counts.values()):
        return cat.text("cve.none_known")
    return ", ".join(cat.text(f"cve.{name}", n=count) for name, count in counts.items() if count)


def certificate_rows(certificate: CertificateFacts, cat: Catalog) -> list[tuple[str, str]]:
    """A certificate as pairs of key and cleaned value; empty values are to be left out."""
    if certificate.problem is not None:
        problem = cat.text("check.unreadable", problem=clean(certificate.problem))
        return [("check.certificate", problem), ("check.fingerprint", certificate.sha256)]
    issuer = clean(certificate.issuer)
    if certificate.self_signed:
        issuer = cat.text("check.self_signed")
    router = certificate.router
    return [
        ("check.subject", clean(certificate.subject)),
        ("check.names", clean(", ".join(certificate.names))),
        ("check.issuer", issuer),
        ("check.valid", _validity(certificate, cat)),
        ("check.key", clean(certificate.key)),
        ("check.signature", clean(certificate.signature)),
        ("check.fingerprint", clean(certificate.sha256)),
        ("identity.fronts", cat.text("check.router", router=clean(router)) if router else ""),
    ]


def _validity(certificate: CertificateFacts, cat: Catalog) -> str:
    start, end = certificate.not_before, certificate.not_after
    if start is None or end is None:
        return ""
    return cat.text("check.valid_range", start=start, end=end)


def yes_no(answer: bool | None, cat: Catalog) -> str:
    """Yes, no, or unknown."""
    return cat.text({True: "word.yes", False: "word.no", None: "word.unknown"}[answer])
