# priors: unconditional samples beside their floor and their ceilings (P-72), the table of what the thesis leaves for later.
# In:  reports/evaluate/{fad,samples}/..., data/samples/.../{prior,gaussian}_<system>/
# Out: reports/pichard2024/priors.csv (tidy) and priors.md (to read)


rule priors_table:
    input:
        sets=sample_sets(GRID["systems"]),
        reconstructions=fad_sets(GRID["systems"], PARAMS["priors"]["seeds"]),
        round_trip=fad_sets("round_trip", 0),
        samples=expand(
            "<data>/samples/{dataset}/{codec}/{name}/{seed}/index.csv",
            dataset=GRID["datasets"],
            codec=GRID["codecs"],
            name=sample_names(GRID["systems"], ["prior", "gaussian"]),
            seed=PARAMS["priors"]["seeds"],
        ),
    output:
        csv=report(
            "<reports>/pichard2024/priors.csv",
            caption="captions/priors.rst",
            category="Pichard 2024",
            labels={"shown": "Future work", "about": "samples from priors"},
        ),
        md="<reports>/pichard2024/priors.md",
    log:
        "<logs>/report/priors.log",
    params:
        settings=settings(
            scale=PARAMS["scale"],
            variant=PARAMS["variant"],
            grid={key: value for key, value in GRID.items() if key != "priors"},
            seeds=PARAMS["priors"]["seeds"],
            metric_code=code("stages.evaluate.fad"),
        ),
        code=code("stages.report.priors"),
        evaluated=f"{ROOT}reports/evaluate",
        samples=f"{ROOT}data/samples",
    shell:
        "python -m stages.report.priors --settings {params.settings:q} --evaluated {params.evaluated}"
        " --samples {params.samples} --csv {output.csv} --md {output.md} 2>&1 | tee {log}"
