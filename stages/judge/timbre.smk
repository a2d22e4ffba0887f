# timbre: the triplet network behind timbre similarity (P-32), trained on the data set's own train split.
# In:  data/prepared/<dataset>/           Out: models/timbre/<dataset>/timbre.json and its two weight files


localrules:
    timbre,


rule timbre:
    input:
        expand("<models>/timbre/{dataset}/timbre.json", dataset=GRID["datasets"]),


rule train_timbre:
    input:
        index="<data>/prepared/{dataset}/index.csv",
        audio="<data>/prepared/{dataset}/audio.npy",
    output:
        "<models>/timbre/{dataset}/timbre.json",
    log:
        "<logs>/timbre/{dataset}.log",
    resources:
        runtime=60,
        mem_mb=4000,
    params:
        settings=settings(PARAMS["timbre"]),
        code=code("stages.judge.timbre"),
    shell:
        "python -m stages.judge.timbre --settings {params.settings:q} --data {input.index} --out {output} 2>&1 | tee {log}"
