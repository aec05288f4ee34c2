"""What was exported of Active Directory: schema, groups of Exchange, denials in an ACL."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from patchstand.assess.values import inner, members, number, texts, truth
from patchstand.model.inside import PsObject, ServerState, Value, shown

GROUPS = "GetExchangeWellKnownSecurityGroups"
_SCHEMA = "GetExchangeAdSchemaClass_ms-Exch-Schema-Version-Pt"
_SPLIT = "GetExchangeADSplitPermissionsEnabled"
_PROTECTED = "ou=microsoft exchange protected groups"
_ANY = "00000000-0000-0000-0000-000000000000"
_ENTRY = re.compile(r"\(([^()]*)\)")
_WRITE_PROPERTY = 0x20


def attribute(found: Value, name: str) -> Value:
    """An attribute of a search result, or of an object of `Get-ADObject`."""
    properties = inner(found, "Properties")
    return inner(properties if properties is not None else found, name)


def schema_level(state: ServerState) -> int | None:
    """`rangeUpper` of ms-Exch-Schema-Version-Pt: the level of Exchange's schema."""
    found = texts(attribute(state.one(_SCHEMA), "rangeUpper"))
    return number(found[0]) if found else None


def group(state: ServerState, name: str) -> PsObject | None:
    """One of Exchange's own groups by its well-known name."""
    found = (
        each
        for each in state.objects(GROUPS)
        if shown(each.get("WellKnownName")).lower() == name.lower()
    )
    return next(found, None)


def splits_permissions(state: ServerState) -> bool | None:
    """Whether AD split permissions are on; None where nothing tells.

    The collector may say it. Else the place of a group does, in one direction: only with
    split permissions set-up puts it among the protected groups (Microsoft Learn, "Configure
    Exchange Server for split permissions").
    """
    export = state.exports.get(_SPLIT.lower())
    told = truth(export.objects[0]) if export and export.objects else None
    if told is not None:
        return told
    found = group(state, "Exchange Windows Permissions")
    place = shown(found.get("DistinguishedName")).lower() if found else ""
    return False if place and _PROTECTED not in place else None


@dataclass(frozen=True, slots=True)
class Denial:
    """A trustee must not write an attribute of objects of a class; GUIDs in lower case.

    `trustee`: a SID, or the name of an account without its domain; in lower case.
    """

    trustee: str
    attribute: str
    of_class: str

    def covers(self, attribute_guid: str, class_guid: str) -> bool:
        """True when it denies at least this attribute of this class."""
        return self.attribute in {attribute_guid, _ANY} and self.of_class in {class_guid, _ANY}


def denials(acl: Value) -> tuple[Denial, ...] | None:
    """The denials set on an object for all below it; None where its ACL was not read.

    No ACL of a domain is empty: a list without entries is one that an export cut off.
    """
    entries = members(inner(acl, "Access"))
    if entries:
        return tuple(_of_entries(entries))
    sddl = shown(inner(acl, "Sddl"))
    return tuple(_of_sddl(sddl)) if "D:" in sddl else None


def _of_entries(entries: tuple[PsObject, ...]) -> Iterator[Denial]:
    for entry in entries:
        said = {name: shown(value) for name, value in entry.properties.items()}
        denies = said.get("accesscontroltype") == "Deny"
        rights = said.get("activedirectoryrights", "").split(", ")
        below = said.get("inheritancetype") == "All" and said.get("isinherited") == "False"
        if denies and below and "WriteProperty" in rights:
            yield Denial(
                said.get("identityreference", "").rpartition("\\")[2].lower(),
                said.get("objecttype", "").lower(),
                said.get("inheritedobjecttype", "").lower(),
            )


def _of_sddl(sddl: str) -> Iterator[Denial]:
    """Entries such as `(OD;CI;WP;attribute;class;SID)` ([MS-DTYP] section 2.5.1)."""
    for found in _ENTRY.finditer(sddl):
        parts = found[1].split(";")
        if len(parts) < 6 or parts[0] not in {"D", "OD"}:
            continue
        flags = {parts[1][at : at + 2] for at in range(0, len(parts[1]), 2)}
        if "CI" in flags and not flags & {"IO", "ID"} and _writes(parts[2]):
            yield Denial(parts[5].lower(), parts[3].lower() or _ANY, parts[4].lower() or _ANY)


def _writes(rights: str) -> bool:
    if rights.lower().startswith("0x"):
        return bool(int(rights, 16) & _WRITE_PROPERTY) if _is_hex(rights) else False
    return "WP" in {rights[at : at + 2] for at in range(0, len(rights), 2)}


def _is_hex(text: str) -> bool:
    return re.fullmatch(r"0[xX][0-9a-fA-F]{1,8}", text) is not None
