"""First reading: which words of this bundle are names of servers, domains and people.

Names are taken from where a name must stand: properties that hold one, distinguished names,
addresses, URLs, accounts. Everywhere else the same words are then replaced.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from patchstand.collect.markup import local_name
from patchstand.collect.redaction.certificates import without_names
from patchstand.collect.redaction.pseudonyms import Pseudonyms
from patchstand.collect.redaction.words import AUTHORITIES, MICROSOFTS, is_standard, labels

HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{1,61}"
EMAIL = re.compile(rf"(?<![\w.+-])([\w.+-]{{1,64}})@({HOST})")
URL = re.compile(rf"(?i)\b(?:https?|ldap|smtp|tcp|sip)s?://({HOST}|[A-Za-z0-9-]+)")
RDN = re.compile(r"(?i)\b(CN|OU|DC|O|L|ST|S|E)=((?:\\.|(?!_x000)[^,\\\"<>/;|=\r\n])+)")
LEGACY = re.compile(r"(?i)/(o|ou|cn)=([^/\r\n]+)")
PROFILE = re.compile(r"(?i)(\\Users\\)([^\\\"<>|]+)")
CERTIFICATE = re.compile(r"MII[A-Za-z0-9+/=\s]{200,}")
_HOSTS = re.compile(
    r"(?i)(?:^(?:pscomputername|machinename|__server|csname|systemname|computer|computername"
    r"|server|servers|serverfqdn|servername|fqdn|partitionfqdn|originatingserver|hostname"
    r"|dnshostname|domain|domainname|smtpdomain|dnsdomain|domaincontroller|netbiosname"
    r"|dnssuffixsearchlist|tlsdomain|smarthosts?|smarthostsstring|address|tlscertificatename"
    r"|hostnames?|cn|defaultdomain|currentconfigdomaincontroller|certificatedomains)$"
    r"|host-?name$|domaincontroller$|fqdn$)"
)
_ACCOUNTS = re.compile(
    r"(?i)^(?:identityreference|owner|group|username|user|startname|installedby|registeredowner"
    r"|primaryownername|account|accesstostring|name|samaccountname|registereduser)$"
)
_ACCOUNT = re.compile(
    r"(?:^|(?<=[\s;,]))(NT AUTHORITY|NT SERVICE|IIS APPPOOL|[\w.&-]{1,15})\\"
    r"([\w .&$-]{1,64})(?![\w\\:])"
)
_PEOPLE = re.compile(r"(?i)^(?:registereduser|primaryownername|organization|samaccountname)$")
_NAME = re.compile(r"[A-Za-z0-9][\w .-]*")
_BEFORE = re.compile(r"(?i)\bCN=([^,]+),CN=(?:Microsoft Exchange|Sites|Servers|Databases)\b")
_DOMAIN = re.compile(r"(?i)\bDC=[\w-]+(?:,DC=[\w-]+)*")
_WINDOWS_MADE = re.compile(r"\bWIN-[A-Z0-9]{11}\b")
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SHORTEST = 3


@dataclass(slots=True)
class Names:
    """What was found, in lower case.

    `words`: replaced wherever they stand alone; `whole`: only where they are all of a value or
    of a part of a path; `hosts`: with their dots; `certificates`: by what they were in base64;
    `thumbprints`: old to new; `structure`: words that are no names here.
    """

    words: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    certificates: dict[str, str] = field(default_factory=dict)
    thumbprints: dict[str, str] = field(default_factory=dict)
    structure: set[str] = field(default_factory=set)

    def alone(self) -> list[str]:
        """Words to be replaced wherever they stand, the longest first."""
        found = (word for word in self.words if self._is_safe(word))
        return sorted(found, key=lambda word: (-len(word), word))

    def _is_safe(self, word: str) -> bool:
        return len(word) >= _SHORTEST and word not in self.structure and not word.isdecimal()


class Harvest:
    """Reads every file once and notes names."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self.names = Names()
        self._pseudonyms = pseudonyms

    def tree(self, root: etree._Element) -> None:
        """All values of an XML file, with the names of the properties that hold them."""
        for element in root.iter(etree.Element):
            tag, called = local_name(element), element.get("N", "")
            self._structure(tag if tag not in _CLIXML else called)
            for name, value in element.attrib.items():
                self._structure(str(name))
                if str(name) != "N":
                    self.value(str(name), str(value))
            text = element.text or ""
            if tag == "T":
                self._structure(text)
            elif tag == "BA":
                self._certificate(text)
            elif text.strip():
                self.value(called or tag, unbroken(text))

    def value(self, called: str, text: str) -> None:
        """One value, and the name of the property that holds it."""
        for found in CERTIFICATE.finditer(text):
            self._certificate(found[0])
        for local, domain in EMAIL.findall(text):
            self._host(domain)
            self._word(local)
        for host in URL.findall(text):
            self._host(host)
        self._paths(text)
        if _HOSTS.search(called):
            for host in re.split(r"[\s,;\[\]()=<>]+", text):
                self._host(host.rpartition(":")[0] if re.search(r":\d+$", host) else host)
        if called.lower() == "bindinginformation":
            self._host(text.rpartition(":")[2])
        self._accounts(called, text)

    def _paths(self, text: str) -> None:
        if "=" in text:
            for kind, name in (*RDN.findall(text), *LEGACY.findall(text)):
                if kind.upper() != "DC" and not is_standard(name):
                    self._part(name)
            for name in _BEFORE.findall(text):
                self._word(name)
            for directory in _DOMAIN.findall(text):
                self._host(re.sub(r"(?i),?DC=", ".", directory))
        for _, user in PROFILE.findall(text):
            self._word(user)
        for host in _WINDOWS_MADE.findall(text):
            self._word(host)

    def _part(self, name: str) -> None:
        """Part of a distinguished name; one of several words is a name wherever it stands."""
        self.names.whole.add(name.strip().casefold())
        if " " in name.strip():
            self._word(name)

    def _accounts(self, called: str, text: str) -> None:
        if _PEOPLE.match(called) and "\\" not in text:
            self._word(text)
        if not _ACCOUNTS.match(called) or "\\" not in text or ":\\" in text:
            return
        for domain, account in _ACCOUNT.findall(text):
            if domain.strip().casefold() not in AUTHORITIES and "." not in domain:
                self._word(domain)
                self._word(account)

    def _host(self, host: str) -> None:
        host = host.strip().strip(".*\\").casefold()
        if "." not in host:
            self._word(host)
        elif re.fullmatch(HOST, host) and not MICROSOFTS.search(host):
            self.names.hosts.add(host)
            for label in labels(host):
                self._word(label)

    def _word(self, word: str) -> None:
        word = word.strip().casefold()
        if _NAME.fullmatch(word) and not is_standard(word) and word not in _EVERYWHERE:
            self.names.words.add(word)

    def _certificate(self, encoded: str) -> None:
        plain = "".join(encoded.split())
        if plain in self.names.certificates:
            return
        found = without_names(plain, self._pseudonyms)
        if found is not None:
            self.names.certificates[plain] = found[0]
            self.names.thumbprints |= found[1]

    def _structure(self, name: str) -> None:
        self.names.structure.update(_tokens(name))


def _tokens(name: str) -> Iterator[str]:
    yield name.casefold()
    for part in _CAMEL.findall(name):
        yield part.casefold()


def unbroken(text: str) -> str:
    """CLIXML writes line ends as `_x000D__x000A_`; a name must not grow into them."""
    return re.sub(r"_x000[DA9]_", "\n", text)


_CLIXML = frozenset({"Obj", "S", "B", "I32", "I64", "U32", "MS", "Props", "ToString", "LST", "Nil"})
_EVERYWHERE = frozenset(
    {"localhost", "local", "mail", "www", "smtp", "owa", "ecp", "ews", "autodiscover", "none",
     "true", "false", "system", "owner", "self", "any", "all", "value", "postmaster"}
)  # fmt: skip
