# samples: FAD of what systems generate of themselves, judged as reconstructions are, against the same reference.
# In:  data/samples/.../index.csv, models/judges/<dataset>/<embedding>/, data/embeddings/<dataset>/<embedding>/reference/
# Out: data/sample_embeddings/.../embeddings.npz, reports/evaluate/samples/<dataset>/<codec>/<kind>_<system>/<seed>/<embedding>.csv


use rule embed_clips as embed_samples with:
    input:
        judge=judge_of,
        clips="<data>/samples/{dataset}/{codec}/{system}/{seed}/index.csv",
    output:
        "<data>/sample_embeddings/{dataset}/{embedding}/{codec}/{system}/{seed}/embeddings.npz",
    log:
        "<logs>/embed_samples/{dataset}/{embedding}/{codec}/{system}/{seed}.log",


use rule fad_of_set as fad_of_samples with:
    input:
        reference="<data>/embeddings/{dataset}/{embedding}/reference/embeddings.npz",
        generated="<data>/sample_embeddings/{dataset}/{embedding}/{codec}/{system}/{seed}/embeddings.npz",
    output:
        csv="<reports>/evaluate/samples/{dataset}/{codec}/{system}/{seed}/{embedding}.csv",
        files="<reports>/evaluate/samples/{dataset}/{codec}/{system}/{seed}/{embedding}.files.csv",
    log:
        "<logs>/fad_samples/{dataset}/{embedding}/{codec}/{system}/{seed}.log",


def sample_sets(systems, kinds=SAMPLE_KINDS):
    """FAD of the sets of samples of ``systems``."""
    return expand(
        rules.fad_of_samples.output.csv,
        dataset=GRID["datasets"],
        codec=GRID["codecs"],
        system=sample_names(systems, kinds),
        seed=PARAMS["priors"]["seeds"],
        embedding=GRID["embeddings"],
    )
