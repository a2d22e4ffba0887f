# toys: each paradigm on data that one can see: swiss rolls and digits, sampled, and judged by numbers.
# In:  nothing, or MNIST's files    Out: models/toys/<toy>/weights.safetensors, loss.csv, numbers.csv, generated.npy, true.npy


def toy_settings(toy):
    toys = PARAMS["toys"]
    run = toys["runs"][toy]
    return settings(
        toy=toy,
        seed=toys["seed"],
        source=toys["sources"][run["data"]],
        block=PARAMS["systems"][run["system"]],
        train=toys["train"] | run["train"],
        sampler=toys["samplers"][run["system"]] | run["sampler"],
        **{key: run[key] for key in ("figure", "data", "system", "network", "samples")},
    )


def toy_files(w):
    """MNIST's files, where the user has them."""
    mnist = PARAMS["toys"]["sources"]["digits"]["mnist"]
    if PARAMS["toys"]["runs"][w.toy]["data"] != "digits" or not mnist:
        return []
    return sorted(str(path) for path in Path(mnist).glob("*-ubyte*"))


localrules:
    toys,


rule toys:
    input:
        expand("<models>/toys/{toy}/numbers.csv", toy=PARAMS["toys"]["runs"]),


rule train_toy:
    input:
        toy_files,
    output:
        weights="<models>/toys/{toy}/weights.safetensors",
        loss="<models>/toys/{toy}/loss.csv",
        numbers="<models>/toys/{toy}/numbers.csv",
        generated="<models>/toys/{toy}/generated.npy",
        true="<models>/toys/{toy}/true.npy",
    log:
        "<logs>/train/toys/{toy}.log",
    wildcard_constraints:
        toy=r"[a-z][a-z0-9_]*",
    resources:
        runtime=4 * 60,
        mem_mb=3000,
    params:
        settings=lambda w: toy_settings(w.toy),
        code=lambda w: code("stages.train.toys", f"etude.systems.{PARAMS['toys']['runs'][w.toy]['system']}"),
        folder=subpath(output.weights, parent=True),
        tensorboard=f"{ROOT}logs/tensorboard/toys/{{toy}}",
        scratch=f"{ROOT}scratch",
    shell:
        "python -m stages.train.toys --settings {params.settings:q} --scratch {params.scratch}"
        " --tensorboard {params.tensorboard} --out {params.folder} 2>&1 | tee {log}"
