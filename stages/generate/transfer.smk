# transfer: levels exchanged between clips (Pichard 2024, Tables 4 and 5). Each swap is made once; every judge hears it.
# In:  models/systems/.../weights.safetensors, data/encoded/<dataset>/<codec>/
# Out: data/transfer/<dataset>/<codec>/<system>/<seed>/index.csv (with the clips that give the levels) and its FLAC files


localrules:
    transfer,


rule transfer:
    input:
        expand(
            "<data>/transfer/{dataset}/{codec}/{system}/{seed}/index.csv",
            dataset=GRID["datasets"],
            codec=GRID["codecs"],
            system=GRID["systems"],
            seed=GRID["seeds"],
        ),


TRANSFER_PAIRS = {key: PARAMS["transfer"][key] for key in ("pairs", "pairing", "seed")}


# The clips, the noise and the sampler are those of the reconstructions: they are what a swap is to be held against.
rule generate_transfer:
    input:
        **GENERATE_INPUTS,
        weights="<models>/systems/{dataset}/{codec}/{system}/{seed}/weights.safetensors",
    output:
        "<data>/transfer/{dataset}/{codec}/{system}/{seed}/index.csv",
    log:
        "<logs>/transfer/{dataset}/{codec}/{system}/{seed}.log",
    resources:
        runtime=240,
        mem_mb=4000,
    params:
        settings=lambda w: generate_settings(
            w,
            "trained",
            triples=PARAMS["transfer"]["triples"],
            recombination=PARAMS["transfer"]["recombination"],
            **TRANSFER_PAIRS,
            **system_settings(w),
        ),
        code=lambda w: code(
            "stages.generate.transfer",
            f"etude.codecs.{w.codec}",
            f"etude.systems.{w.system}",
        ),
        weights=lambda w, input: input.weights,
        folder=subpath(output[0], parent=True),
    shell:
        "python -m stages.generate.transfer --settings {params.settings:q} --data {input.index} --codec {input.codec}"
        " --weights {params.weights} --out {params.folder} 2>&1 | tee {log}"
