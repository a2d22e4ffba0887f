# report: the tables of the papers, printed value beside reproduced value, floor and ceiling beside both.
# In:  reports/evaluate/..., papers/*.csv  Out: reports/fad.csv (tidy) and reports/fad.md (to read)


localrules:
    report,


rule report:
    input:
        "<reports>/fad.csv",
        "<reports>/fad.md",
        ["<reports>/metrics.csv", "<reports>/metrics.md"] if METRICS else [],


def fad_sets(system, seed):
    return expand(
        "<reports>/evaluate/fad/{dataset}/{codec}/{system}/{seed}/{embedding}.csv",
        dataset=GRID["datasets"],
        codec=GRID["codecs"],
        system=system,
        seed=seed,
        embedding=GRID["embeddings"],
    )


# Unconditional samples are rows too where grid.priors asks for them, each prior above its floor.
FAD_SAMPLES = sample_names(GRID["priors"], ["prior", "gaussian"])


rule fad_table:
    input:
        systems=fad_sets(GRID["systems"], GRID["seeds"]),
        untrained=fad_sets([f"untrained_{system}" for system in GRID["systems"]], 0),
        round_trip=fad_sets("round_trip", 0),
        samples=sample_sets(GRID["priors"], ["prior", "gaussian"]),
        further=["<reports>/mante2024/fad.csv"] if PARAMS["mante2024"]["fad_rows"] else [],
        printed="papers/pichard2024_tables.csv",
        paper="papers/pichard2024.yaml",
    output:
        csv=report(
            "<reports>/fad.csv",
            caption="captions/fad.rst",
            category="Tables of every run",
            labels={"table": "FAD of reconstructions"},
        ),
        md="<reports>/fad.md",
    log:
        "<logs>/report/fad.log",
    params:
        settings=settings(
            scale=PARAMS["scale"],
            variant=PARAMS["variant"],
            grid=GRID,
            samples=FAD_SAMPLES,
            sample_seeds=PARAMS["priors"]["seeds"],
            metric_code=code("stages.evaluate.fad"),
        ),
        code=code("stages.report.fad"),
        folder=subpath(output.csv, parent=True),
        further=lambda w, input: ",".join(input.further) or "none",
    shell:
        "python -m stages.report.fad --settings {params.settings:q} --evaluated {params.folder}/evaluate/fad"
        " --further {params.further} --printed {input.printed} --csv {output.csv} --md {output.md} 2>&1 | tee {log}"


include: "metrics.smk"
include: "pichard2024.smk"
include: "toys.smk"
include: "mante2024.smk"
include: "page.smk"
