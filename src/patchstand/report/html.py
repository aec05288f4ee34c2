"""One self-contained HTML page on checked servers, for people; nothing in it is loaded."""

from collections.abc import Sequence
from datetime import date
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from patchstand.model import CheckedServer
from patchstand.report.catalog import catalog
from patchstand.report.page import counts, server_part


def render_check(servers: Sequence[CheckedServer], lang: str, generated_for: date) -> str:
    """The page on one or several servers, as of a day.

    For a managing director first (light, three sentences, questions to ask), then for the
    administrator. Every value is escaped; the page has neither scripts nor references.

    Raises:
        UsageError: there is no catalog for `lang`.
    """
    cat = catalog(lang)
    template = _environment().get_template("check.html")
    return template.render(
        lang=cat.lang,
        t=cat.text,
        as_of=cat.date(generated_for),
        counts=counts(servers, cat),
        servers=[server_part(server, at, cat) for at, server in enumerate(servers, start=1)],
    )


@cache
def _environment() -> Environment:
    loader = PackageLoader("patchstand.report", "templates")
    environment = Environment(
        loader=loader,
        autoescape=True,  # everything comes from servers; only our own style sheet is exempt
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    source, _, _ = loader.get_source(environment, "style.css")
    environment.globals["style"] = Markup(source)  # noqa: S704 (our own file)
    return environment
