"""Setting overrides that turn the fix of a CVE off again.

Which override does that for which CVE is knowledge (`fix-switches.json`).
"""

from collections.abc import Iterator

from patchstand.assess.exchange import is_edge
from patchstand.assess.inside import Decision, Inside, InsideCheck, Said, Unread
from patchstand.assess.overrides import IN_DIRECTORY, Overrides, Setting, overrides
from patchstand.model import Finding, Remedy


def _run(inside: Inside) -> Iterator[Said]:
    cves = inside.hanging(switch.cve for switch in inside.knowledge.fix_switches)
    if not cves or is_edge(inside.state):
        return
    found = overrides(inside)
    if found is None:
        yield Unread(IN_DIRECTORY, cves)
        return
    for cve in cves:
        off = tuple(_turned_off(inside, found, cve))
        read = tuple(each.reading for each in off) or found.read
        yield Decision((cve,), bool(off), read)
        if off:
            names = ", ".join(dict.fromkeys(each.override for each in off))
            settings = ", ".join(f"{each.section}/{each.parameter}={each.value}" for each in off)
            yield Finding(
                "fix_switched_off",
                inside.severity((cve,)),
                (("cves", cve), ("override", names), ("setting", settings)),
                (Remedy("remove_override", (("override", names),)),),
                references=(f"MSRC {cve}",),
                cves=(cve,),
                read=read,
            )


def _turned_off(inside: Inside, found: Overrides, cve: str) -> Iterator[Setting]:
    for switch in inside.knowledge.fix_switches:
        if switch.cve == cve:
            for setting in found.of(switch.component, switch.section, switch.parameter):
                if setting.value.strip().lower() == switch.open_when.lower():
                    yield setting


CHECK = InsideCheck("fix_switches", _run)
