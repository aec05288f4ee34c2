"""All setting overrides of a server: they outlive the reason they were made for.

Two overrides for one parameter contradict each other or hide one another; which holds is not
certain. One the directory lists and the server does not has not arrived yet.
"""

from collections.abc import Iterable, Iterator

from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.overrides import IN_DIRECTORY, Setting, overrides
from patchstand.assess.severity import HARDENING, NOTE
from patchstand.model import Finding, Remedy


def _run(inside: Inside) -> Iterator[Said]:
    found = overrides(inside)
    if found is None:
        yield Unread(IN_DIRECTORY)
        return
    if found.settings:
        yield Finding(
            "setting_overrides",
            NOTE,
            (
                ("count", str(len({each.override for each in found.settings}))),
                ("override", _names(found.settings)),
            ),
            (Remedy("review_overrides"),),
            references=("aka.ms/HC-SettingOverrides",),
            read=tuple(each.reading for each in found.settings),
        )
    yield from _twice(found.settings)
    waiting = [each for each in found.settings if not each.holds]
    if waiting:
        yield Finding(
            "override_not_arrived",
            NOTE,
            (("override", _names(waiting)),),
            (Remedy("refresh_overrides"),),
            read=(*found.read, *(each.reading for each in waiting)),
        )


def _twice(settings: Iterable[Setting]) -> Iterator[Said]:
    by_parameter: dict[tuple[str, str, str], list[Setting]] = {}
    for each in settings:
        key = (each.component.lower(), each.section.lower(), each.parameter.lower())
        by_parameter.setdefault(key, []).append(each)
    for same in by_parameter.values():
        if len({each.override for each in same}) > 1:
            yield Finding(
                "override_twice",
                HARDENING,
                (
                    ("setting", f"{same[0].component}/{same[0].section}/{same[0].parameter}"),
                    ("override", _names(same)),
                ),
                (Remedy("remove_override", (("override", _names(same[1:])),)),),
                references=("aka.ms/HC-SettingOverrides",),
                read=tuple(each.reading for each in same),
            )


def _names(settings: Iterable[Setting]) -> str:
    return ", ".join(dict.fromkeys(each.override for each in settings))


CHECK = InsideCheck("setting_overrides", _run)
