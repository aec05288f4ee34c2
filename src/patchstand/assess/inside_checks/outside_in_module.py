"""The Outside In module of the message filter (ADV24199947).

The March 2024 updates turned the module off; entries of FIP-FS's Configuration.xml that end
in `|NO` turn it on again (Microsoft's ConfigureFipFsTextExtractionOverrides.ps1).
"""

from collections.abc import Iterator

from patchstand.assess.exchange import is_edge
from patchstand.assess.inside import Decision, Inside, InsideCheck, Said, Unread
from patchstand.model import Finding, Remedy
from patchstand.model.inside import Reading, XmlElement

_CVES = ("ADV24199947",)
_FILE = "configuration.xml"
_ROOT = "Configuration"


def _run(inside: Inside) -> Iterator[Said]:
    cves = inside.hanging(_CVES)
    if not cves or is_edge(inside.state):
        return
    markup = inside.state.markup.get(_FILE)
    if markup is None or markup.root.tag != _ROOT:
        yield Unread("Configuration.xml", cves)
        return
    entries = tuple(Reading(markup.file, *entry) for entry in _turned_on(markup.root))
    if not entries:
        read = (Reading(markup.file, "|NO", "no such entry"),)
        yield Decision(cves, False, read)
        return
    yield Decision(cves, True, entries)
    yield Finding(
        "outside_in_module",
        inside.severity(cves),
        remedy=(Remedy("remove_text_extraction_override"),),
        references=("MSRC ADV24199947", "KB5037191"),
        cves=cves,
        read=entries,
    )


def _turned_on(root: XmlElement) -> Iterator[tuple[str, str]]:
    for element in root.walk():
        for text in (element.text, *element.attributes.values()):
            if "NO" in (part.strip().upper() for part in text.split("|")[1:]):
                yield element.tag, text


CHECK = InsideCheck("outside_in_module", _run)
