# mante2024: everything of Manté 2024 that has a counterpart here: Tables 4.1 and 4.2, control fidelity, sweeps, figures, claims.
# In:  reports/evaluate/{controlled,fidelity,speed}/..., models/controlled/..., papers/mante2024*   Out: reports/mante2024/
MANTE_PAPER = read_yaml("papers/mante2024.yaml")

MANTE_PRINTED = {"printed": "papers/mante2024_tables.csv", "paper": "papers/mante2024.yaml"}
# Table 4.2 has the cell with a row of its own there; all others stand beside those of Table 4.1.
BEST = [name for name in MANTE["cells"] if MANTE_PAPER["rows"].get(name, {}).get("row") == "EDM best model"]
TABLES = {"4.1": [name for name in MANTE["cells"] if name not in BEST], "4.2": BEST}
KNOBS = [knob for knob in ("churn", "steps", "guidance") if MANTE["sweeps"][knob]]
CONTROL_FIGURES = ["3_5", *(["4_2", "4_3"] if MANTE["figures"]["cells"] else [])]


localrules:
    mante2024,


rule mante2024:
    input:
        expand("<reports>/mante2024/table{number}.md", number=["4_1", "4_2"]),
        expand("<reports>/mante2024/sweep_{knob}.{kind}", knob=KNOBS, kind=["svg", "png"]),
        expand("<reports>/mante2024/figure{number}.{kind}", number=CONTROL_FIGURES, kind=["svg", "png"]),
        rules.mante2024_toys.input,
        "<reports>/mante2024/fad.csv",
        "<reports>/mante2024/fidelity.md",
        "<reports>/mante2024/claims.md",
        "<reports>/mante2024/index.html",


def beside(cell):
    """The sets that a cell is read against, and what its table needs to know of it."""
    own, chosen = MANTE["cells"][cell], CONTROLLED[cell]
    length = length_of(chosen)
    slow = MANTE_PAPER["slower"].get(cell, "")
    return {
        "format": own["format"],
        "seconds": chosen["seconds"],
        "round_trip": f"round_trip_{own['format']}_{length}",
        "originals": f"originals_{length}",
        "untrained": f"untrained_{cell}" if cell in MANTE["generate"]["untrained"] else "",
        "slow": slow if slow in MANTE["cells"] else "",
    }


def sets_beside(cells):
    named = [beside(cell) for cell in cells]
    others = {one[kind] for one in named for kind in ("round_trip", "originals", "untrained")} - {""}
    return [*cells, *sorted(others)]


def mante_settings(**more):
    return settings(
        datasets=MANTE["datasets"],
        embeddings=MANTE["embeddings"],
        seeds=MANTE["seeds"],
        scale=PARAMS["scale"],
        **more,
    )


rule mante2024_table4_1:
    input:
        **MANTE_PRINTED,
        fad=controlled_fads(sets_beside(TABLES["4.1"])),
        speed=expand("<reports>/evaluate/speed/{dataset}.csv", dataset=MANTE["datasets"]),
        trained=expand(
            "<models>/controlled/{dataset}/{cell}/{seed}/{file}",
            dataset=MANTE["datasets"],
            cell=TABLES["4.1"],
            seed=MANTE["seeds"],
            file=["training.json", "loss.csv"],
        ),
        facts=[
            f"<data>/formats/{dataset}/{name}/format.json"
            for dataset in MANTE["datasets"]
            for name in sorted({MANTE["cells"][cell]["format"] for cell in TABLES["4.1"]})
        ],
    output:
        csv=report(
            "<reports>/mante2024/table4_1.csv",
            caption="captions/controlled_table.rst",
            category="Manté 2024",
            labels={"shown": "Table 4.1", "about": "paradigms on formats"},
        ),
        md="<reports>/mante2024/table4_1.md",
    log:
        "<logs>/report/mante2024/table4_1.log",
    params:
        settings=mante_settings(
            table="4.1",
            order=TABLES["4.1"],
            cells={cell: beside(cell) for cell in TABLES["4.1"]},
            clips=MANTE["generate"]["clips"],
            batch=MANTE["speed"]["batch"],
            metric_code=code("stages.evaluate.fad"),
        ),
        code=code("stages.report.controlled_table"),
        reports=f"{ROOT}reports",
        models=f"{ROOT}models/controlled",
        formats=f"{ROOT}data/formats",
    shell:
        "python -m stages.report.controlled_table --settings {params.settings:q} --printed {input.printed}"
        " --reports {params.reports} --models {params.models} --formats {params.formats}"
        " --csv {output.csv} --md {output.md} 2>&1 | tee {log}"


use rule mante2024_table4_1 as mante2024_table4_2 with:
    input:
        **MANTE_PRINTED,
        fad=controlled_fads(sets_beside(TABLES["4.2"])),
        speed=expand("<reports>/evaluate/speed/{dataset}.csv", dataset=MANTE["datasets"]),
        trained=expand(
            "<models>/controlled/{dataset}/{cell}/{seed}/{file}",
            dataset=MANTE["datasets"],
            cell=TABLES["4.2"],
            seed=MANTE["seeds"],
            file=["training.json", "loss.csv"],
        ),
        facts=[
            f"<data>/formats/{dataset}/{name}/format.json"
            for dataset in MANTE["datasets"]
            for name in sorted({MANTE["cells"][cell]["format"] for cell in TABLES["4.2"]})
        ],
    output:
        csv=report(
            "<reports>/mante2024/table4_2.csv",
            caption="captions/controlled_table.rst",
            category="Manté 2024",
            labels={"shown": "Table 4.2", "about": "the best model"},
        ),
        md="<reports>/mante2024/table4_2.md",
    log:
        "<logs>/report/mante2024/table4_2.log",
    params:
        settings=mante_settings(
            table="4.2",
            order=TABLES["4.2"],
            cells={cell: beside(cell) for cell in TABLES["4.2"]},
            clips=MANTE["generate"]["clips"],
            batch=MANTE["speed"]["batch"],
            metric_code=code("stages.evaluate.fad"),
        ),
        code=code("stages.report.controlled_table"),
        reports=f"{ROOT}reports",
        models=f"{ROOT}models/controlled",
        formats=f"{ROOT}data/formats",


rule mante2024_fad:
    input:
        **MANTE_PRINTED,
        fad=controlled_fads(sets_beside(MANTE["cells"])),
    output:
        report(
            "<reports>/mante2024/fad.csv",
            caption="captions/fad.rst",
            category="Manté 2024",
            labels={"shown": "FAD", "about": "all cells"},
        ),
    log:
        "<logs>/report/mante2024/fad.log",
    params:
        settings=mante_settings(
            order=list(MANTE["cells"]),
            cells={cell: beside(cell) for cell in MANTE["cells"]},
            variant=PARAMS["variant"],
            metric_code=code("stages.evaluate.fad"),
        ),
        code=code("stages.report.controlled_fad"),
        evaluated=f"{ROOT}reports/evaluate/controlled",
    shell:
        "python -m stages.report.controlled_fad --settings {params.settings:q} --printed {input.printed}"
        " --evaluated {params.evaluated} --csv {output} 2>&1 | tee {log}"


def heard_sets():
    """Sets whose fidelity is a line of the table: what kind of line, seeds, whether it is also held against others' controls."""
    kinds = {"trained": "system", "untrained": "floor", "codec": "ceiling", "clips": "ceiling"}
    swept = {name for name, _, _ in sweep_points(MANTE)}
    return {
        name: {"kind": kinds[one["source"]], "seeds": seeds_of(name), "shuffled": name in MANTE["cells"]}
        for name, one in CONTROLLED.items()
        if not one["handmade"] and name not in swept and not name.startswith("reference_")
    }


rule mante2024_fidelity:
    input:
        **MANTE_PRINTED,
        scores=fidelity_tables(heard_sets()),
    output:
        csv=report(
            "<reports>/mante2024/fidelity.csv",
            caption="captions/fidelity.rst",
            category="Manté 2024",
            labels={"shown": "Control fidelity", "about": "are the controls heard"},
        ),
        md="<reports>/mante2024/fidelity.md",
    log:
        "<logs>/report/mante2024/fidelity.log",
    params:
        settings=mante_settings(
            order=list(heard_sets()), sets=heard_sets(), metric_code=code("stages.evaluate.fidelity")
        ),
        code=code("stages.report.fidelity_table"),
        evaluated=f"{ROOT}reports/evaluate/fidelity",
    shell:
        "python -m stages.report.fidelity_table --settings {params.settings:q} --printed {input.printed}"
        " --evaluated {params.evaluated} --csv {output.csv} --md {output.md} 2>&1 | tee {log}"


def swept(knob):
    """(value, set) of every point of a sweep, with the cell's own."""
    cell = MANTE["sweeps"]["cell"]
    own = MANTE["samplers"][MANTE["cells"][cell]["system"]][knob]
    return [[own, cell], *([change[knob], name] for name, change, _ in sweep_points(MANTE) if knob in change)]


rule mante2024_sweep:
    input:
        fad=lambda w: controlled_fads([name for _, name in swept(w.knob)]),
        scores=lambda w: fidelity_tables([name for _, name in swept(w.knob)]),
    output:
        csv=report(
            "<reports>/mante2024/sweep_{knob}.csv",
            caption="captions/sweep.rst",
            category="Manté 2024",
            labels={"shown": "Sweep of {knob}", "about": "numbers"},
        ),
        svg=report(
            "<reports>/mante2024/sweep_{knob}.svg",
            caption="captions/sweep.rst",
            category="Manté 2024",
            labels={"shown": "Sweep of {knob}", "about": "picture"},
        ),
        png="<reports>/mante2024/sweep_{knob}.png",
    log:
        "<logs>/report/mante2024/sweep_{knob}.log",
    wildcard_constraints:
        knob="churn|steps|guidance",
    params:
        settings=lambda w: mante_settings(
            cell=MANTE["sweeps"]["cell"], knob=w.knob, points=swept(w.knob), seed=MANTE["seeds"][0]
        ),
        code=code("stages.report.sweep"),
        reports=f"{ROOT}reports",
    shell:
        "python -m stages.report.sweep --settings {params.settings:q} --reports {params.reports}"
        " --csv {output.csv} --svg {output.svg} --png {output.png} 2>&1 | tee {log}"


def shown_format():
    """The format whose controls the figures show: that of the cell that plays the hand-made ones, or else the first."""
    cell = next(iter(MANTE["figures"]["cells"] or MANTE["cells"]))
    return MANTE["cells"][cell]["format"]


def handmade_of(what):
    """Paths of the set that the figures show."""
    dataset, cell, seed = MANTE["datasets"][0], MANTE["figures"]["cells"][0], MANTE["seeds"][0]
    return {
        "clips": f"<data>/controlled/{dataset}/handmade_{cell}/{seed}/index.csv",
        "scores": f"<reports>/evaluate/fidelity/{dataset}/handmade_{cell}/{seed}.clips.csv",
    }[what]


rule mante2024_figure:
    input:
        facts=f"<data>/formats/{MANTE['datasets'][0]}/{shown_format()}/format.json",
        controls=f"<data>/formats/{MANTE['datasets'][0]}/{shown_format()}/controls.npy",
        index=f"<data>/formats/{MANTE['datasets'][0]}/{shown_format()}/index.csv",
        clips=lambda w: [] if w.number == "3_5" else handmade_of("clips"),
        scores=lambda w: [] if w.number == "3_5" else handmade_of("scores"),
        handmade=sorted(map(str, Path(HANDMADE).glob("*.csv"))),
    output:
        csv=report(
            "<reports>/mante2024/figure{number}.csv",
            caption="captions/control_figure.rst",
            category="Manté 2024",
            labels={"shown": "Figure {number}", "about": "numbers"},
        ),
        svg=report(
            "<reports>/mante2024/figure{number}.svg",
            caption="captions/control_figure.rst",
            category="Manté 2024",
            labels={"shown": "Figure {number}", "about": "controls and what came of them"},
        ),
        png="<reports>/mante2024/figure{number}.png",
    log:
        "<logs>/report/mante2024/figure{number}.log",
    wildcard_constraints:
        number="3_5|4_2|4_3",
    params:
        settings=lambda w: settings(
            figure=w.number.replace("_", "."),
            name=w.number,
            cell=MANTE["figures"]["cells"][0] if MANTE["figures"]["cells"] else "",
            triplets=MANTE["figures"]["triplets"],
            noise_seed=MANTE["generate"]["noise_seed"],
            title=f"Figure {w.number.replace('_', '.')} (Manté 2024): "
            + {
                "3_5": "controls of clips of the data set",
                "4_2": "under hand-made controls",
                "4_3": "under hand-made controls, one left free",
            }[w.number]
            + f", {PARAMS['scale']} scale",
            scale=PARAMS["scale"],
        ),
        code=code("stages.report.control_figures"),
        options=lambda w, input: " ".join(f"--{name} {input.get(name) or 'none'}" for name in ("clips", "scores")),
        controls=lambda w: "none" if w.number == "3_5" else HANDMADE,
    shell:
        "python -m stages.report.control_figures --settings {params.settings:q} --facts {input.facts} {params.options}"
        " --controls {params.controls} --csv {output.csv} --svg {output.svg} --png {output.png} 2>&1 | tee {log}"


use rule pichard2024_claims as mante2024_claims with:
    input:
        **MANTE_PRINTED,
        claims="papers/mante2024_claims.yaml",
        evidence=[
            "<reports>/mante2024/table4_1.csv",
            "<reports>/mante2024/table4_2.csv",
            "<reports>/mante2024/fidelity.csv",
        ],
    output:
        csv=report(
            "<reports>/mante2024/claims.csv",
            caption="captions/claims.rst",
            category="Manté 2024",
            labels={"shown": "Claims", "about": "verdicts"},
        ),
        md="<reports>/mante2024/claims.md",
    log:
        "<logs>/report/mante2024/claims.log",
    params:
        settings=settings(
            scale=PARAMS["scale"],
            variant=PARAMS["variant"],
            grid={"datasets": MANTE["datasets"], "codecs": [""], "seeds": MANTE["seeds"]},
        ),
        code=code("stages.report.claims"),
        evidence=lambda w, input: ",".join(input.evidence),
