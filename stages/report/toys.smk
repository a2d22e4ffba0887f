# toys: Figures 3.1, 3.2, 3.3 and 3.6 of Manté 2024, and the numbers beside them as a table.
# In:  models/toys/...    Out: reports/mante2024/figure3_<n>.svg and .png, toys.csv


def toys_of(figure):
    return [name for name, run in PARAMS["toys"]["runs"].items() if run["figure"] == figure]


TOY_FIGURES = sorted({run["figure"] for run in PARAMS["toys"]["runs"].values()})


localrules:
    mante2024_toys,


rule mante2024_toys:
    input:
        expand(
            "<reports>/mante2024/figure{number}.{kind}",
            number=[figure.replace(".", "_") for figure in TOY_FIGURES],
            kind=["svg", "png"],
        ),
        "<reports>/mante2024/toys.md",


rule toy_figure:
    input:
        lambda w: expand(
            "<models>/toys/{toy}/{file}",
            toy=toys_of(w.number.replace("_", ".")),
            file=["numbers.csv", "generated.npy", "true.npy"],
        ),
    output:
        svg=report(
            "<reports>/mante2024/figure{number}.svg",
            caption="captions/toys.rst",
            category="Manté 2024",
            labels={"shown": "Figure {number}", "about": "paradigms on data one can see"},
        ),
        png="<reports>/mante2024/figure{number}.png",
    log:
        "<logs>/report/mante2024/figure{number}.log",
    wildcard_constraints:
        number="|".join(figure.replace(".", "_") for figure in TOY_FIGURES) or "none",
    params:
        settings=lambda w: settings(
            figure=w.number.replace("_", "."), toys=toys_of(w.number.replace("_", ".")), scale=PARAMS["scale"]
        ),
        code=code("stages.report.toys"),
        toys=f"{ROOT}models/toys",
    shell:
        "python -m stages.report.toys --settings {params.settings:q} --toys {params.toys}"
        " --svg {output.svg} --png {output.png} 2>&1 | tee {log}"


rule toys_table:
    input:
        expand("<models>/toys/{toy}/numbers.csv", toy=PARAMS["toys"]["runs"]),
    output:
        csv=report(
            "<reports>/mante2024/toys.csv",
            caption="captions/toys.rst",
            category="Manté 2024",
            labels={"shown": "Figures 3.1 to 3.6", "about": "their numbers"},
        ),
        md="<reports>/mante2024/toys.md",
    log:
        "<logs>/report/mante2024/toys.log",
    params:
        settings=settings(toys=list(PARAMS["toys"]["runs"]), scale=PARAMS["scale"]),
        code=code("stages.report.toys_table"),
        toys=f"{ROOT}models/toys",
    shell:
        "python -m stages.report.toys_table --settings {params.settings:q} --toys {params.toys}"
        " --csv {output.csv} --md {output.md} 2>&1 | tee {log}"
