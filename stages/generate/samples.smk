# samples: what a system generates when no clip is given to it: levels from a prior, or from what priors are measured against.
# In:  models/priors/.../weights.safetensors, data/levels/..., models/systems/..., data/encoded/<dataset>/<codec>/
# Out: data/samples/<dataset>/<codec>/{prior,gaussian,seen}_<system>/<seed>/index.csv and the FLAC files it lists


localrules:
    samples,


# Where the levels come from: the trained prior; Gaussians, each level by itself (the floor); clips of the train split, which
# is what a prior that knew its data perfectly would draw (the ceiling).
SAMPLE_KINDS = ["prior", "gaussian", "seen"]


def sample_names(systems, kinds=SAMPLE_KINDS):
    """Names of the generated sets that priors are judged by."""
    return [f"{kind}_{system}" for system in systems for kind in kinds]


rule samples:
    input:
        expand(
            "<data>/samples/{dataset}/{codec}/{name}/{seed}/index.csv",
            dataset=GRID["datasets"],
            codec=GRID["codecs"],
            name=sample_names(GRID["systems"]),
            seed=PARAMS["priors"]["seeds"],
        ),


SAMPLE_INPUTS = {
    **GENERATE_INPUTS,
    "levels": "<data>/levels/{dataset}/{codec}/{system}/{seed}/index.csv",
    "weights": "<models>/systems/{dataset}/{codec}/{system}/{seed}/weights.safetensors",
}


rule sample_prior:
    input:
        **SAMPLE_INPUTS,
        prior="<models>/priors/{dataset}/{codec}/{system}/{seed}/weights.safetensors",
    output:
        "<data>/samples/{dataset}/{codec}/prior_{system}/{seed}/index.csv",
    log:
        "<logs>/samples/{dataset}/{codec}/prior_{system}/{seed}.log",
    resources:
        runtime=240,
        mem_mb=4000,
    params:
        settings=lambda w: generate_settings(
            w,
            "trained",
            prior={"name": "diffusion", "model": PARAMS["priors"]["model"], "sampler": PARAMS["priors"]["sampler"]},
            **system_settings(w),
        ),
        code=lambda w: code(
            "stages.generate.samples",
            "etude.priors.diffusion",
            f"etude.codecs.{w.codec}",
            f"etude.systems.{w.system}",
        ),
        prior=lambda w, input: input.prior,
        folder=subpath(output[0], parent=True),
    shell:
        "python -m stages.generate.samples --settings {params.settings:q} --data {input.index} --levels {input.levels}"
        " --codec {input.codec} --weights {input.weights} --prior {params.prior} --out {params.folder} 2>&1 | tee {log}"


use rule sample_prior as sample_gaussian with:
    input:
        **SAMPLE_INPUTS,
    output:
        "<data>/samples/{dataset}/{codec}/gaussian_{system}/{seed}/index.csv",
    log:
        "<logs>/samples/{dataset}/{codec}/gaussian_{system}/{seed}.log",
    params:
        settings=lambda w: generate_settings(
            w,
            "trained",
            prior={"name": "gaussian", "model": {}, "sampler": {}},
            **system_settings(w),
        ),
        code=lambda w: code(
            "stages.generate.samples",
            "etude.priors.gaussian",
            f"etude.codecs.{w.codec}",
            f"etude.systems.{w.system}",
        ),
        prior="none",
        folder=subpath(output[0], parent=True),


use rule generate_reconstructions as generate_seen with:
    output:
        "<data>/samples/{dataset}/{codec}/seen_{system}/{seed}/index.csv",
    log:
        "<logs>/samples/{dataset}/{codec}/seen_{system}/{seed}.log",
    params:
        settings=lambda w: generate_settings(w, "trained", **system_settings(w), split="train"),
        code=lambda w: code(
            "stages.generate.generate",
            f"etude.codecs.{w.codec}",
            f"etude.systems.{w.system}",
        ),
        weights=lambda w, input: input.weights,
        folder=subpath(output[0], parent=True),
