# fetch: raw data. Embedded data sets are made here, others are downloaded with their sha256 or found where the manifest says.
# In:  data/sources/<dataset>.yaml        Out: data/raw/<dataset>/manifest.csv (path, bytes, sha256) and the files it lists


localrules:
    fetch,


rule fetch:
    input:
        expand("<data>/raw/{dataset}/manifest.csv", dataset=GRID["datasets"]),


rule fetch_dataset:
    input:
        "data/sources/{dataset}.yaml",
    output:
        "<data>/raw/{dataset}/manifest.csv",
    log:
        "<logs>/fetch/{dataset}.log",
    threads: 16  # as many as there are, if fewer
    resources:
        runtime=120,
    params:
        settings=lambda w: settings(PARAMS["fetch"].get(w.dataset, {})),
        code=lambda w: code("stages.fetch.fetch", *fetch_maker(w.dataset)),
    shell:
        "python -m stages.fetch.fetch --settings {params.settings:q} --source {input}"
        " --processes {threads} --out {output} 2>&1 | tee {log}"


def fetch_maker(dataset):
    """The plug-in that makes an embedded data set, if it is one."""
    return [f"stages.fetch.makers.{dataset}"] if Path(f"stages/fetch/makers/{dataset}.py").exists() else []
