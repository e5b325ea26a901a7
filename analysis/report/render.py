"""Render report.html from its prepared strings."""

from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from analysis.report import wording
from analysis.report.page import Page

REPORT_FILE: Final = "report.html"


def render(page: Page) -> str:
    """Return report.html; everything in `page` is text, whoever wrote it."""
    return _environment().get_template("report.html").render(page=page)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("analysis.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["breakable"] = _breakable
    return environment


def _shown(value: object) -> object:
    """Keep control characters out of the page; what a macro returned is already escaped."""
    return wording.printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _breakable(name: str) -> Markup:
    """Escape a name and let a narrow page break it after its dots and underscores."""
    by_dots = [Markup("_<wbr>").join(part.split("_")) for part in wording.printable(name).split(".")]
    return Markup(".<wbr>").join(by_dots)
