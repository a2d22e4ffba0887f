"""The page that `dvc plots` draws on, with Vega inside it, so that it opens without a network.

python -m etude.versions.plots [folder]
"""

import sys
from pathlib import Path

from etude.pipeline.files import atomic

PAGE = Path(".dvc/plots.html")  # .dvc/config names it: plots.html_template
TEXT = """\
<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
{refresh_tag}
<title>Étude: plots</title>
<script>%s</script>
<style>body { font-family: sans-serif; } table { border-spacing: 15px; }</style>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def make_page(directory: Path) -> None:
    """Write the page into the .dvc/ of ``directory``, unless it is there."""
    path = directory / PAGE
    if path.exists() or not path.parent.is_dir():
        return
    from vl_convert import javascript_bundle

    with atomic(path) as part:
        part.write_text(TEXT.replace("%s", javascript_bundle().replace("</script", "<\\/script")), encoding="utf-8")


if __name__ == "__main__":
    make_page(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
