# priors: one diffusion prior over the levels of each trained system, so that it can generate without being given a clip.
# In:  data/levels/<dataset>/<codec>/<system>/<seed>/index.csv and the arrays beside it
# Out: models/priors/<dataset>/<codec>/<system>/<seed>/weights.safetensors, loss.csv


localrules:
    priors,


rule priors:
    input:
        expand(
            "<models>/priors/{dataset}/{codec}/{system}/{seed}/weights.safetensors",
            dataset=GRID["datasets"],
            codec=GRID["codecs"],
            system=GRID["systems"],
            seed=PARAMS["priors"]["seeds"],
        ),


rule train_prior:
    input:
        "<data>/levels/{dataset}/{codec}/{system}/{seed}/index.csv",
    output:
        weights="<models>/priors/{dataset}/{codec}/{system}/{seed}/weights.safetensors",
        loss="<models>/priors/{dataset}/{codec}/{system}/{seed}/loss.csv",
    log:
        "<logs>/train/{dataset}/{codec}/prior_{system}/{seed}.log",
    resources:
        runtime=24 * 60,
        mem_mb=4000,
    params:
        settings=lambda w: settings(
            prior="diffusion",
            seed=int(w.seed),
            model=PARAMS["priors"]["model"],
            train=PARAMS["priors"]["train"],
        ),
        code=code("stages.train.priors", "etude.priors.diffusion"),
        folder=subpath(output.weights, parent=True),
        tensorboard=f"{ROOT}logs/tensorboard/{{dataset}}/{{codec}}/prior_{{system}}/{{seed}}",
        scratch=f"{ROOT}scratch",
    shell:
        "python -m stages.train.priors --settings {params.settings:q} --levels {input} --scratch {params.scratch}"
        " --tensorboard {params.tensorboard} --out {params.folder} 2>&1 | tee {log}"
