# ablation: Table 1 by level, what the distance gains when a level is taken away.
# In:  reports/evaluate/{fad,ablation}/..., data/levels/...   Out: reports/pichard2024/table1_ablation.csv and .md


localrules:
    pichard2024_ablation,


rule pichard2024_ablation:
    input:
        "<reports>/pichard2024/table1_ablation.csv",
        "<reports>/pichard2024/table1_ablation.md",


ABLATED_SETS = expand(
    "{system}_without_{place}_{how}",
    system=GRID["systems"],
    place=ABLATED_PLACES,
    how=PARAMS["ablation"]["how"],
)


rule ablation_table:
    input:
        ablated=expand(
            rules.fad_of_ablated.output.csv,
            dataset=GRID["datasets"],
            codec=GRID["codecs"],
            system=ABLATED_SETS,
            seed=PARAMS["ablation"]["seeds"],
            embedding=GRID["embeddings"],
        ),
        whole=fad_sets(GRID["systems"], PARAMS["ablation"]["seeds"]),
        untrained=fad_sets([f"untrained_{system}" for system in GRID["systems"]], 0),
        round_trip=fad_sets("round_trip", 0),
        levels=expand(
            "<data>/levels/{dataset}/{codec}/{system}/{seed}/index.csv",
            dataset=GRID["datasets"],
            codec=GRID["codecs"],
            system=GRID["systems"],
            seed=PARAMS["ablation"]["seeds"],
        ),
        paper="papers/pichard2024.yaml",
    output:
        csv="<reports>/pichard2024/table1_ablation.csv",
        md="<reports>/pichard2024/table1_ablation.md",
    log:
        "<logs>/report/ablation.log",
    params:
        settings=settings(
            seeds=PARAMS["ablation"]["seeds"],
            how=PARAMS["ablation"]["how"],
            scale=PARAMS["scale"],
            variant=PARAMS["variant"],
            grid=GRID,
            metric_code=code("stages.evaluate.fad"),
        ),
        code=code("stages.report.ablation"),
        folder=subpath(output.csv, ancestor=2),
        levels=f"{ROOT}data/levels",
    shell:
        "python -m stages.report.ablation --settings {params.settings:q} --evaluated {params.folder}/evaluate"
        " --levels {params.levels} --paper {input.paper} --csv {output.csv} --md {output.md} 2>&1 | tee {log}"
