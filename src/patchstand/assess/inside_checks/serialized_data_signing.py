"""Signing of serialized PowerShell data (CVE-2023-36035, -36039, -36050, -36439).

Possible since the January 2023 updates, on by default since those of November 2023; a setting
override turns it on or off. On Exchange 2013 a registry value does (Microsoft Learn,
"Configure certificate signing of PowerShell serialization payloads in Exchange Server").
"""

from collections.abc import Iterator

from patchstand.assess.exchange import is_edge
from patchstand.assess.inside import Decision, Inside, InsideCheck, Said, Unread
from patchstand.assess.levels import line_of, reaches
from patchstand.assess.overrides import IN_DIRECTORY, ON_SERVER, Overrides, overrides
from patchstand.assess.severity import HARDENING
from patchstand.assess.values import number
from patchstand.model import Finding, ProductLine, Remedy
from patchstand.model.inside import Reading

_CVES = ("CVE-2023-36035", "CVE-2023-36039", "CVE-2023-36050", "CVE-2023-36439")
_SWITCH = ("Data", "EnableSerializationDataSigning", "Enabled")
_DIAGNOSTICS = r"SOFTWARE\Microsoft\ExchangeServer\v15\Diagnostics"


def _run(inside: Inside) -> Iterator[Said]:
    if is_edge(inside.state) or reaches(inside, "Jan23SU") is False:
        return  # no build before that can sign: the missing update says so
    if line_of(inside) is ProductLine.V2013:
        yield from _by_registry(inside)
    else:
        yield from _by_override(inside)


def _by_registry(inside: Inside) -> Iterator[Said]:
    value = inside.state.registry_value(_DIAGNOSTICS, "EnableSerializationDataSigning")
    if value is None:
        yield Unread("registry.json", inside.hanging(_CVES))
    elif number(value.value) != 1:
        remedy = Remedy("sign_serialized_data_2013")
        yield from _unsigned(inside, "registry", (value.reading,), remedy)


def _by_override(inside: Inside) -> Iterator[Said]:
    cves = inside.hanging(_CVES)
    found = overrides(inside)
    if found is None:
        yield Unread(IN_DIRECTORY, cves)
        return
    off = found.says(*_SWITCH, value=False)
    if off:
        names = ", ".join(dict.fromkeys(each.override for each in off))
        remedy = Remedy("remove_override", (("override", names),))
        yield from _unsigned(inside, "override", tuple(each.reading for each in off), remedy)
    elif (is_default := reaches(inside, "Nov23SU")) is None:
        yield Unread("ExSetup", cves)
    elif is_default:
        yield Decision(cves, False, found.read)
    else:
        yield from _by_order(inside, found)


def _by_order(inside: Inside, found: Overrides) -> Iterator[Said]:
    """Before the default: on only where an override says so and the server lists it."""
    on = found.says(*_SWITCH, value=True)
    if not on:
        yield from _unsigned(inside, "never", found.read, Remedy("sign_serialized_data"))
    elif not any(each.holds for each in on):
        yield Unread(ON_SERVER)


def _unsigned(
    inside: Inside, how: str, read: tuple[Reading, ...], remedy: Remedy
) -> Iterator[Said]:
    cves = inside.hanging(_CVES)
    if cves:
        yield Decision(cves, True, read)
    page = "Configure certificate signing of PowerShell serialization payloads in Exchange Server"
    yield Finding(
        "serialized_data_unsigned",
        inside.severity(cves) if cves else HARDENING,
        (("how", how),),
        (remedy,),
        references=(f"Microsoft Learn: {page}",),
        cves=cves,
        read=read,
    )


CHECK = InsideCheck("serialized_data_signing", _run)
