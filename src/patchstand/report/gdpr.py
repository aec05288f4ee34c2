"""Templates of the GDPR as Markdown: record of processing (Art. 30), impact assessment (Art. 35).

What cannot be known from the configuration stays a marked blank: nothing is made up.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from patchstand.report.catalog import catalog

BLANKS = {"en": "[TO FILL IN]", "de": "[AUSZUFÜLLEN]"}
"""How a blank begins, by language: search for it."""


def render_gdpr(kind: str, lang: str, facts: Mapping[str, Any]) -> str:
    """Fill the template `record` or `dpia`; `facts` as `workflow.gdpr` gathers them.

    Raises:
        UsageError: there is no catalog for `lang`.
    """
    cat = catalog(lang)
    blank = BLANKS[lang]

    def blank_of(what: str) -> str:
        return f"{blank[:-1]}: {what}]"

    shown = {key: _one_line(value) for key, value in facts.items()}
    shown["purposes"] = [cat.text(f"permit.{purpose}") for purpose in facts["purposes"]]
    shown["authority"] = cat.text(f"permit.{facts['authority']}")
    for name in ("today", "valid_from", "valid_until"):
        shown[name] = cat.date(facts[name]) if facts[name] else None
    for name in ("ipv4", "opt_outs", "domains"):
        shown[name] = cat.number(facts[name])
    for name in ("rate", "rate_per_network"):
        value = facts[name]
        shown[name] = None if value is None else cat.number(value if value % 1 else int(value))
    template = _environment().get_template(f"{kind}.{lang}.md")
    return template.render(blank=blank, blank_of=blank_of, **shown)


def blanks_of(text: str, lang: str) -> int:
    """How many blanks are left in a text; the sentence that explains them is not counted."""
    return text.count(BLANKS[lang][:-1]) - 1


def _one_line(value: object) -> object:
    """A text from the scope file stays in its cell of a table."""
    return " ".join(value.replace("|", "/").split()) if isinstance(value, str) else value


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("patchstand.report", "templates"),
        autoescape=False,  # noqa: S701  # Markdown from the user's own file, not a page
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
