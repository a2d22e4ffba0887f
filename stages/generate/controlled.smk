# controlled: what Manté 2024 is judged by: clips of every cell under the controls of clips it never saw, and their floors and ceilings.
# In:  models/controlled/..., data/formats/<dataset>/<format>/, data/prepared/<dataset>/
# Out: data/controlled/<dataset>/<set>/<seed>/index.csv and the FLAC files it lists, reports/evaluate/speed/<dataset>.csv
from stages.generate.controlled_sets import controlled_sets, length_of, sweep_points, word

MANTE = PARAMS["mante2024"]
CONTROLLED = controlled_sets(MANTE)
HANDMADE = "papers/mante2024_controls"


localrules:
    generate_controlled,


def seeds_of(name):
    """Seeds of a set: those of the trainings for a cell itself, else the first, or 0 where nothing was trained."""
    if CONTROLLED[name]["source"] != "trained":
        return [0]
    return MANTE["seeds"] if name in MANTE["cells"] else MANTE["seeds"][:1]


def controlled_indexes(names):
    return [
        f"<data>/controlled/{dataset}/{name}/{seed}/index.csv"
        for dataset in MANTE["datasets"]
        for name in names
        for seed in seeds_of(name)
    ]


rule generate_controlled:
    input:
        controlled_indexes(CONTROLLED),


def format_codec(name):
    return PARAMS["formats"][name]["codec"]


def controlled_inputs(w):
    """What the set ``w.cell`` is made from."""
    chosen = CONTROLLED[w.cell]
    prepared = f"<data>/prepared/{w.dataset}"
    if chosen["source"] == "clips":
        return {"clips": f"{prepared}/index.csv", "audio": f"{prepared}/audio.npy"}
    folder = f"<data>/formats/{w.dataset}/{chosen['format']}"
    inputs = {name: f"{folder}/{name}.npy" for name in ("clips", "controls")}
    inputs |= {"index": f"{folder}/index.csv", "facts": f"{folder}/format.json"}
    inputs["codec"] = f"<models>/codecs/{w.dataset}/{format_codec(chosen['format'])}/codec.json"
    if chosen["source"] == "trained":
        inputs["weights"] = f"<models>/controlled/{w.dataset}/{chosen['cell']}/{w.seed}/weights.safetensors"
    if chosen["handmade"]:
        inputs["handmade"] = sorted(map(str, Path(HANDMADE).glob("*.csv")))
    return inputs


def controlled_settings(name, seed, **more):
    """What a set depends on besides its inputs."""
    chosen, makes = CONTROLLED[name], MANTE["generate"]
    codec, system = format_codec(chosen["format"]), MANTE["cells"][chosen["cell"]]["system"]
    base = {
        "source": chosen["source"],
        "split": chosen["split"],
        "seconds": chosen["seconds"],
        "clips": makes["reference_clips" if chosen["split"] == makes["reference"] else "clips"],
    }
    if chosen["source"] == "clips":
        return base
    base |= {
        "codec": codec,
        "block": PARAMS["codec"][codec],
        "array": PARAMS["formats"][chosen["format"]]["array"],
        "batch": makes["batch"],
        "noise_seed": makes["noise_seed"],
        "free": chosen["free"],
    }
    if chosen["source"] != "codec":
        base |= {
            "cell": cell_settings(chosen["cell"], seed),
            "sampler": MANTE["samplers"][system] | chosen["sampler"],
        }
    return base | more


def controlled_code(name):
    """The plug-ins that a set runs through."""
    chosen = CONTROLLED[name]
    if chosen["source"] == "clips":
        return []
    codec = [f"etude.codecs.{format_codec(chosen['format'])}"]
    return (
        codec if chosen["source"] == "codec" else [*codec, f"etude.systems.{MANTE['cells'][chosen['cell']]['system']}"]
    )


rule generate_controlled_set:
    input:
        unpack(controlled_inputs),
    output:
        "<data>/controlled/{dataset}/{cell}/{seed}/index.csv",
    log:
        "<logs>/generate/{dataset}/controlled_{cell}/{seed}.log",
    wildcard_constraints:
        cell="|".join(CONTROLLED),
    resources:
        runtime=100 * 60,
        mem_mb=8000,
    params:
        settings=lambda w: settings(controlled_settings(w.cell, w.seed)),
        code=lambda w: code("stages.generate.controlled", *controlled_code(w.cell)),
        paths=lambda w, input: " ".join(
            f"--{option} {input.get(name, 'none')}"
            for option, name in {"data": "index", "codec": "codec", "weights": "weights", "clips": "clips"}.items()
        ),
        controls=lambda w: HANDMADE if CONTROLLED[w.cell]["handmade"] else "none",
        folder=subpath(output[0], parent=True),
    shell:
        "python -m stages.generate.controlled --settings {params.settings:q} {params.paths}"
        " --controls {params.controls} --out {params.folder} 2>&1 | tee {log}"


# All cells in one job, so that their times can be compared.
rule time_controlled:
    input:
        facts=lambda w: expand(
            "<data>/formats/{dataset}/{format}/format.json",
            dataset=w.dataset,
            format=sorted({cell["format"] for cell in MANTE["cells"].values()}),
        ),
        codecs=lambda w: expand(
            "<models>/codecs/{dataset}/{codec}/codec.json",
            dataset=w.dataset,
            codec=sorted({format_codec(cell["format"]) for cell in MANTE["cells"].values()}),
        ),
    output:
        "<reports>/evaluate/speed/{dataset}.csv",
    log:
        "<logs>/generate/{dataset}/speed.log",
    threads: MANTE["speed"]["threads"]
    resources:
        runtime=240,
        mem_mb=8000,
    params:
        settings=lambda w: settings(
            MANTE["speed"],
            dataset=w.dataset,
            whole={system: {"steps": None} for system in ("ddpm", "discdpm")},
            cells={
                name: controlled_settings(
                    name, 0, format=cell["format"], batch=cell["time_batch"] or MANTE["speed"]["batch"]
                )
                for name, cell in MANTE["cells"].items()
            },
        ),
        code=code(
            "stages.generate.speed",
            *sorted({module for name in MANTE["cells"] for module in controlled_code(name)}),
        ),
        formats=lambda w, input: Path(input.facts[0]).parents[1],
        codecs=lambda w, input: Path(input.codecs[0]).parents[1],
    shell:
        "python -m stages.generate.speed --settings {params.settings:q} --formats {params.formats}"
        " --codecs {params.codecs} --out {output} 2>&1 | tee {log}"
