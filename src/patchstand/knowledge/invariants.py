"""What must hold of any knowledge, shipped or overridden."""

from collections.abc import Iterator
from itertools import pairwise

from patchstand.knowledge.surroundings import broken_surroundings
from patchstand.model import Knowledge, UpdateKind
from patchstand.model.seen_mitigations import Effect


def broken_invariants(knowledge: Knowledge) -> Iterator[str]:
    """Yield one sentence per broken invariant; nothing for sound knowledge."""
    yield from broken_builds_and_flaws(knowledge)
    yield from _directories(knowledge)
    yield from _mitigations(knowledge)
    yield from broken_surroundings(knowledge)


def broken_builds_and_flaws(knowledge: Knowledge) -> Iterator[str]:
    """The same for builds, CVEs, support and fingerprints; not for what an audit compares with.

    Those tables name builds and CVEs, which files of one's own may not know yet.
    """
    yield from _builds(knowledge)
    yield from _cumulative_updates(knowledge)
    yield from _articles(knowledge)
    yield from _cves(knowledge)
    yield from _support(knowledge)
    yield from _fingerprints(knowledge)


def _fingerprints(knowledge: Knowledge) -> Iterator[str]:
    ids = [fingerprint.id for fingerprint in knowledge.fingerprints]
    for fingerprint in knowledge.fingerprints:
        if ids.count(fingerprint.id) > 1:
            yield f"fingerprint {fingerprint.id} has two rows"
        if not fingerprint.examples:
            yield f"fingerprint {fingerprint.id} has no example"
        for needle in fingerprint.contains:
            if needle != needle.lower():
                yield f"fingerprint {fingerprint.id}: {needle!r} is not in lower case"
        for example in fingerprint.examples:
            if not fingerprint.matches(example, example.lower()):
                yield f"fingerprint {fingerprint.id} does not match its example {example!r}"


def _builds(knowledge: Knowledge) -> Iterator[str]:
    seen = set()
    for update in knowledge.updates:
        if update.build in seen:
            yield f"build {update.build} has two rows"
        seen.add(update.build)
        if update.build.line is not update.line:
            yield f"build {update.build} cannot be {update.line}"
        if not update.released_from <= update.released <= update.released_to:
            yield f"build {update.build}: release date outside its range"
        if update.reissue_of is not None and knowledge.update(update.reissue_of) is None:
            yield f"build {update.build} reissues {update.reissue_of}, which has no row"
        if update.withdrawn_on is not None and update.withdrawn_on < update.released_from:
            yield f"build {update.build} was withdrawn before it was released"


def _cumulative_updates(knowledge: Knowledge) -> Iterator[str]:
    for update in knowledge.updates:
        first = knowledge.of_cu(update.line, update.cu)[0]
        if first.kind is not UpdateKind.CU:
            yield f"{update.line} {update.cu} begins with {first.build}, not with a CU"
        if update.released_to < first.released_from:
            yield f"build {update.build} is older than its CU {first.build}"
        if update.released > knowledge.covered_until:
            yield f"build {update.build} is newer than covered_until"


def _articles(knowledge: Knowledge) -> Iterator[str]:
    """One KB article belongs to one security release; on 2007 to 2013 also to its reissues."""
    families: dict[str, set[str]] = {}
    for update in knowledge.updates:
        if update.kb is not None and update.security and update.reissue_of is None:
            families.setdefault(update.kb, set()).add(update.family)
    for kb, names in families.items():
        if len(names) > 1:
            yield f"{kb} belongs to {', '.join(sorted(names))}"


def _cves(knowledge: Knowledge) -> Iterator[str]:
    for cve in knowledge.cves:
        lines = [fix.line for fix in cve.lines]
        if len(lines) != len(set(lines)):
            yield f"{cve.id} names a line twice"
        for fix in cve.lines:
            for cu, build in fix.fixed:
                row = knowledge.update(build)
                if row is None or row.line is not fix.line or row.cu != cu:
                    yield f"{cve.id}: {build} is no build of {fix.line} {cu}"
            if fix.default_since is not None and knowledge.update(fix.default_since) is None:
                yield f"{cve.id}: default since {fix.default_since}, which has no row"
        if cve.condition is not None and cve.decide_by is None:
            yield f"{cve.id} has a condition but nothing that decides it"


def _support(knowledge: Knowledge) -> Iterator[str]:
    for update in knowledge.updates:
        if (update.line, update.cu) not in knowledge.support:
            yield f"{update.line} {update.cu} has no support phases"
    for (line, cu), phases in knowledge.support.items():
        for earlier, later in pairwise(phases):
            if earlier.until >= later.since:
                yield f"{line} {cu}: support phases overlap at {later.since}"


def _directories(knowledge: Knowledge) -> Iterator[str]:
    paths = [f"{each.site}/{each.path}".lower() for each in knowledge.directories.directories]
    for path in sorted({path for path in paths if paths.count(path) > 1}):
        yield f"virtual directory {path} has two rows"
    for each in knowledge.directories.directories:
        if not each.roles or not each.roles <= {"cas", "mbx"}:
            yield f"virtual directory {each.site}/{each.path}: a role that is neither cas nor mbx"


def _mitigations(knowledge: Knowledge) -> Iterator[str]:
    ids = [each.id for each in knowledge.mitigations]
    known = {cve.id for cve in knowledge.cves}
    for each in knowledge.mitigations:
        effects = {trial.effect for trial in each.trials}
        if ids.count(each.id) > 1:
            yield f"mitigation {each.id} has two rows"
        if each.cve not in known:
            yield f"mitigation {each.id}: {each.cve} is not known"
        if Effect.UNTOUCHED not in effects or len(effects) < 2:
            yield f"mitigation {each.id} needs a trial it acts on, and one it leaves alone"
