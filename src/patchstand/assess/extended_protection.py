"""Extended Protection of each virtual directory: what is set, what should be, what follows.

The table of expected values and the rule how a value is read (the directory's own
`<location>` in applicationHost.config, else that of its direct parent, else None) are
Microsoft's (ExchangeExtendedProtectionManagement.ps1); the table is knowledge.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from patchstand.assess.inside import Inside
from patchstand.model import Build, Identity, ProductLine
from patchstand.model.directories import (
    DirectoryProtection,
    ExchangeDirectory,
    ProtectionSummary,
    TokenChecking,
)
from patchstand.model.iis import IisConfig, Location
from patchstand.model.inside import Reading, ServerState, XmlElement

BOTH = frozenset({"cas", "mbx"})
_SECURITY = "system.webServer/security"
_WINDOWS = f"{_SECURITY}/authentication/windowsAuthentication"
_SETTING = "security/authentication/windowsAuthentication/extendedProtection@tokenChecking"
_EVERYTHING = frozenset({"0.0.0.0", "::"})  # noqa: S104  a mask, not an address to listen on


@dataclass(frozen=True, slots=True)
class Protection:
    """Extended Protection of one server; `read` says for each directory where its value is.

    `supported_version` None: the possible builds differ, or none is known.
    """

    directories: tuple[DirectoryProtection, ...]
    supported_version: bool | None
    read: tuple[Reading, ...]

    @property
    def summary(self) -> ProtectionSummary:
        """The counts that Microsoft's tools give."""
        rows = self.directories
        return ProtectionSummary(
            vdirs=len(rows),
            supported_version=self.supported_version,
            current_not_none=sum(row.current is not TokenChecking.NONE for row in rows),
            expected_not_none=sum(row.expected is not TokenChecking.NONE for row in rows),
            not_supported=sum(not row.supported for row in rows),
            not_secure=sum(not row.secure for row in rows),
        )

    @property
    def is_configured(self) -> bool:
        """True when at least one directory has it."""
        return any(row.current is not TokenChecking.NONE for row in self.directories)

    @property
    def is_secure(self) -> bool:
        """True when every directory is as strict as it should be, on a build that can do it."""
        return self.supported_version is True and all(row.secure for row in self.directories)


def protection(inside: Inside) -> Protection | None:
    """Extended Protection of a server; None without its applicationHost.config, or on Edge."""
    config, roles = inside.state.iis, server_roles(inside)
    if config is None or not roles:
        return None
    supported = _supported(inside)
    rows: list[DirectoryProtection] = []
    read: list[Reading] = []
    for each in wanted_directories(inside, roles):
        current, reading = _in_force(inside.state, config, f"{each.site}/{each.path}")
        filtered = each.ip_filter and _is_filtered(config, f"{each.site}/{each.path}")
        rows.append(_row(each, current, supported=supported, filtered=filtered))
        read.append(reading)
    return Protection(tuple(rows), supported, tuple(read))


def _row(
    each: ExchangeDirectory, current: TokenChecking, *, supported: bool | None, filtered: bool
) -> DirectoryProtection:
    expected = (each.protection or TokenChecking.NONE) if supported is not False else None
    expected = expected or TokenChecking.NONE
    return DirectoryProtection(
        site=each.site,
        path=each.path,
        current=current,
        expected=expected,
        supported=current.rank <= expected.rank,
        secure=current.rank >= expected.rank or filtered,
    )


def _supported(inside: Inside) -> bool | None:
    directories = inside.knowledge.directories
    if (stated := stated_build(inside.identity)) is not None:
        return directories.supports_protection(stated)
    answers = {directories.supports_protection(build) for build in inside.identity.builds}
    return answers.pop() if len(answers) == 1 else None


def stated_build(identity: Identity) -> Build | None:
    """The number of the installed files where somebody states it, published or not.

    AdminDisplayVersion, which names a CU only, is none.
    """
    for clue in identity.evidence:
        if clue.rule == "stated_build" and (clue.or_later or len(clue.builds or ()) < 2):
            return Build.parse(clue.value)
    return None


def server_roles(inside: Inside) -> frozenset[str]:
    """`cas`, `mbx` or both; from 2016 on they are one. Empty: an Edge server, without IIS.

    As asked for, else as the export of the server says, else by what IIS has.
    """
    if inside.identity.line is not ProductLine.V2013:
        edge = inside.state.reading("GetExchangeServer", "IsEdgeServer")
        return frozenset() if edge is not None and edge.value == "True" else BOTH
    if inside.role is not None:
        return BOTH if inside.role == "both" else frozenset({inside.role})
    return _said_roles(inside.state) or _shown_roles(inside.state.iis) or BOTH


def _said_roles(state: ServerState) -> frozenset[str]:
    properties = {"cas": "IsClientAccessServer", "mbx": "IsMailboxServer"}
    readings = {role: state.reading("GetExchangeServer", name) for role, name in properties.items()}
    return frozenset(role for role, each in readings.items() if each and each.value == "True")


def _shown_roles(config: IisConfig | None) -> frozenset[str]:
    """A client access server shows OWA on its front end, a mailbox server on its back end."""
    sites = {"cas": "Default Web Site", "mbx": "Exchange Back End"}
    return frozenset(
        role
        for role, name in sites.items()
        if config is not None
        and (site := config.site(name)) is not None
        and any(each.path.lower() == "/owa" for each in site.applications)
    )


def wanted_directories(inside: Inside, roles: frozenset[str]) -> Sequence[ExchangeDirectory]:
    """The directories of the table that a server of these roles and builds has."""
    lines = frozenset(inside.identity.lines)
    return [
        each
        for each in inside.knowledge.directories.directories
        if each.protection is not None
        and each.roles & roles
        and not (lines and lines <= each.missing_on)
    ]


def _in_force(state: ServerState, config: IisConfig, path: str) -> tuple[TokenChecking, Reading]:
    """By Microsoft's rule, unless a web.config that may speak here is laxer."""
    value, reading = _current(config, path)
    place = state.place(path)
    own = place.setting(_SETTING) if place is not None else None
    if own is None or own.file == config.file:
        return value, reading
    said = _known(own.value)
    return (said, own) if said.rank < value.rank else (value, reading)


def _current(config: IisConfig, path: str) -> tuple[TokenChecking, Reading]:
    parent = path.rpartition("/")[0]
    for place in (path, parent):
        found = [
            (value, location)
            for location in _at(config, place)
            for element in location.element.under(f"{_WINDOWS}/extendedProtection")
            if (value := _checking(element)) is not None
        ]
        if found:  # of two that contradict, the laxer one
            value, location = min(found, key=lambda each: each[0].rank)
            where = f'location[@path="{location.path}"]/{_WINDOWS}/extendedProtection'
            return value, Reading(config.file, f"{where}@tokenChecking", value.value)
    where = f'location[@path="{path}"]/{_WINDOWS}/extendedProtection@tokenChecking'
    return TokenChecking.NONE, Reading(config.file, where, "")


def _at(config: IisConfig, path: str) -> Iterable[Location]:
    return (each for each in config.locations if each.path.lower() == path.lower())


def _checking(element: XmlElement) -> TokenChecking | None:
    said = element.attributes.get("tokenChecking")
    return None if said is None else _known(said)


def _known(said: str) -> TokenChecking:
    """The value as the schema spells it; one that it does not know protects nothing."""
    known = {each.value.lower(): each for each in TokenChecking}
    return known.get(said.lower(), TokenChecking.NONE)


def _is_filtered(config: IisConfig, path: str) -> bool:
    """Addresses that are not listed are refused, and the list does not let everybody in."""
    found = [
        element
        for location in _at(config, path)
        for element in location.element.under(f"{_SECURITY}/ipSecurity")
    ]
    return bool(found) and all(_refuses(element) for element in found)


def _refuses(element: XmlElement) -> bool:
    if element.attributes.get("allowUnlisted", "true").lower() != "false":
        return False
    return not any(
        each.attributes.get("allowed", "").lower() == "true"
        and each.attributes.get("subnetMask", "") in _EVERYTHING
        and not each.attributes.get("domainName")
        for each in element.all("add")
    )
