# fidelity: sets of controlled clips as FAD judges them, and whether one hears in them what their controls asked for.
# In:  data/controlled/<dataset>/<set>/<seed>/, data/formats/<dataset>/<format>/, models/judges/<dataset>/
# Out: reports/evaluate/controlled/<dataset>/<set>/<seed>/<embedding>.csv, reports/evaluate/fidelity/<dataset>/<set>/<seed>.csv


use rule embed_clips as embed_controlled with:
    input:
        judge="<models>/judges/{dataset}/{embedding}/judge.json",
        clips="<data>/controlled/{dataset}/{cell}/{seed}/index.csv",
    output:
        "<data>/controlled_embeddings/{dataset}/{embedding}/{cell}/{seed}/embeddings.npz",
    log:
        "<logs>/embed_controlled/{dataset}/{embedding}/{cell}/{seed}.log",
    wildcard_constraints:
        cell="|".join(CONTROLLED),


# Against clips of the same duration that no system was trained on or given the controls of.
use rule fad_of_set as fad_of_controlled with:
    input:
        reference=lambda w: "<data>/controlled_embeddings/{}/{}/reference_{}/0/embeddings.npz".format(
            w.dataset, w.embedding, length_of(CONTROLLED[w.cell])
        ),
        generated="<data>/controlled_embeddings/{dataset}/{embedding}/{cell}/{seed}/embeddings.npz",
    output:
        csv="<reports>/evaluate/controlled/{dataset}/{cell}/{seed}/{embedding}.csv",
        files="<reports>/evaluate/controlled/{dataset}/{cell}/{seed}/{embedding}.files.csv",
    log:
        "<logs>/fad_controlled/{dataset}/{embedding}/{cell}/{seed}.log",
    wildcard_constraints:
        cell="|".join(CONTROLLED),


def controlled_fads(names):
    """FAD of the sets ``names``, of all their seeds."""
    return [
        f"<reports>/evaluate/controlled/{dataset}/{name}/{seed}/{embedding}.csv"
        for dataset in MANTE["datasets"]
        for name in names
        for seed in seeds_of(name)
        for embedding in MANTE["embeddings"]
    ]


rule fidelity_of_set:
    input:
        clips="<data>/controlled/{dataset}/{cell}/{seed}/index.csv",
        controls=lambda w: f"<data>/formats/{w.dataset}/{CONTROLLED[w.cell]['format']}/controls.npy",
        facts=lambda w: f"<data>/formats/{w.dataset}/{CONTROLLED[w.cell]['format']}/format.json",
        index="<data>/prepared/{dataset}/index.csv",
        judge="<models>/judges/{dataset}/gm_cnn/judge.json",
        handmade=lambda w: sorted(map(str, Path(HANDMADE).glob("*.csv"))) if CONTROLLED[w.cell]["handmade"] else [],
    output:
        csv="<reports>/evaluate/fidelity/{dataset}/{cell}/{seed}.csv",
        clips="<reports>/evaluate/fidelity/{dataset}/{cell}/{seed}.clips.csv",
    log:
        "<logs>/fidelity/{dataset}/{cell}/{seed}.log",
    wildcard_constraints:
        cell="|".join(CONTROLLED),
    resources:
        runtime=240,
        mem_mb=4000,
    params:
        settings=lambda w: settings(
            resamples=MANTE["fidelity"]["resamples"],
            seed=MANTE["fidelity"]["seed"],
            labels=dict(w.items()),
        ),
        code=code("stages.evaluate.fidelity", "etude.embeddings.gm_cnn"),
        controls=lambda w: HANDMADE if CONTROLLED[w.cell]["handmade"] else "none",
    shell:
        "python -m stages.evaluate.fidelity --settings {params.settings:q} --clips {input.clips} --facts {input.facts}"
        " --controls {params.controls} --index {input.index} --judge {input.judge} --out {output.csv} 2>&1 | tee {log}"


def fidelity_tables(names):
    return [
        f"<reports>/evaluate/fidelity/{dataset}/{name}/{seed}.csv"
        for dataset in MANTE["datasets"]
        for name in names
        for seed in seeds_of(name)
    ]
