"""Makes terminal.svg from a real check of simulated servers: python docs/images/make_terminal.py.

The picture names no font of another server; the estate and the day are fixed.
"""

import io
import re
from datetime import UTC, datetime, time
from pathlib import Path
from random import Random

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from patchstand import knowledge
from patchstand.lab import estate, population, running
from patchstand.model import CheckedServer, Knowledge
from patchstand.observe.look import Approach, run
from patchstand.observe.resolve import Resolver
from patchstand.observe.scope import Gate
from patchstand.observe.session import Prober
from patchstand.report.catalog import catalog
from patchstand.report.terminal import print_summary
from patchstand.workflow.check import CheckOptions, check
from patchstand.workflow.targets import parse_target

SERVERS, SEED, COLUMNS = 12, 1, 80
PICTURE = Path(__file__).with_name("terminal.svg")
THEME = TerminalTheme(
    (27, 31, 36),
    (230, 233, 237),
    [(70, 76, 84), (255, 123, 114), (86, 211, 100), (227, 179, 65), (121, 192, 255),
     (210, 168, 255), (86, 212, 221), (230, 233, 237)],
)  # fmt: skip


async def checked(known: Knowledge) -> list[CheckedServer]:
    """Check a small estate as of the day that the knowledge covers; in address order."""
    day = known.covered_until

    def now() -> datetime:
        return datetime.combine(day, time(12), UTC)

    shares = population("default")
    made = estate(SERVERS, known.updates, shares, Random(SEED), day)  # noqa: S311  # repeatable
    approach = Approach(Gate(now), Resolver(), Prober("0.1.0", "lab@lab.invalid"), now)
    async with running(made) as lab:
        targets = [parse_target(line) for line in lab.targets()]
        found = {
            server.observation.target.name: server
            async for server in check(targets, approach, known, CheckOptions(day))
        }
    return [found[target.name] for target in targets]


def picture(servers: list[CheckedServer]) -> str:
    """What `patchstand check --targets targets.txt` prints, as SVG."""
    out = Console(
        record=True, width=COLUMNS, highlight=False, file=io.StringIO(), force_terminal=True
    )
    out.print("$ patchstand check --targets targets.txt --as-of 2026-10-13", style="bold")
    print_summary(out, servers, catalog("en"))
    drawn = out.export_svg(title="patchstand", theme=THEME, unique_id="patchstand")
    without_fonts = re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL)
    return "\n".join(line.rstrip() for line in without_fonts.splitlines() if line.strip()) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(picture(run(checked(knowledge.load()))), encoding="utf-8")
