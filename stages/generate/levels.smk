# levels: the latents h_k of every clip of a data set, all splits, as memory-mapped arrays named by their number of frames.
# In:  data/encoded/<dataset>/<codec>/, models/systems/<dataset>/<codec>/<system>/<seed>/weights.safetensors
# Out: data/levels/<dataset>/<codec>/<system>/<seed>/index.csv (rows as encoded, with a hash of the clip's levels), and beside
#      it level4.npy, level8.npy, level16.npy and, where finer levels are residuals, refined8.npy, refined16.npy
# The arrays' names follow from the variant (levels_1_3_5 has 2, 8 and 32 frames): depend on index.csv, it changes with them.


localrules:
    levels,


rule levels:
    input:
        expand(
            "<data>/levels/{dataset}/{codec}/{system}/{seed}/index.csv",
            dataset=GRID["datasets"],
            codec=GRID["codecs"],
            system=GRID["systems"],
            seed=GRID["seeds"],
        ),


LEVEL_INPUTS = {name: path for name, path in GENERATE_INPUTS.items() if name != "codec"}


def level_settings(w, source, **more):
    return settings(source=source, batch=PARAMS["encode"]["batch"], **system_settings(w), **more)


rule levels_of_system:
    input:
        **LEVEL_INPUTS,
        weights="<models>/systems/{dataset}/{codec}/{system}/{seed}/weights.safetensors",
    output:
        "<data>/levels/{dataset}/{codec}/{system}/{seed}/index.csv",
    log:
        "<logs>/levels/{dataset}/{codec}/{system}/{seed}.log",
    resources:
        runtime=60,
        mem_mb=4000,
    params:
        settings=lambda w: level_settings(w, "trained"),
        code=lambda w: code("stages.generate.levels", f"etude.systems.{w.system}"),
        weights=lambda w, input: input.weights,
        folder=subpath(output[0], parent=True),
    shell:
        "python -m stages.generate.levels --settings {params.settings:q} --data {input.index}"
        " --weights {params.weights} --out {params.folder} 2>&1 | tee {log}"


# What a probe finds for free: the same network before training.
use rule levels_of_system as levels_of_untrained with:
    input:
        **LEVEL_INPUTS,
    output:
        "<data>/levels/{dataset}/{codec}/untrained_{system}/0/index.csv",
    log:
        "<logs>/levels/{dataset}/{codec}/untrained_{system}.log",
    params:
        settings=lambda w: level_settings(w, "untrained", seed=0),
        code=lambda w: code("stages.generate.levels", f"etude.systems.{w.system}"),
        weights="none",
        folder=subpath(output[0], parent=True),


ruleorder: levels_of_untrained > levels_of_system
