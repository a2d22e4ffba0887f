# codec: get or train the codec whose latents the systems work on, and print its ceiling.
# In:  data/prepared/<dataset>/           Out: models/codecs/<dataset>/<codec>/codec.json (and weights.safetensors beside it)


localrules:
    codec,


rule codec:
    input:
        expand(
            "<models>/codecs/{dataset}/{codec}/codec.json",
            dataset=GRID["datasets"],
            codec=GRID["codecs"],
        ),


rule obtain_codec:
    input:
        index="<data>/prepared/{dataset}/index.csv",
        audio="<data>/prepared/{dataset}/audio.npy",
        notes="<data>/prepared/{dataset}/notes.csv",
    output:
        "<models>/codecs/{dataset}/{codec}/codec.json",
    log:
        "<logs>/codec/{dataset}/{codec}.log",
    resources:
        runtime=120,
        mem_mb=4000,
    params:
        settings=lambda w: settings(codec=w.codec, block=PARAMS["codec"][w.codec]),
        code=lambda w: code("stages.codec.codec", f"etude.codecs.{w.codec}"),
        scratch=f"{ROOT}scratch",
    shell:
        "python -m stages.codec.codec --settings {params.settings:q} --data {input.index} --scratch {params.scratch}"
        " --out {output} 2>&1 | tee {log}"
