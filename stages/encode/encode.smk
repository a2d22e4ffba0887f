# encode: everything a training step reads, computed once: codec latents and three mel spectrograms as memory-mapped arrays.
# In:  data/prepared/<dataset>/, models/codecs/<dataset>/<codec>/
# Out: data/encoded/<dataset>/<codec>/index.csv, latents.npy, mel1.npy, mel2.npy, mel3.npy


localrules:
    encode,


rule encode:
    input:
        expand(
            "<data>/encoded/{dataset}/{codec}/index.csv",
            dataset=GRID["datasets"],
            codec=GRID["codecs"],
        ),


rule encode_dataset:
    input:
        index="<data>/prepared/{dataset}/index.csv",
        audio="<data>/prepared/{dataset}/audio.npy",
        codec="<models>/codecs/{dataset}/{codec}/codec.json",
    output:
        index="<data>/encoded/{dataset}/{codec}/index.csv",
        latents="<data>/encoded/{dataset}/{codec}/latents.npy",
        mels=expand("<data>/encoded/{{dataset}}/{{codec}}/mel{level}.npy", level=[1, 2, 3]),
    log:
        "<logs>/encode/{dataset}/{codec}.log",
    resources:
        runtime=240,
        mem_mb=4000,
    params:
        settings=lambda w: settings(PARAMS["encode"], codec=w.codec, block=PARAMS["codec"][w.codec]),
        code=lambda w: code("stages.encode.encode", f"etude.codecs.{w.codec}"),
        folder=subpath(output.index, parent=True),
    shell:
        "python -m stages.encode.encode --settings {params.settings:q} --data {input.index} --codec {input.codec}"
        " --out {params.folder} 2>&1 | tee {log}"


include: "formats.smk"
