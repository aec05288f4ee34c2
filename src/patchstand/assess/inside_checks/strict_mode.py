"""Strict mode and the check of base types: what Exchange refuses to deserialize.

Both are on by default and refuse types that attacks are built from. An override names places
where strict mode is off, a registry value turns the other check off (aka.ms/HC-SettingOverrides).
"""

from collections.abc import Iterator

from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.overrides import IN_DIRECTORY, overrides
from patchstand.assess.severity import HARDENING
from patchstand.assess.values import number
from patchstand.model import Finding, Remedy

_SECTION = ("Data", "DeserializationBinderSettings", "LearningLocations")
_DIAGNOSTICS = r"SOFTWARE\Microsoft\ExchangeServer\v15\Diagnostics"
_PAGES = ("aka.ms/HC-SettingOverrides",)


def _run(inside: Inside) -> Iterator[Said]:
    yield from _learning(inside)
    value = inside.state.registry_value(_DIAGNOSTICS, "DisableBaseTypeCheckForDeserialization")
    if value is None:
        yield Unread("registry.json")
    elif number(value.value) == 1:
        yield Finding(
            "base_type_check_off",
            HARDENING,
            remedy=(Remedy("check_base_types"),),
            references=_PAGES,
            read=(value.reading,),
        )


def _learning(inside: Inside) -> Iterator[Said]:
    found = overrides(inside)
    if found is None:
        yield Unread(IN_DIRECTORY)
        return
    learning = found.of(*_SECTION)
    if learning:
        names = ", ".join(dict.fromkeys(each.override for each in learning))
        yield Finding(
            "strict_mode_off",
            HARDENING,
            (("locations", ", ".join(each.value for each in learning)), ("override", names)),
            (Remedy("remove_override", (("override", names),)),),
            references=_PAGES,
            read=tuple(each.reading for each in learning),
        )


CHECK = InsideCheck("strict_mode", _run)
