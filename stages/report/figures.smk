# figures: UMAPs of the levels as the paper shows them (Figures 18-21), and their numbers as a table.
# In:  data/projections/..., reports/evaluate/projection/...
# Out: reports/pichard2024/figure<n>.svg and .png, figures.csv (tidy, all seeds) and figures.md (to read)


def figure_cells():
    """Which of the grid's data sets and systems each figure shows: the first that stands for the paper's."""
    cells = {}
    for number, shown in PICHARD["figures"].items():
        systems = [name for name in GRID["systems"] if PICHARD["rows"].get(name) == shown["row"]]
        datasets = like(shown["dataset"])
        if systems and datasets:
            cells[number] = {
                "dataset": datasets[0],
                "codec": GRID["codecs"][0],
                "system": systems[0],
                "seed": GRID["seeds"][0],
            }
    return cells


FIGURES = figure_cells()  # only those that this grid can fill


def figure_cell(w):
    if w.number not in FIGURES:
        shown = PICHARD["figures"][w.number]
        raise UserError(
            f"figure {w.number} shows {shown['row']} on {shown['dataset']}, and nothing in grid stands for them"
        )
    return FIGURES[w.number]


localrules:
    pichard2024_figures,


rule pichard2024_figures:
    input:
        expand("<reports>/pichard2024/figure{number}.{kind}", number=FIGURES, kind=["svg", "png"]),
        "<reports>/pichard2024/figures.csv",
        "<reports>/pichard2024/figures.md",


rule pichard2024_figure:
    input:
        coordinates=lambda w: expand("<data>/projections/{dataset}/{codec}/{system}/{seed}.csv", **figure_cell(w)),
        numbers=lambda w: expand(
            "<reports>/evaluate/projection/{dataset}/{codec}/{system}/{seed}.csv", **figure_cell(w)
        ),
        paper="papers/pichard2024.yaml",
    output:
        svg=report(
            "<reports>/pichard2024/figure{number}.svg",
            caption="captions/figure.rst",
            category="Pichard 2024",
            labels={"shown": "Figure {number}", "about": "UMAP of the levels"},
        ),
        png="<reports>/pichard2024/figure{number}.png",
    log:
        "<logs>/report/figure{number}.log",
    wildcard_constraints:
        number="|".join(PICHARD["figures"]),
    params:
        settings=lambda w: settings(
            figure_cell(w), number=w.number, scale=PARAMS["scale"], split=PARAMS["projection"]["split"]
        ),
        code=code("stages.report.figures"),
    shell:
        "python -m stages.report.figures --settings {params.settings:q} --coordinates {input.coordinates}"
        " --numbers {input.numbers} --paper {input.paper} --svg {output.svg} --png {output.png} 2>&1 | tee {log}"


rule pichard2024_figures_table:
    input:
        numbers=rules.projection.input,
        paper="papers/pichard2024.yaml",
    output:
        csv=report(
            "<reports>/pichard2024/figures.csv",
            caption="captions/figures.rst",
            category="Pichard 2024",
            labels={"shown": "Figures 18-21", "about": "their numbers"},
        ),
        md="<reports>/pichard2024/figures.md",
    log:
        "<logs>/report/figures_table.log",
    params:
        settings=settings(
            PARAMS["projection"],
            figures=FIGURES,
            seeds=GRID["seeds"],
            scale=PARAMS["scale"],
            variant=PARAMS["variant"],
            metric_code=code("stages.evaluate.projection"),
        ),
        code=code("stages.report.figures_table"),
        folder=subpath(output.csv, ancestor=2),
    shell:
        "python -m stages.report.figures_table --settings {params.settings:q} --evaluated {params.folder}/evaluate/projection"
        " --paper {input.paper} --csv {output.csv} --md {output.md} 2>&1 | tee {log}"
