# probes: what can be read from each level of each system, from the same networks untrained, and from the codec's latents.
# In:  data/levels/..., data/encoded/<dataset>/<codec>/, data/prepared/<dataset>/notes.csv
# Out: reports/evaluate/probes/<dataset>/<codec>/<system>/<seed>.csv; system also untrained_<system> (seed 0) and codec (seed 0)


localrules:
    probes,


def probe_tables(datasets):
    """All tables of ``datasets``: of trained systems, untrained ones and the codec."""
    runs = [(system, seed) for system in GRID["systems"] for seed in GRID["seeds"]]
    runs += [(f"untrained_{system}", 0) for system in GRID["systems"]] + [("codec", 0)]
    return [
        f"<reports>/evaluate/probes/{dataset}/{codec}/{system}/{seed}.csv"
        for dataset in datasets
        for codec in GRID["codecs"]
        for system, seed in runs
    ]


rule probes:
    input:
        probe_tables(GRID["datasets"]),


def probe_settings(w, arrays, **labels):
    return settings(PARAMS["probes"], samples=PARAMS["encode"]["mel"]["samples"], arrays=arrays, labels=labels)


rule probes_of_levels:
    input:
        levels="<data>/levels/{dataset}/{codec}/{system}/{seed}/index.csv",
        notes="<data>/prepared/{dataset}/notes.csv",
    output:
        "<reports>/evaluate/probes/{dataset}/{codec}/{system}/{seed}.csv",
    log:
        "<logs>/probes/{dataset}/{codec}/{system}/{seed}.log",
    resources:
        runtime=120,
        mem_mb=4000,
    params:
        settings=lambda w: probe_settings(
            w, ["level"] if w.system.startswith("untrained_") else ["level", "refined"], **dict(w.items())
        ),
        code=code("stages.evaluate.probes"),
    shell:
        "python -m stages.evaluate.probes --settings {params.settings:q} --data {input.levels} --notes {input.notes}"
        " --out {output} 2>&1 | tee {log}"


use rule probes_of_levels as probes_of_codec with:
    input:
        levels="<data>/encoded/{dataset}/{codec}/index.csv",
        latents="<data>/encoded/{dataset}/{codec}/latents.npy",
        notes="<data>/prepared/{dataset}/notes.csv",
    output:
        "<reports>/evaluate/probes/{dataset}/{codec}/codec/0.csv",
    log:
        "<logs>/probes/{dataset}/{codec}/codec.log",
    params:
        settings=lambda w: probe_settings(w, ["latents"], **dict(w.items()), system="codec", seed="0"),
        code=code("stages.evaluate.probes"),


ruleorder: probes_of_codec > probes_of_levels
