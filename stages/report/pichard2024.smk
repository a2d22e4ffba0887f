# pichard2024: everything of Pichard 2024 that has a counterpart here: tables, figures and the claims that they decide.
# In:  reports/evaluate/..., reports/fad.csv, papers/pichard2024*   Out: reports/pichard2024/
PICHARD = read_yaml("papers/pichard2024.yaml")


localrules:
    pichard2024,


rule pichard2024:
    input:
        expand("<reports>/pichard2024/table{number}.md", number=[1, 2, 3, 4, 5]),
        "<reports>/pichard2024/table1_ablation.md",
        "<reports>/pichard2024/priors.md",
        "<reports>/pichard2024/claims.md",
        lambda w: rules.pichard2024_figures.input,
        "<reports>/pichard2024/index.html",


def like(dataset):
    """Data sets of the grid that are, or stand in for, ``dataset`` of the document."""
    return [name for name in GRID["datasets"] if PICHARD["datasets"].get(name) == dataset]


def paper_settings(**more):
    return settings(scale=PARAMS["scale"], variant=PARAMS["variant"], grid=GRID, **more)


PAPER = {"printed": "papers/pichard2024_tables.csv", "paper": "papers/pichard2024.yaml"}


rule pichard2024_table1:
    input:
        **PAPER,
        fad="<reports>/fad.csv",
    output:
        csv=report(
            "<reports>/pichard2024/table1.csv",
            caption="captions/paper_table.rst",
            category="Pichard 2024",
            labels={"shown": "Table 1", "about": "FAD"},
        ),
        md="<reports>/pichard2024/table1.md",
    log:
        "<logs>/report/pichard2024/table1.log",
    params:
        settings=paper_settings(),
        code=code("stages.report.fad_page"),
    shell:
        "python -m stages.report.fad_page --settings {params.settings:q} --fad {input.fad} --printed {input.printed}"
        " --csv {output.csv} --md {output.md} 2>&1 | tee {log}"


rule pichard2024_table2:
    input:
        **PAPER,
        probes=probe_tables(like("NSynth")),
    output:
        csv=report(
            "<reports>/pichard2024/table2.csv",
            caption="captions/paper_table.rst",
            category="Pichard 2024",
            labels={"shown": "Table 2", "about": "probes, notes"},
        ),
        md="<reports>/pichard2024/table2.md",
    log:
        "<logs>/report/pichard2024/table2.log",
    params:
        settings=paper_settings(
            table="2",
            datasets=like("NSynth"),
            probe_seeds=PARAMS["probes"]["seeds"],
            metric_code=code("stages.evaluate.probes"),
        ),
        code=code("stages.report.probe_table"),
        evaluated=f"{ROOT}reports/evaluate/probes",
    shell:
        "python -m stages.report.probe_table --settings {params.settings:q} --evaluated {params.evaluated}"
        " --printed {input.printed} --csv {output.csv} --md {output.md} 2>&1 | tee {log}"


use rule pichard2024_table2 as pichard2024_table3 with:
    input:
        **PAPER,
        probes=probe_tables(like("Slakh")),
    output:
        csv=report(
            "<reports>/pichard2024/table3.csv",
            caption="captions/paper_table.rst",
            category="Pichard 2024",
            labels={"shown": "Table 3", "about": "probes, pieces"},
        ),
        md="<reports>/pichard2024/table3.md",
    log:
        "<logs>/report/pichard2024/table3.log",
    params:
        settings=paper_settings(
            table="3",
            datasets=like("Slakh"),
            probe_seeds=PARAMS["probes"]["seeds"],
            metric_code=code("stages.evaluate.probes"),
        ),
        code=code("stages.report.probe_table"),
        evaluated=f"{ROOT}reports/evaluate/probes",


include: "transfer.smk"
include: "figures.smk"
include: "ablation.smk"
include: "priors.smk"
include: "claims.smk"
