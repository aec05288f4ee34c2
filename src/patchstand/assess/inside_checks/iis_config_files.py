"""Files of IIS' configuration that cannot be read: IIS cannot read them either, or a copy broke.

Whatever they set stays unknown here, so nothing that hangs on them is judged fine.
"""

from collections.abc import Iterator

from patchstand.assess.inside import Inside, InsideCheck, Said
from patchstand.assess.severity import HARDENING, NOTE
from patchstand.model import Finding, Remedy
from patchstand.model.inside import Reading
from patchstand.model.rewrite import RuleSet

_NAMES = ("web.config", "applicationhost.config", "sharedwebconfig.config")


def _run(inside: Inside) -> Iterator[Said]:
    broken = [
        Reading(each.file, "", each.why)
        for each in inside.state.skipped
        if each.file.lower().endswith(_NAMES)
    ]
    if broken:
        yield _finding("iis_config_unreadable", broken)
    refused = {
        place.full_path: (*place.doubts, *_of_rules(place.rules)) for place in inside.state.places
    }
    refused = {place: doubts for place, doubts in refused.items() if doubts}
    if refused:
        doubts = [each for found in refused.values() for each in found]
        yield _finding("iis_config_refused", list(dict.fromkeys(doubts)), ", ".join(refused))
    lost = [Reading(each.file, "", "") for each in inside.state.web_configs if not each.places]
    if lost and inside.state.iis is not None:
        yield Finding(
            "iis_config_without_place",
            NOTE,
            (("files", ", ".join(each.file for each in lost)),),
            read=tuple(lost),
        )


def _of_rules(rules: RuleSet) -> Iterator[Reading]:
    for part in (rules.server, rules.inbound, rules.outbound):
        yield from part.doubts


def _finding(name: str, read: list[Reading], places: str = "") -> Finding:
    files = ", ".join(dict.fromkeys(each.file for each in read))
    values = (("count", str(len(read))), ("files", files), ("places", places))
    return Finding(name, HARDENING, values, (Remedy("repair_iis_config"),), read=tuple(read))


CHECK = InsideCheck("iis_config_files", _run)
