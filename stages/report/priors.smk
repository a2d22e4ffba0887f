# priors: unconditional samples beside their floor and their ceilings (P-72), the table of what the thesis leaves for later.
# In:  reports/evaluate/fad/..., data/generated/.../{prior,gaussian}_<system>/
# Out: reports/pichard2024/priors.csv (tidy) and priors.md (to read)


rule priors_table:
    input:
        sets=fad_sets(sample_names(GRID["systems"]), PARAMS["priors"]["seeds"]),
        reconstructions=fad_sets(GRID["systems"], PARAMS["priors"]["seeds"]),
        round_trip=fad_sets("round_trip", 0),
        samples=expand(
            "<data>/generated/{dataset}/{codec}/{name}/{seed}/index.csv",
            dataset=GRID["datasets"],
            codec=GRID["codecs"],
            name=sample_names(GRID["systems"], ["prior", "gaussian"]),
            seed=PARAMS["priors"]["seeds"],
        ),
    output:
        csv="<reports>/pichard2024/priors.csv",
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
        evaluated=f"{ROOT}reports/evaluate/fad",
        generated=f"{ROOT}data/generated",
    shell:
        "python -m stages.report.priors --settings {params.settings:q} --evaluated {params.evaluated}"
        " --generated {params.generated} --csv {output.csv} --md {output.md} 2>&1 | tee {log}"
