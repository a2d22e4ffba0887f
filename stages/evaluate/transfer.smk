# transfer scores: what travels with each level (Pichard 2024, Tables 4 and 5), and what to read it against.
# In:  data/transfer/..., data/generated/..., their transcriptions, models/timbre/<dataset>/
# Out: reports/evaluate/transfer/<dataset>/<codec>/<system>/<seed>.csv, reports/evaluate/transfer/<dataset>/<codec>/bounds/0.csv


def transfer_settings(w, **more):
    chosen = {key: PARAMS["generate"][key] for key in ("split", "clips")}
    return settings(
        chosen,
        resamples=PARAMS["transfer"]["resamples"],
        seed=PARAMS["transfer"]["seed"],
        **more,
    )


rule transfer_scores:
    input:
        index="<data>/prepared/{dataset}/index.csv",
        audio="<data>/prepared/{dataset}/audio.npy",
        notes="<data>/prepared/{dataset}/notes.csv",
        timbre="<models>/timbre/{dataset}/timbre.json",
        originals="<data>/transcriptions/originals/{dataset}/notes.csv",
        reconstructions="<data>/generated/{dataset}/{codec}/{system}/{seed}/index.csv",
        reconstructed="<data>/transcriptions/generated/{dataset}/{codec}/{system}/{seed}/notes.csv",
        swaps="<data>/transfer/{dataset}/{codec}/{system}/{seed}/index.csv",
        swapped="<data>/transcriptions/transfer/{dataset}/{codec}/{system}/{seed}/notes.csv",
    output:
        "<reports>/evaluate/transfer/{dataset}/{codec}/{system}/{seed}.csv",
    log:
        "<logs>/evaluate/transfer/{dataset}/{codec}/{system}/{seed}.log",
    resources:
        runtime=60,
        mem_mb=4000,
    params:
        settings=lambda w: transfer_settings(w, labels=dict(w.items())),
        code=code("stages.evaluate.transfer"),
    shell:
        "python -m stages.evaluate.transfer --settings {params.settings:q} --data {input.index} --timbre {input.timbre}"
        " --originals {input.originals} --reconstructions {input.reconstructions} --reconstructed {input.reconstructed}"
        " --swaps {input.swaps} --swapped {input.swapped} --out {output} 2>&1 | tee {log}"


rule transfer_bounds:
    input:
        index="<data>/prepared/{dataset}/index.csv",
        audio="<data>/prepared/{dataset}/audio.npy",
        notes="<data>/prepared/{dataset}/notes.csv",
        timbre="<models>/timbre/{dataset}/timbre.json",
        originals="<data>/transcriptions/originals/{dataset}/notes.csv",
        trips="<data>/generated/{dataset}/{codec}/round_trip/0/index.csv",
        tripped="<data>/transcriptions/generated/{dataset}/{codec}/round_trip/0/notes.csv",
    output:
        "<reports>/evaluate/transfer/{dataset}/{codec}/bounds/0.csv",
    log:
        "<logs>/evaluate/transfer/{dataset}/{codec}/bounds.log",
    resources:
        runtime=60,
        mem_mb=4000,
    params:
        settings=lambda w: transfer_settings(
            w,
            labels=dict(w.items()) | {"system": "bounds", "seed": 0},
            pairs=PARAMS["transfer"]["pairs"],
            pairing=PARAMS["transfer"]["pairing"],
        ),
        code=code("stages.evaluate.bounds"),
    shell:
        "python -m stages.evaluate.bounds --settings {params.settings:q} --data {input.index} --timbre {input.timbre}"
        " --originals {input.originals} --trips {input.trips} --tripped {input.tripped} --out {output} 2>&1 | tee {log}"


ruleorder: transfer_bounds > transfer_scores
