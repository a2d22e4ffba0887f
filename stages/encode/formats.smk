# encode: what controlled systems diffuse and what controls them, exported once: latents, codes or CQT, and tracks at their rate.
# In:  data/prepared/<dataset>/, models/codecs/<dataset>/<codec>/
# Out: data/formats/<dataset>/<format>/index.csv, clips.npy, controls.npy, format.json


localrules:
    formats,


rule formats:
    input:
        expand(
            "<data>/formats/{dataset}/{format}/index.csv",
            dataset=PARAMS["mante2024"]["datasets"],
            format=PARAMS["formats"],
        ),


rule export_format:
    input:
        index="<data>/prepared/{dataset}/index.csv",
        audio="<data>/prepared/{dataset}/audio.npy",
        notes="<data>/prepared/{dataset}/notes.csv",
        codec=lambda w: f"<models>/codecs/{w.dataset}/{format_of(w)['codec']}/codec.json",
    output:
        index="<data>/formats/{dataset}/{format}/index.csv",
        clips="<data>/formats/{dataset}/{format}/clips.npy",
        controls="<data>/formats/{dataset}/{format}/controls.npy",
        facts="<data>/formats/{dataset}/{format}/format.json",
    log:
        "<logs>/encode/formats_{dataset}_{format}.log",
    wildcard_constraints:
        format=r"[a-z][a-z0-9_]*",
    resources:
        runtime=240,
        mem_mb=4000,
    params:
        settings=lambda w: settings(format_of(w), block=PARAMS["codec"][format_of(w)["codec"]]),
        code=lambda w: code("stages.encode.formats", f"etude.codecs.{format_of(w)['codec']}"),
        folder=subpath(output.index, parent=True),
    shell:
        "python -m stages.encode.formats --settings {params.settings:q} --data {input.index} --codec {input.codec}"
        " --out {params.folder} 2>&1 | tee {log}"


def format_of(wildcards):
    """The format's block in params.yaml."""
    return PARAMS["formats"][wildcards.format]
