# evaluate: one metric on one set of clips, a tidy CSV with its protocol. Here: FAD, from embeddings that are kept.
# In:  data/prepared/<dataset>/ (the reference), data/generated/.../index.csv, models/judges/<dataset>/<embedding>/
# Out: data/embeddings/<dataset>/<embedding>/.../embeddings.npz, reports/evaluate/fad/<dataset>/<codec>/<system>/<seed>/<embedding>.csv


localrules:
    evaluate,


rule evaluate:
    input:
        expand(
            "<reports>/evaluate/fad/{dataset}/{codec}/{system}/{seed}/{embedding}.csv",
            dataset=GRID["datasets"],
            codec=GRID["codecs"],
            system=GRID["systems"],
            seed=GRID["seeds"],
            embedding=GRID["embeddings"],
        ),


rule embed_clips:
    input:
        judge=judge_of,
        clips="<data>/generated/{dataset}/{codec}/{system}/{seed}/index.csv",
    output:
        "<data>/embeddings/{dataset}/{embedding}/{codec}/{system}/{seed}/embeddings.npz",
    log:
        "<logs>/embed/{dataset}/{embedding}/{codec}/{system}/{seed}.log",
    resources:
        runtime=120,
        mem_mb=4000,
    params:
        settings=lambda w: settings(embedding=w.embedding),
        code=lambda w: code("stages.evaluate.embed", f"etude.embeddings.{w.embedding}"),
    shell:
        "python -m stages.evaluate.embed --settings {params.settings:q} --judge {input.judge} --clips {input.clips}"
        " --out {output} 2>&1 | tee {log}"


use rule embed_clips as embed_reference with:
    input:
        judge=judge_of,
        clips="<data>/prepared/{dataset}/index.csv",
        audio="<data>/prepared/{dataset}/audio.npy",
    output:
        "<data>/embeddings/{dataset}/{embedding}/reference/embeddings.npz",
    log:
        "<logs>/embed/{dataset}/{embedding}/reference.log",
    params:
        settings=lambda w: settings(
            embedding=w.embedding,
            split=PARAMS["generate"]["split"],
            clips=PARAMS["generate"]["clips"],
        ),
        code=lambda w: code("stages.evaluate.embed", f"etude.embeddings.{w.embedding}"),


rule fad_of_set:
    input:
        reference="<data>/embeddings/{dataset}/{embedding}/reference/embeddings.npz",
        generated="<data>/embeddings/{dataset}/{embedding}/{codec}/{system}/{seed}/embeddings.npz",
    output:
        csv="<reports>/evaluate/fad/{dataset}/{codec}/{system}/{seed}/{embedding}.csv",
        files="<reports>/evaluate/fad/{dataset}/{codec}/{system}/{seed}/{embedding}.files.csv",
    log:
        "<logs>/fad/{dataset}/{embedding}/{codec}/{system}/{seed}.log",
    params:
        settings=lambda w: settings(PARAMS["evaluate"], labels=dict(w.items())),
        code=code("stages.evaluate.fad"),
    shell:
        "python -m stages.evaluate.fad --settings {params.settings:q} --reference {input.reference}"
        " --generated {input.generated} --out {output.csv} 2>&1 | tee {log}"


include: "probes.smk"
include: "transfer.smk"
include: "projection.smk"
include: "samples.smk"
include: "ablation.smk"
include: "metric.smk"
include: "fidelity.smk"
