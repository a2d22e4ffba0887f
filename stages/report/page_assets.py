"""What all pages share: style, script, and Vega, which draws the maps."""

from pathlib import Path

from etude.pipeline.files import atomic
from etude.pipeline.stage import run_stage

VEGA = "/* Vega, Vega-Lite and Vega-Embed (BSD 3-Clause, vega.github.io), as bundled by vl-convert-python. */\n"


def main(settings, style: Path, script: Path, out: Path) -> None:
    from vl_convert import javascript_bundle

    for name, text in {
        "page.js": script.read_text(encoding="utf-8"),
        # Names of its own: at the top level it takes hundreds of one or two letters.
        "vega.js": f"{VEGA}(() => {{\n{javascript_bundle()}\n}})();\n",
        out.name: style.read_text(encoding="utf-8"),
    }.items():
        with atomic(out.with_name(name)) as part:
            part.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run_stage(main, style="path of page.css", script="path of page.js", out="path of the style sheet to write")
