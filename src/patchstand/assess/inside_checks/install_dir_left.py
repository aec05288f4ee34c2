"""`%ExchangeInstallDir%` in a configuration: setup did not replace it, and nothing else does."""

from collections.abc import Iterator

from patchstand.assess.inside import Inside, InsideCheck, Said
from patchstand.assess.severity import HARDENING
from patchstand.model import Finding, Remedy
from patchstand.model.inside import MarkupFile, Reading

_LEFT = "%exchangeinstalldir%"


def _run(inside: Inside) -> Iterator[Said]:
    files = [each for name, each in inside.state.markup.items() if name.endswith(".config")]
    read = [reading for file in files for reading in _left(file)]
    if read:
        yield Finding(
            "install_dir_left",
            HARDENING,
            (("files", ", ".join(dict.fromkeys(each.file for each in read))),),
            (Remedy("replace_install_dir"),),
            read=tuple(read),
        )


def _left(file: MarkupFile) -> Iterator[Reading]:
    for element in file.root.walk():
        for name, value in element.attributes.items():
            if _LEFT in value.lower():
                yield Reading(file.file, f"{element.tag}@{name}", value)
        if _LEFT in element.text.lower():
            yield Reading(file.file, element.tag, element.text)


CHECK = InsideCheck("install_dir_left", _run)
