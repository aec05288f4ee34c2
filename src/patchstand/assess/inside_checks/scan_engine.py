"""The scan engine of the message filter (FIP-FS) and the numbers it cannot hold.

Engines since New Year 2022 have numbers from 2201010000 on, too large for the 32 bits that
builds before the March 2022 updates keep them in: there the filter stops, and mail with it
(aka.ms/HC-FIPFSUpdateIssue). Exchange 2013 is not affected.
"""

from collections.abc import Iterator

from patchstand.assess.exchange import is_edge
from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.levels import line_of, reaches
from patchstand.assess.severity import HARDENING, NOTE, OTHER_MISSING_UPDATE
from patchstand.assess.values import number
from patchstand.model import Finding, ProductLine, Remedy

_EXPORT = "GetFIPFSScanEngineVersionState"
_HIGHEST = "HighestVersionNumberDetected"
_TOO_LARGE = 2_201_010_000
_PAGES = ("aka.ms/HC-FIPFSUpdateIssue",)


def _run(inside: Inside) -> Iterator[Said]:
    line = line_of(inside)
    if is_edge(inside.state) or line is None or line.rank <= ProductLine.V2013.rank:
        return
    found = inside.state.reading(_EXPORT, _HIGHEST)
    if found is None:
        yield Unread(_EXPORT)
        return
    highest = number(found.value)
    if highest is None:
        yield Finding(
            "scan_engine_missing",
            HARDENING,
            (),
            (Remedy("reset_scan_engine"),),
            _PAGES,
            (),
            (found,),
        )
    elif highest >= _TOO_LARGE:
        engine = (("engine", found.value),)
        stops = reaches(inside, "Mar22SU") is False
        yield Finding(
            "scan_engine_stops" if stops else "scan_engine_number",
            OTHER_MISSING_UPDATE if stops else NOTE,
            engine,
            (Remedy("install_updates_first" if stops else "reset_scan_engine"),),
            _PAGES,
            read=(found,),
        )


CHECK = InsideCheck("scan_engine", _run)
