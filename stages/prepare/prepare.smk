# prepare: canonical clips of one length, rate and loudness, with labels, notes, splits and a ledger of what was dropped.
# In:  data/raw/<dataset>/manifest.csv    Out: data/prepared/<dataset>/{index,notes,ledger}.csv, audio.npy, protocol.json


localrules:
    prepare,


rule prepare:
    input:
        expand("<data>/prepared/{dataset}/index.csv", dataset=GRID["datasets"]),


rule prepare_dataset:
    input:
        source="data/sources/{dataset}.yaml",
        raw="<data>/raw/{dataset}/manifest.csv",
    output:
        index="<data>/prepared/{dataset}/index.csv",
        audio="<data>/prepared/{dataset}/audio.npy",
        notes="<data>/prepared/{dataset}/notes.csv",
        ledger="<data>/prepared/{dataset}/ledger.csv",
        protocol="<data>/prepared/{dataset}/protocol.json",
    log:
        "<logs>/prepare/{dataset}.log",
    resources:
        runtime=720,
    params:
        settings=lambda w: settings(prepare_settings(PARAMS["prepare"], w.dataset, reader_of(w.dataset))),
        code=lambda w: code("stages.prepare.prepare", *prepare_reader(w.dataset)),
        folder=subpath(output.index, parent=True),
    shell:
        "python -m stages.prepare.prepare --settings {params.settings:q} --source {input.source} --raw {input.raw}"
        " --out {params.folder} 2>&1 | tee {log}"


def reader_of(dataset):
    """The plug-in that the data set's manifest names."""
    return manifest_entry(f"data/sources/{dataset}.yaml", "reader")


def prepare_reader(dataset):
    """The code that reads the data set's format, if it is there: another data set's reader is no concern."""
    reader = reader_of(dataset)
    return [f"stages.prepare.sources.{reader}"] if Path(f"stages/prepare/sources/{reader}.py").exists() else []
