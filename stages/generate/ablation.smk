# ablation: reconstructions with one level (or all) replaced by zeros or by its mean over the train split (P-26 vi).
# In:  as the reconstructions, and data/levels/<dataset>/<codec>/<system>/<seed>/
# Out: data/ablated/<dataset>/<codec>/<system>_without_<place>_<how>/<seed>/index.csv and the FLAC files it lists
#      <place>: coarse, middle, fine, all

ABLATED_PLACES = ["coarse", "middle", "fine", "all"]


rule generate_without_levels:
    input:
        **GENERATE_INPUTS,
        weights="<models>/systems/{dataset}/{codec}/{system}/{seed}/weights.safetensors",
        levels="<data>/levels/{dataset}/{codec}/{system}/{seed}/index.csv",
    output:
        expand(
            "<data>/ablated/{{dataset}}/{{codec}}/{{system}}_without_{place}_{how}/{{seed}}/index.csv",
            place=ABLATED_PLACES,
            how=PARAMS["ablation"]["how"],
        ),
    log:
        "<logs>/ablation/{dataset}/{codec}/{system}/{seed}.log",
    wildcard_constraints:
        system="|".join(PARAMS["systems"]),
    resources:
        runtime=240,
        mem_mb=4000,
    params:
        settings=lambda w: generate_settings(
            w,
            "trained",
            **system_settings(w),
            generated=PARAMS["generate"]["clips"],
            clips=PARAMS["ablation"]["clips"],
            how=PARAMS["ablation"]["how"],
        ),
        code=lambda w: code(
            "stages.generate.ablation",
            f"etude.codecs.{w.codec}",
            f"etude.systems.{w.system}",
        ),
        folder=lambda w: f"{ROOT}data/ablated/{w.dataset}/{w.codec}/{w.system}/{w.seed}",
    shell:
        "python -m stages.generate.ablation --settings {params.settings:q} --data {input.index} --codec {input.codec}"
        " --weights {input.weights} --levels {input.levels} --out {params.folder} 2>&1 | tee {log}"
