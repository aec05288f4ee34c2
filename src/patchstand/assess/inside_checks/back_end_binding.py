"""The back end listens on port 444 at every address; the front end finds it nowhere else."""

from collections.abc import Iterator

from patchstand.assess.inside import Inside, InsideCheck, Said
from patchstand.assess.severity import HARDENING
from patchstand.model import Finding, Remedy
from patchstand.model.inside import Reading

_SITE = "Exchange Back End"
_WANTED = frozenset({"*:444:", ":444:"})


def _run(inside: Inside) -> Iterator[Said]:
    config = inside.state.iis
    site = config.site(_SITE) if config else None
    if config is None or site is None:
        return
    https = [each.information for each in site.bindings if each.protocol.lower() == "https"]
    if not _WANTED & set(https):
        said = ", ".join(https)
        yield Finding(
            "back_end_not_bound",
            HARDENING,
            (("bindings", said),),
            (Remedy("bind_back_end"),),
            read=(Reading(config.file, f'site[@name="{_SITE}"]/bindings', said),),
        )


CHECK = InsideCheck("back_end_binding", _run)
