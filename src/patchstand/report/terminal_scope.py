"""What `patchstand scope` prints for people."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from rich.console import Console
from rich.text import Text

from patchstand.report.catalog import Catalog
from patchstand.report.clean import clean
from patchstand.report.paper import Paper

LONGEST_LINE = 4000
"""A description file is to be copied: its lines are not cut."""

_PERMITTED = frozenset({"network", "domain"})


def print_scope(console: Console, shown: Mapping[str, Any], cat: Catalog) -> None:
    """The document `patchstand/scope-show/1` for people."""
    paper = Paper(console, cat)
    title = shown["organisation"] or shown["contact"]
    paper.line(paper.text(clean(title), "bold"))
    paper.facts(_facts(shown, cat))
    paper.gap()
    paper.line(cat.text("scope.user_agent", user_agent=clean(shown["user_agent"])))
    paper.line(cat.text("scope.publish"))
    for line in shown["probing_txt"].splitlines():
        console.print(Text(clean(line, LONGEST_LINE)), soft_wrap=True)


def _facts(shown: Mapping[str, Any], cat: Catalog) -> list[tuple[str, str | Text]]:
    authority = cat.text(f"permit.{shown['authority']}")
    ground = f"{authority}: {clean(shown['legal_basis'])}" if shown["legal_basis"] else authority
    purposes = ", ".join(cat.text(f"permit.{each}") for each in shown["purposes"])
    return [
        ("scope.authority", ground),
        ("scope.purposes", purposes),
        ("scope.validity", _validity(shown, cat)),
        ("scope.ipv4", _addresses(shown["addresses"]["ipv4"], cat)),
        ("scope.ipv6", _addresses(shown["addresses"]["ipv6"], cat)),
        ("scope.domains", cat.number(shown["domains"])),
        (
            "scope.denied",
            cat.text(
                "scope.denied_counts",
                networks=shown["denied_networks"],
                domains=shown["denied_domains"],
            ),
        ),
        ("scope.opt_outs", cat.number(shown["opt_outs"])),
        ("scope.per_server", cat.number(shown["requests_per_server"])),
        ("scope.per_network", _limit(shown["requests_per_network"], cat)),
        ("scope.rate", _limit(shown["rate"], cat)),
        ("scope.rate_per_network", _limit(shown["rate_per_network"], cat)),
    ]


def _validity(shown: Mapping[str, Any], cat: Catalog) -> str:
    first, last = (
        cat.date(date.fromisoformat(shown[key])) if shown[key] else cat.text("scope.open")
        for key in ("valid_from", "valid_until")
    )
    state = cat.text(f"scope.state.{shown['state']}")
    return cat.text("scope.span", first=first, last=last, state=state)


def _addresses(counted: Mapping[str, Any], cat: Catalog) -> str:
    allowed, permitted = (int(counted[key]) for key in ("allowed", "permitted"))
    return cat.text("scope.addresses", permitted=permitted, allowed=allowed)


def _limit(value: float | None, cat: Catalog) -> str:
    if value is None:
        return cat.text("scope.no_limit")
    return cat.number(int(value) if value == int(value) else value)


def print_decision(
    console: Console, target: str, rule: str, entry: str | None, cat: Catalog
) -> None:
    """Whether one target would be asked, and which entry decides."""
    paper = Paper(console, cat)
    said = cat.text(f"scope.rule.{rule}", entry=clean(entry or ""))
    sign = paper.mark("✓" if rule in _PERMITTED else "✗")
    paper.line(sign, paper.text(clean(target), "bold"), Text(" "), said)


def print_opt_out(console: Console, row: Mapping[str, Any], cat: Catalog) -> None:
    """One line of the opt-out list, or what became of one."""
    paper = Paper(console, cat)
    if row["state"] != "listed":
        paper.line(cat.text(f"scope.opt_out.{row['state']}", name=clean(row["name"])))
        return
    since = cat.date(date.fromisoformat(row["since"])) if row["since"] else ""
    note = ", ".join(filter(None, (since, clean(row["reason"]))))
    paper.line(paper.text(clean(row["name"]), "bold"), Text("  " if note else ""), note)
