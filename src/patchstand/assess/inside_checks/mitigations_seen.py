"""Mitigations by rules of IIS: which work, which only look so, which can go.

The Emergency Mitigation service never takes its rules away (Microsoft Learn); a rule of a
mitigation's name that does something else protects nobody.
"""

from collections.abc import Iterator

from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.mitigations import seen_mitigations
from patchstand.assess.severity import HARDENING, NOTE
from patchstand.model import Finding, Remedy
from patchstand.model.seen_mitigations import MitigationState, SeenMitigation

_FAULTS = {
    MitigationState.INCOMPLETE: "mitigation_incomplete",
    MitigationState.DISABLED: "mitigation_disabled",
    MitigationState.WITHOUT_EFFECT: "mitigation_without_effect",
    MitigationState.ABSENT: "mitigation_missing",
}


def _run(inside: Inside) -> Iterator[Said]:
    for seen in seen_mitigations(inside):
        if seen.left_over:
            yield _finding("mitigation_left_over", inside, seen)
        elif seen.state is MitigationState.ACTIVE:
            yield _finding("mitigation_active", inside, seen)
        elif seen.needed and seen.state is MitigationState.UNDETERMINED:
            yield from _unknown(seen)
        elif seen.needed:
            yield _finding(_FAULTS[seen.state], inside, seen)


def _unknown(seen: SeenMitigation) -> Iterator[Said]:
    """What would tell; the CVE itself is open whatever a mitigation does."""
    for wanted in (*seen.unread, *seen.why)[:1]:
        yield Unread(wanted)


def _finding(name: str, inside: Inside, seen: SeenMitigation) -> Finding:
    rules = ", ".join(dict.fromkeys(_rule_name(each.path) for each in seen.rules))
    urgent = name in _FAULTS.values()
    severity = HARDENING if name == "mitigation_left_over" else NOTE
    return Finding(
        name,
        inside.severity((seen.cve,)) if urgent else severity,
        (
            ("cve", seen.cve),
            ("rules", rules),
            ("unread", ", ".join(seen.unread)),
            ("reasons", "; ".join(seen.why)),
        ),
        tuple(_remedies(name, seen)),
        cves=(seen.cve,),
        read=seen.rules or seen.looked_at,
    )


def _rule_name(path: str) -> str:
    return path.partition('@name="')[2].rstrip('"]')


def _remedies(name: str, seen: SeenMitigation) -> Iterator[Remedy]:
    if name in _FAULTS.values():
        yield Remedy("mitigate_until_update", (("cve", seen.cve),))
    if name == "mitigation_left_over":
        place = seen.place.replace("/", "\\")
        for path in dict.fromkeys(each.path for each in seen.rules):
            found = path[path.find("system.webServer") :].replace('"', "'")
            values = (("rule", _rule_name(path)), ("filter", found), ("place", place))
            yield Remedy("remove_mitigation", values)


CHECK = InsideCheck("mitigations_seen", _run)
