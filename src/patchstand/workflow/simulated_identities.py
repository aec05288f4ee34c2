"""What simulated servers show, and what is identified from it: drawn once for many looks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import pyarrow as pa

from patchstand.lab.country.looks import Looks
from patchstand.lab.country.paths import Ints
from patchstand.model import Conclusion, Evidence, EvidenceKind, Knowledge, Update
from patchstand.store.columns import IDENTITIES, identity_row
from patchstand.workflow.conclude import conclude, key_of

_EPOCH = date(1970, 1, 1)
_STYLES = 3
_BUILD, _CU, _PRODUCT = range(_STYLES)


@dataclass(frozen=True, slots=True)
class Shown:
    """The rows of `identities` of a month, and the key of each look into them."""

    rows: pa.Table
    key_of_look: Ints


def identities_of(
    looks: Looks, style: Ints, updates: Sequence[Update], known: Knowledge, batch: str
) -> Shown:
    """Draw each distinct conclusion of a month once.

    A set of builds changes when an update comes out: looks before and after are told apart.
    """
    eras = _eras(looks.day, known)
    era = np.searchsorted(eras, looks.day, side="right") - 1
    shown = (looks.build * _STYLES + style[looks.server]) * len(eras) + era
    distinct, first, inverse = np.unique(shown, return_index=True, return_inverse=True)
    conclusions = []
    for number, at in zip(distinct.tolist(), first.tolist(), strict=True):
        build, how = divmod(number // len(eras), _STYLES)
        seen_on = _EPOCH + timedelta(days=int(looks.day[at]))
        conclusions.append(_concluded(_evidence(updates[build], how), seen_on, known))
    once = {each.key: each for each in conclusions}
    rows = [identity_row(once[key], batch) for key in sorted(once)]
    keys = np.array([each.key for each in conclusions], np.int64)
    return Shown(_table(rows), keys[inverse])


def _eras(day: Ints, known: Knowledge) -> Ints:
    """The first day, and each later day on which a build came out."""
    first, last = int(day.min()), int(day.max())
    released = {(update.released_from - _EPOCH).days for update in known.updates}
    return np.array(sorted({first, *(each for each in released if first < each <= last)}))


def _evidence(update: Update, style: int) -> Evidence:
    build = str(update.build)
    if style == _PRODUCT:
        return Evidence(EvidenceKind.BUILD, "Microsoft Exchange")
    if style == _CU:
        return Evidence(EvidenceKind.BUILD, build.rpartition(".")[0])
    return Evidence(EvidenceKind.HTTP_HEADERS, f"HTTP/1.1 200 OK\r\nX-OWA-Version: {build}\r\n")


def _concluded(evidence: Evidence, seen_on: date, known: Knowledge) -> Conclusion:
    """The conclusion; a whole build means the same on every day on which it can be seen."""
    if evidence.kind is not EvidenceKind.HTTP_HEADERS:
        return conclude((evidence,), seen_on, known, seen_on)
    found = _of_build(evidence, known)
    return replace(found, seen_on=seen_on, key=key_of(found.evidence, seen_on))


@lru_cache(maxsize=1024)
def _of_build(evidence: Evidence, known: Knowledge) -> Conclusion:
    day = known.covered_until
    return conclude((evidence,), day, known, day)


def _table(rows: list[tuple[object, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True)
    arrays = [
        _array(list(values), kind) for values, kind in zip(columns, IDENTITIES.types, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=IDENTITIES)


def _array(values: list[object], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, kind)
