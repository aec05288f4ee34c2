"""knowledge show: what is known, and until when."""

from datetime import date
from pathlib import Path
from typing import Any

from patchstand import knowledge
from patchstand.assess import is_stale
from patchstand.model import ON_PREMISES


def summary(override: Path | None, as_of: date) -> dict[str, Any]:
    """`patchstand/knowledge/1`: version, coverage, counts, sources, the newest per line."""
    about = knowledge.about(override)
    known = knowledge.load(override)
    newest = [rows[-1] for line in ON_PREMISES if (rows := known.of_line(line))]
    quiet = [month.month for month in about.months if not month.security_updates]
    return {
        "schema": "patchstand/knowledge/1",
        "version": about.version,
        "covered_until": str(about.covered_until),
        "as_of": str(as_of),
        "stale": is_stale(known, as_of),
        "counts": {
            "builds": len(known.updates),
            "cves": len(known.cves),
            "support_phases": sum(map(len, known.support.values())),
            "fingerprints": len(known.fingerprints),
            "rejected": len(known.rejected),
            "months": len(about.months),
        },
        "months_without_security_update": quiet,
        "newest": [
            {
                "line": row.line.value,
                "build": str(row.build),
                "cu": row.cu,
                "name": row.name,
                "released": str(row.released),
                "kb": row.kb,
            }
            for row in newest
        ],
        "sources": about.sources,
    }
