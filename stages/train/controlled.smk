# controlled: one cell of the memoir's tables, one seed: a diffusion system on one format, with time-varying controls.
# In:  data/formats/<dataset>/<format>/index.csv and the arrays beside it
# Out: models/controlled/<dataset>/<cell>/<seed>/weights.safetensors, loss.csv, training.json

from etude.config.cells import described_cell


def cell_settings(cell, seed):
    """What makes a trained cell what it is, but for how it is trained."""
    return described_cell(PARAMS, cell, int(seed))


def cell_format(w):
    return PARAMS["mante2024"]["cells"][w.cell]["format"]


localrules:
    controlled,


rule controlled:
    input:
        expand(
            "<models>/controlled/{dataset}/{cell}/{seed}/weights.safetensors",
            dataset=PARAMS["mante2024"]["datasets"],
            cell=PARAMS["mante2024"]["cells"],
            seed=PARAMS["mante2024"]["seeds"],
        ),


rule train_controlled:
    input:
        index=lambda w: f"<data>/formats/{w.dataset}/{cell_format(w)}/index.csv",
        facts=lambda w: f"<data>/formats/{w.dataset}/{cell_format(w)}/format.json",
        clips=lambda w: f"<data>/formats/{w.dataset}/{cell_format(w)}/clips.npy",
        controls=lambda w: f"<data>/formats/{w.dataset}/{cell_format(w)}/controls.npy",
    output:
        weights="<models>/controlled/{dataset}/{cell}/{seed}/weights.safetensors",
        loss="<models>/controlled/{dataset}/{cell}/{seed}/loss.csv",
        cost="<models>/controlled/{dataset}/{cell}/{seed}/training.json",
    log:
        "<logs>/train/{dataset}/controlled_{cell}/{seed}.log",
    wildcard_constraints:
        cell=r"[a-z][a-z0-9_]*",
    resources:
        runtime=100 * 60,
        mem_mb=8000,
    params:
        settings=lambda w: settings(
            cell_settings(w.cell, w.seed),
            train=PARAMS["mante2024"]["train"] | (PARAMS["mante2024"]["cells"][w.cell].get("train") or {}),
        ),
        code=lambda w: code(
            "stages.train.controlled", f"etude.systems.{PARAMS['mante2024']['cells'][w.cell]['system']}"
        ),
        folder=subpath(output.weights, parent=True),
        tensorboard=f"{ROOT}logs/tensorboard/{{dataset}}/controlled_{{cell}}/{{seed}}",
        scratch=f"{ROOT}scratch",
    shell:
        "python -m stages.train.controlled --settings {params.settings:q} --data {input.index}"
        " --scratch {params.scratch} --tensorboard {params.tensorboard} --out {params.folder} 2>&1 | tee {log}"
