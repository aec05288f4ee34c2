"""What `audit` prints of the bundle itself: who wrote it, is it unchanged, what does it lack."""

from collections.abc import Sequence

from patchstand.model.bundled import Provenance
from patchstand.model.inside import Skipped
from patchstand.report.clean import clean
from patchstand.report.paper import Paper

_SHOWN = 10


def print_provenance(paper: Paper, provenance: Provenance) -> None:
    """A bundle without manifest and signature says nothing of itself: nothing is printed."""
    cat, manifest = paper.cat, provenance.manifest
    if manifest is None:
        return
    paper.heading("audit.bundle")
    written = cat.text(
        "audit.written", computer=clean(manifest.computer), at=clean(manifest.collected_at)
    )
    paper.line(written, indent=2)
    paper.line(cat.text(f"audit.signature.{provenance.signature.value}"), indent=2)
    _listed(paper, "audit.altered", provenance.altered)
    _listed(paper, "audit.not_exported", manifest.failed)


def _listed(paper: Paper, title: str, files: Sequence[Skipped]) -> None:
    if not files:
        return
    paper.line(paper.mark("!"), paper.cat.text(title, n=len(files)), indent=2)
    for each in files[:_SHOWN]:
        paper.line(f"{clean(each.file)}: {clean(each.why)}", indent=4)
    if len(files) > _SHOWN:
        paper.line(paper.cat.text("list.more", n=len(files) - _SHOWN), indent=4)
