# judge: the networks that measure. gm_cnn is trained on the labels of the train split; the others are the user's weight files.
# In:  data/prepared/<dataset>/           Out: models/judges/<dataset>/<embedding>/judge.json (and weights.safetensors beside it)


localrules:
    judge,


def judging(dataset):
    """The data set whose labels teach the judges of ``dataset``: its own, unless its manifest names another."""
    return manifest_entry(f"data/sources/{dataset}.yaml", "judged_by") or dataset


def judge_of(w):
    return f"<models>/judges/{judging(w.dataset)}/{w.embedding}/judge.json"


rule judge:
    input:
        expand(
            "<models>/judges/{dataset}/{embedding}/judge.json",
            dataset=dict.fromkeys(map(judging, GRID["datasets"])),
            embedding=GRID["embeddings"],
        ),


rule train_judge:
    input:
        index="<data>/prepared/{dataset}/index.csv",
        audio="<data>/prepared/{dataset}/audio.npy",
        notes="<data>/prepared/{dataset}/notes.csv",
    output:
        "<models>/judges/{dataset}/{embedding}/judge.json",
    log:
        "<logs>/judge/{dataset}/{embedding}.log",
    resources:
        runtime=60,
        mem_mb=4000,
    params:
        settings=lambda w: settings(PARAMS["judge"][w.embedding], embedding=w.embedding),
        code=lambda w: code("stages.judge.judge", f"etude.embeddings.{w.embedding}"),
    shell:
        "python -m stages.judge.judge --settings {params.settings:q} --data {input.index} --out {output} 2>&1 | tee {log}"


include: "transcribe.smk"
include: "timbre.smk"
