# train: one system, one seed. A killed training goes on from its checkpoint in scratch/ and ends with the same weights.
# In:  data/encoded/<dataset>/<codec>/    Out: models/systems/<dataset>/<codec>/<system>/<seed>/weights.safetensors, loss.csv


localrules:
    train,


rule train:
    input:
        expand(
            "<models>/systems/{dataset}/{codec}/{system}/{seed}/weights.safetensors",
            dataset=GRID["datasets"],
            codec=GRID["codecs"],
            system=GRID["systems"],
            seed=GRID["seeds"],
        ),


rule train_system:
    input:
        index="<data>/encoded/{dataset}/{codec}/index.csv",
        latents="<data>/encoded/{dataset}/{codec}/latents.npy",
        mels=expand("<data>/encoded/{{dataset}}/{{codec}}/mel{level}.npy", level=[1, 2, 3]),
    output:
        weights="<models>/systems/{dataset}/{codec}/{system}/{seed}/weights.safetensors",
        loss="<models>/systems/{dataset}/{codec}/{system}/{seed}/loss.csv",
    log:
        "<logs>/train/{dataset}/{codec}/{system}/{seed}.log",
    resources:
        runtime=24 * 60,
        mem_mb=4000,
    params:
        settings=lambda w: settings(
            name=w.system,
            seed=int(w.seed),
            system=PARAMS["systems"][w.system],
            train=PARAMS["train"],
        ),
        code=lambda w: code("stages.train.train", f"etude.systems.{w.system}"),
        folder=subpath(output.weights, parent=True),
        tensorboard=f"{ROOT}logs/tensorboard/{{dataset}}/{{codec}}/{{system}}/{{seed}}",
        scratch=f"{ROOT}scratch",
    shell:
        "python -m stages.train.train --settings {params.settings:q} --data {input.index} --scratch {params.scratch}"
        " --tensorboard {params.tensorboard} --out {params.folder} 2>&1 | tee {log}"


include: "priors.smk"
include: "controlled.smk"
include: "toys.smk"
