# generate: audio. Here: reconstructions of the test split by every system, by an untrained network, and by the codec alone.
# In:  models/systems/.../weights.safetensors, data/encoded/<dataset>/<codec>/
# Out: data/generated/<dataset>/<codec>/<system>/<seed>/index.csv and the FLAC files it lists


localrules:
    generate,


rule generate:
    input:
        expand(
            "<data>/generated/{dataset}/{codec}/{system}/{seed}/index.csv",
            dataset=GRID["datasets"],
            codec=GRID["codecs"],
            system=GRID["systems"],
            seed=GRID["seeds"],
        ),


GENERATE_INPUTS = {
    "index": "<data>/encoded/{dataset}/{codec}/index.csv",
    "latents": "<data>/encoded/{dataset}/{codec}/latents.npy",
    "mels": expand("<data>/encoded/{{dataset}}/{{codec}}/mel{level}.npy", level=[1, 2, 3]),
    "codec": "<models>/codecs/{dataset}/{codec}/codec.json",
}


def generate_settings(w, source, **more):
    """What a reconstruction depends on; ``source`` is trained, untrained or codec."""
    return settings(
        PARAMS["generate"],
        source=source,
        codec=w.codec,
        block=PARAMS["codec"][w.codec],
        **more,
    )


def system_settings(w):
    return {"name": w.system, "system": PARAMS["systems"][w.system]}


rule generate_reconstructions:
    input:
        **GENERATE_INPUTS,
        weights="<models>/systems/{dataset}/{codec}/{system}/{seed}/weights.safetensors",
    output:
        "<data>/generated/{dataset}/{codec}/{system}/{seed}/index.csv",
    log:
        "<logs>/generate/{dataset}/{codec}/{system}/{seed}.log",
    resources:
        runtime=240,
        mem_mb=4000,
    params:
        settings=lambda w: generate_settings(w, "trained", **system_settings(w)),
        code=lambda w: code(
            "stages.generate.generate",
            f"etude.codecs.{w.codec}",
            f"etude.systems.{w.system}",
        ),
        weights=lambda w, input: input.weights,
        folder=subpath(output[0], parent=True),
    shell:
        "python -m stages.generate.generate --settings {params.settings:q} --data {input.index} --codec {input.codec}"
        " --weights {params.weights} --out {params.folder} 2>&1 | tee {log}"


# The two ends of the scale on which a system's reconstructions lie: its network before training, and the codec alone.
use rule generate_reconstructions as generate_untrained with:
    input:
        **GENERATE_INPUTS,
    output:
        "<data>/generated/{dataset}/{codec}/untrained_{system}/0/index.csv",
    log:
        "<logs>/generate/{dataset}/{codec}/untrained_{system}.log",
    params:
        settings=lambda w: generate_settings(w, "untrained", seed=0, **system_settings(w)),
        code=lambda w: code(
            "stages.generate.generate",
            f"etude.codecs.{w.codec}",
            f"etude.systems.{w.system}",
        ),
        weights="none",
        folder=subpath(output[0], parent=True),


use rule generate_reconstructions as generate_round_trip with:
    input:
        **GENERATE_INPUTS,
    output:
        "<data>/generated/{dataset}/{codec}/round_trip/0/index.csv",
    log:
        "<logs>/generate/{dataset}/{codec}/round_trip.log",
    params:
        settings=lambda w: generate_settings(w, "codec"),
        code=lambda w: code("stages.generate.generate", f"etude.codecs.{w.codec}"),
        weights="none",
        folder=subpath(output[0], parent=True),


ruleorder: generate_untrained > generate_round_trip > generate_reconstructions


include: "levels.smk"
include: "transfer.smk"
include: "ablation.smk"
include: "samples.smk"
include: "controlled.smk"
