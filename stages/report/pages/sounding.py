"""What the jobs of stages/report/sounds.py have laid out, as groups of players; and the points that sound."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from etude.pipeline.files import read_csv
from stages.report.note_names import pitch_name
from stages.report.sounds import POINTS

Row = dict[str, str]


def groups(dataset: str, index: Path, specified: Sequence[dict[str, Any]], prefix: str) -> list[dict[str, Any]]:
    """Per group of ``index``: title, says, behind (tables), dataset, labels (columns), items (lines) of players, each
    with the controls it was ``told``, and the ``drawn`` ones.

    ``specified``: the groups that the job was given. ``prefix``: path from the page to the folder of ``index``.
    """
    rows = [row for row in read_csv(index) if row["group"] != POINTS]
    found = []
    for number, group in enumerate(specified, start=1):
        mine = [row for row in rows if row["group"] == str(number)]
        labels = list(dict.fromkeys(row["label"] for row in mine))
        items = []
        for item in dict.fromkeys(row["item"] for row in mine):
            players = {row["label"]: _player(row, prefix) for row in mine if row["item"] == item}
            words = list(dict.fromkeys(player["words"] for player in players.values()))
            told = next((player["told"] for player in players.values() if player["told"]), "")
            named = words[0] if len(words) == 1 else item
            items.append({"name": item, "words": named, "told": told, "players": players})
        found.append(
            {
                **{key: group.get(key, default) for key, default in (("title", ""), ("says", ""), ("behind", []))},
                **{"dataset": dataset, "labels": labels, "items": items, "originals": list(group["originals"])},
                "drawn": _drawn(items),
            }
        )
    return found


def _drawn(items: Sequence[dict[str, Any]]) -> list[str]:
    """Names of the controls that are drawn somewhere."""
    players = [player for item in items for player in item["players"].values()]
    return list(dict.fromkeys(name for player in players for name in player["lines"]))


def _player(row: Row, prefix: str) -> dict[str, Any]:
    return {
        "file": f"{prefix}/{row['file']}",
        "picture": f"{prefix}/{row['picture']}",
        "words": row["words"],
        "clip": row["clip"],
        "seconds": f"{float(row['seconds']):.1f}",
        "lines": json.loads(row["lines"] or "{}"),
        "told": row["told"],
    }


def maps(tables: Sequence[dict[str, str]], indices: dict[str, Path], prefixes: dict[str, str]) -> list[dict[str, Any]]:
    """UMAPs of the points that sound: title, dataset, clips (name, words, instrument, pitch, file), levels with the
    place of each clip, and a note where there is none.

    ``tables``: of coordinates, as :meth:`stages.report.pages.plan.Plan.points` gives them; ``indices`` and
    ``prefixes``: the sounds of each data set, and the path to them.
    """
    found = []
    for one in tables:
        dataset = one["dataset"]
        sounding = {row["clip"]: row for row in read_csv(indices[dataset]) if row["group"] == POINTS}
        rows = [row for row in read_csv(one["path"]) if row["clip"] in sounding]
        names = list(dict.fromkeys(row["clip"] for row in rows))
        label = {row["clip"]: row for row in rows}
        levels = []
        for frames in sorted({int(row["frames"]) for row in rows}):
            here = {row["clip"]: row for row in rows if int(row["frames"]) == frames}
            note = next((row["note"] for row in here.values() if row["note"]), "")
            places = [] if note else [[_number(here[clip]["x"]), _number(here[clip]["y"])] for clip in names]
            levels.append({"frames": frames, "note": note, "places": places})
        words = [text for key, text in one.items() if key not in ("path", "dataset", "seed")]
        found.append(
            {
                "title": " ".join(words),
                "dataset": dataset,
                "seed": one.get("seed", ""),
                "total": len({row["clip"] for row in read_csv(one["path"])}),
                "folder": prefixes[dataset],
                "clips": [
                    {
                        "words": sounding[clip]["words"],
                        "instrument": label[clip]["instrument"],
                        "pitch": int(label[clip]["pitch"]) if label[clip]["pitch"] else None,
                        "name": pitch_name(label[clip]["pitch"]),
                        "file": sounding[clip]["file"],
                    }
                    for clip in names
                ],
                "levels": levels,
            }
        )
    return found


def _number(text: str) -> float:
    return round(float(text), 2)
