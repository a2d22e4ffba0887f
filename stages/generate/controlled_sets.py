"""Which sets of clips Manté 2024 is judged by: every cell, and what it has to be read against.

Each set is a word in a path and one entry of :func:`controlled_sets`, which says all that a rule needs to know.
"""

from typing import Any

FEATURES = ("velocity", "pitch", "instrument")


def controlled_sets(mante: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By name, of block ``mante2024`` of params.yaml: cell, format, source, split, seconds, free, sampler, controls.

    ``source``: trained or untrained systems, the codec's round trip, or the clips themselves. ``free``: features that
    are not given (M-10). ``sampler``: what it changes in the cell's sampler. Names:

    <cell>; untrained_<cell>; free_<feature>_<cell>; churn_<S>_<cell>, steps_<n>_<cell>, guidance_<w>_<cell> (the
    sweeps); handmade_<cell> (controls of papers/mante2024_controls); originals_<n>s, of the split that gives the
    controls; reference_<n>s, what distances are measured from; round_trip_<format>_<n>s.
    """
    cells, sets = mante["cells"], {}
    makes = mante["generate"]

    def add(name: str, cell: str, source: str = "trained", **more) -> None:
        own = {"cell": cell, "format": cells[cell]["format"], "source": source, "split": makes["split"]}
        free = {"seconds": seconds_of(mante, cell), "free": [], "sampler": {}, "handmade": False}
        sets[name] = own | free | more

    for cell in cells:
        length = length_of({"seconds": seconds_of(mante, cell)})
        add(cell, cell)
        add(f"round_trip_{cells[cell]['format']}_{length}", cell, "codec")
        add(f"originals_{length}", cell, "clips")
        add(f"reference_{length}", cell, "clips", split=makes["reference"])
    for cell in makes["untrained"]:
        add(f"untrained_{cell}", cell, "untrained")
    for cell in mante["fidelity"]["free"]:
        for feature in FEATURES:
            add(f"free_{feature}_{cell}", cell, free=[feature])
    for name, change, cell in sweep_points(mante):
        add(name, cell, sampler=change)
    for cell in mante["figures"]["cells"]:
        add(f"handmade_{cell}", cell, handmade=True, seconds=mante["figures"]["seconds"])
    return sets


def sweep_points(mante: dict[str, Any]) -> list[tuple[str, dict[str, float], str]]:
    """(name of the set, what it changes in the sampler, cell) of every point of the sweeps (M-49, M-55)."""
    sweeps = mante["sweeps"]
    return [
        (f"{knob}_{word(value)}_{sweeps['cell']}", {knob: value}, sweeps["cell"])
        for knob in ("churn", "steps", "guidance")
        for value in sweeps[knob]
    ]


def word(value: float) -> str:
    """A number as part of a name: 0.5 is 0p5, -1 is m1."""
    return f"{value:g}".replace(".", "p").replace("-", "m")


def seconds_of(mante: dict[str, Any], cell: str) -> float:
    """Duration of the clips of ``cell``: its own, or everybody's (M-43: 4 s for Table 4.1, 8 s for Table 4.2)."""
    return mante["cells"][cell].get("seconds") or mante["generate"]["seconds"]


def length_of(chosen: dict[str, Any]) -> str:
    """The duration of a set as its reference's name has it."""
    return f"{word(chosen['seconds'])}s"
