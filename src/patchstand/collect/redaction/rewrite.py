"""Second reading: whatever names somebody in a text becomes a placeholder."""

import re
from collections.abc import Iterator

from patchstand.collect.redaction.harvest import (
    CERTIFICATE,
    EMAIL,
    LEGACY,
    PROFILE,
    RDN,
    Names,
)
from patchstand.collect.redaction.pseudonyms import Pseudonyms
from patchstand.collect.redaction.words import MICROSOFTS, is_standard, labels

_SID = re.compile(r"(?i)\bS-1-5-21-(\d{1,10}-\d{1,10}-\d{1,10})(?=-|\b)")
_GUID = re.compile(r"(?i)(?<![0-9a-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-z])")
_HEX = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{32,128}(?![0-9A-Za-z])")
_MAC = re.compile(r"(?i)(?<![0-9a-z:-])[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?![0-9a-z:-])")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
_IPV6 = re.compile(r"(?i)(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:%\d+)?(?![\w:])")
_IN_ACL = re.compile(r"\([^()]*;[^()]*;[^()]*;[^()]*\)")
_WELL_KNOWN = re.compile(r"(?i)^(?:0{8}-(?:0{4}-){3}0{12}|[0-9a-f]{8}-0000-0ff1-ce00-0{12})$")
_OF_SCHEMA = frozenset(
    {"objecttype", "inheritedobjecttype", "wellknownguid", "schemaidguid", "providerid",
     "moduleversionid", "wellknownname"}
)  # fmt: skip
"""Properties whose values are the same in every organisation."""
_VERSION = re.compile(r"(?i)version\W{0,16}$")


class Rewriting:
    """Replaces names in texts, always by the same placeholders."""

    def __init__(self, names: Names, pseudonyms: Pseudonyms) -> None:
        self._names, self._pseudonyms = names, pseudonyms
        self._hosts = _either(sorted(names.hosts, key=lambda host: -len(host)), inner=r"[\w-]+\.")
        self._words = _either(names.alone())

    def text(self, text: str, called: str = "") -> str:
        """The text with placeholders; `called` is the property that holds it."""
        if called.casefold() in _OF_SCHEMA or not text.strip():
            return text
        if text.strip().casefold() in self._names.whole:
            return self._pseudonyms.name(text.strip())
        text = CERTIFICATE.sub(self._certificate, text)
        text = EMAIL.sub(self._email, text)
        text = RDN.sub(lambda found: f"{found[1]}={self._rdn(found[1], found[2])}", text)
        text = LEGACY.sub(lambda found: f"/{found[1]}={self._rdn(found[1], found[2])}", text)
        text = PROFILE.sub(lambda found: f"{found[1]}{self._name(found[2])}", text)
        text = self._numbers(text, called)
        if self._hosts:
            text = self._hosts.sub(lambda found: self._host(found[0]), text)
        if self._words:
            text = self._words.sub(lambda found: self._pseudonyms.name(found[0]), text)
        return text

    def _numbers(self, text: str, called: str) -> str:
        text = _SID.sub(lambda found: f"S-1-5-21-{self._pseudonyms.domain_sid(found[1])}", text)
        kept = {found.start() for acl in _IN_ACL.finditer(text) for found in _guids_of(acl)}
        text = _GUID.sub(
            lambda found: found[0] if found.start() in kept else self._guid(found[0]), text
        )
        text = _HEX.sub(lambda found: self._hex(found[0]), text)
        text = _MAC.sub(lambda found: self._pseudonyms.mac(found[0]), text)
        if "version" in called.casefold():
            return text
        text = _IPV6.sub(lambda found: self._address(found[0]), text)
        return _IPV4.sub(self._ipv4, text)

    def base64(self, encoded: str) -> str:
        """A certificate without names; other bytes are left out: nobody knows what they are."""
        return self._names.certificates.get("".join(encoded.split()), "")

    def remains(self, text: str) -> str | None:
        """A name that is still in a text; None when there is none."""
        for pattern in (self._hosts, self._words):
            found = pattern.search(text) if pattern else None
            if found is not None:
                return found[0]
        return next((old for old in self._names.thumbprints if old in text.lower()), None)

    def _certificate(self, found: "re.Match[str]") -> str:
        return self.base64(found[0])

    def _email(self, found: "re.Match[str]") -> str:
        local = found[1] if is_standard(found[1]) else self._pseudonyms.name(found[1])
        return f"{local}@{self._host(found[2])}"

    def _rdn(self, kind: str, name: str) -> str:
        bare = name.strip()
        if kind.upper() == "DC":
            return bare if bare.casefold() not in self._names.words else self._name(bare)
        return self._name(bare) if bare.casefold() in self._names.whole else name

    def _name(self, name: str) -> str:
        return name if is_standard(name) else self._pseudonyms.name(name)

    def _host(self, host: str) -> str:
        if MICROSOFTS.search(host):
            return host
        chosen = labels(host)
        ending = host.strip(".").split(".")[len(chosen) :]
        return ".".join([*(self._pseudonyms.name(label) for label in chosen), *ending])

    def _guid(self, guid: str) -> str:
        return guid if _WELL_KNOWN.match(guid) else self._pseudonyms.guid(guid)

    def _hex(self, digits: str) -> str:
        if digits.isdecimal():
            return digits
        known = self._names.thumbprints.get(digits.lower())
        if known is None:
            return self._pseudonyms.hexadecimal(digits)
        return known.upper() if digits.upper() == digits else known

    def _address(self, text: str) -> str:
        try:
            return self._pseudonyms.address(text.partition("%")[0])
        except ValueError:
            return text

    def _ipv4(self, found: "re.Match[str]") -> str:
        before = found.string[max(0, found.start() - 24) : found.start()]
        return found[0] if _VERSION.search(before) else self._address(found[0])


def _guids_of(acl: "re.Match[str]") -> "Iterator[re.Match[str]]":
    """GUIDs of attributes and classes in an entry of an ACL: those of the schema."""
    yield from _GUID.finditer(acl.string, acl.start(), acl.end())


def _either(words: list[str], inner: str = "") -> "re.Pattern[str] | None":
    """Any of the words where it stands alone; a host also with more labels before it."""
    if not words:
        return None
    before = f"(?:{inner})*" if inner else ""
    choice = "|".join(map(re.escape, words))
    return re.compile(rf"(?i)(?<![A-Za-z0-9]){before}(?:{choice})(?![A-Za-z0-9])")
