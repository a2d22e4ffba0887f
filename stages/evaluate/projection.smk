# projection: each level of a system in a plane (UMAP), and what the picture shows as numbers.
# In:  data/levels/<dataset>/<codec>/<system>/<seed>/, data/prepared/<dataset>/notes.csv
# Out: data/projections/<dataset>/<codec>/<system>/<seed>.csv (coordinates, labels),
#      reports/evaluate/projection/<dataset>/<codec>/<system>/<seed>.csv (tidy numbers)


localrules:
    projection,


rule projection:
    input:
        expand(
            "<reports>/evaluate/projection/{dataset}/{codec}/{system}/{seed}.csv",
            dataset=GRID["datasets"],
            codec=GRID["codecs"],
            system=GRID["systems"],
            seed=GRID["seeds"],
        ),


rule project_levels:
    input:
        levels="<data>/levels/{dataset}/{codec}/{system}/{seed}/index.csv",
        notes="<data>/prepared/{dataset}/notes.csv",
    output:
        csv="<reports>/evaluate/projection/{dataset}/{codec}/{system}/{seed}.csv",
        coordinates="<data>/projections/{dataset}/{codec}/{system}/{seed}.csv",
    log:
        "<logs>/projection/{dataset}/{codec}/{system}/{seed}.log",
    resources:
        runtime=60,
        mem_mb=4000,
    params:
        settings=lambda w: settings(PARAMS["projection"], labels=dict(w.items())),
        code=code("stages.evaluate.projection"),
    shell:
        "python -m stages.evaluate.projection --settings {params.settings:q} --levels {input.levels}"
        " --notes {input.notes} --csv {output.csv} --out {output.coordinates} 2>&1 | tee {log}"
