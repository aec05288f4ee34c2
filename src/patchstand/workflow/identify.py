"""identify: evidence texts -> identities, offline."""

from datetime import date

from patchstand import knowledge
from patchstand.errors import UsageError
from patchstand.identify import guess_kind, identify
from patchstand.model import Evidence, EvidenceKind, Knowledge, Sighted

AUTO = "auto"
KINDS = (*(kind.value for kind in EvidenceKind), AUTO)


def identify_text(
    text: str, kind: str, as_of: date, known: Knowledge | None = None
) -> tuple[Sighted, EvidenceKind]:
    """Identify what one pasted text shows; `kind` is one of `KINDS`.

    Raises:
        UsageError: the text is empty or the kind unknown.
    """
    text = text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be printed
    if not text.strip():
        raise UsageError("there is no text to identify")
    if kind not in KINDS:
        raise UsageError(f"unknown kind {kind[:40]!r}; one of {', '.join(KINDS)}")
    chosen = guess_kind(text) if kind == AUTO else EvidenceKind(kind)
    evidence = Evidence(chosen, text)
    return identify([evidence], known or knowledge.load(), as_of), chosen
