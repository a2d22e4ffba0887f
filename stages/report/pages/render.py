"""From what is to be shown to HTML: the templates beside this file, filled in by Jinja."""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from etude.pipeline.files import atomic
from stages.report.pages import claims as claims_view
from stages.report.pages.tables import MARKS, PanelView

FOLDER = Path(__file__).parent
BOX = '<div class="scroll" tabindex="0" role="region" aria-label="Table">'


def write(template: str, out: Path, **shown: Any) -> None:
    """Write the page ``template`` with ``shown`` in it to ``out``."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data"] = data
    environment.globals |= {"marks": MARKS, "verdicts": claims_view}
    text = environment.get_template(template).render(**shown)
    with atomic(out) as part:
        part.write_text(text, encoding="utf-8")


def data(value: Any) -> Markup:
    """``value`` as JSON that may stand inside a <script>."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("</", "<\\/").replace("<!--", "<\\u0021--"))


def cells(tables: dict[str, list[PanelView]]) -> dict[str, Any]:
    """What the page's script knows of the cells: by table, panel by panel, line by line; protocols once each."""
    protocols: list[list[tuple[str, str]]] = []

    def place(protocol: list[tuple[str, str]]) -> int:
        if protocol not in protocols:
            protocols.append(protocol)
        return protocols.index(protocol)

    found = {
        table: [
            [
                cell
                and {
                    **{"title": cell.title, "text": cell.text, "interval": cell.interval, "note": cell.note},
                    **{"printed": cell.printed, "verdict": MARKS.get(cell.verdict, ""), "floors": cell.floors},
                    **{"ceilings": cell.ceilings, "protocol": place(cell.protocol), "scale": cell.scale},
                    **{"system": cell.system, "dataset": cell.dataset},
                }
                for line in panel.lines
                for cell in line.cells
            ]
            for panel in panels
        ]
        for table, panels in tables.items()
    }
    return {"tables": found, "protocols": protocols}


def markdown(text: str) -> Markup:
    """A readable table (reports/*.md) as HTML: tables in boxes that scroll by themselves, without its title and without
    pictures, which a page has in a place of their own."""
    body = "\n".join(line for line in text.splitlines() if not line.startswith(("# ", "![")))
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(body)
    html = html.replace(
        "<table>", '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table class="plain sortable">'
    )
    html = html.replace("</table>", "</table></div>").replace("<th>", '<th scope="col">')
    html = html.replace("<h2>", "<h4>").replace("</h2>", "</h4>")
    return Markup(html)  # markdown-it has escaped what is not Markdown


def notes(text: str) -> Markup:
    """The paragraphs below the last table of a readable table: how it is to be read."""
    lines = text.splitlines()
    last = max((number for number, line in enumerate(lines) if line.startswith("|")), default=-1)
    tail = "\n".join(lines[last + 1 :])
    return Markup(MarkdownIt("commonmark", {"html": False}).enable("table").render(tail))


def title_of(text: str) -> str:
    """The heading of a readable table."""
    return next((line[2:].strip() for line in text.splitlines() if line.startswith("# ")), "")
