"""Who is paired with whom."""

from collections import Counter
from types import SimpleNamespace

import pytest

from etude.errors import UserError
from stages.generate.swaps import pairs, swaps, triples

ROWS = [
    {"clip": f"{family}-{pitch}", "instrument": f"{family}_{pitch % 2}", "pitch": str(pitch)}
    for family in ("reed", "string", "organ")
    for pitch in range(60, 70)
]
BY_CLIP = {row["clip"]: row for row in ROWS}


def settings(**changes):
    return SimpleNamespace(**({"pairs": 7, "triples": 5, "pairing": "uniform", "seed": 0} | changes))


def test_a_pair_gives_each_level_once_and_all_of_them():
    made = swaps(ROWS, [4, 8, 16], settings())
    assert Counter(swap.protocol for swap in made) == {"A": 21, "A_all": 7, "B": 5}
    assert len({swap.clip for swap in made}) == 33
    for swap in made:
        givers = (swap.coarse, swap.middle, swap.fine)
        if swap.protocol == "B":
            assert len(set(givers)) == 3
        else:
            from_target = {"4": (1, 0, 0), "8": (0, 1, 0), "16": (0, 0, 1), "all": (1, 1, 1)}[swap.frames]
            assert givers == tuple(swap.target if taken else swap.source for taken in from_target)
            assert swap.noise == swap.source != swap.target


def test_the_choice_depends_on_the_seed_and_not_on_the_order_of_the_index():
    assert swaps(ROWS, [4, 8, 16], settings()) == swaps(ROWS, [4, 8, 16], settings())
    assert pairs(ROWS, 20, "uniform", 0) != pairs(ROWS, 20, "uniform", 1)
    assert pairs(ROWS[::-1], 20, "uniform", 0) == pairs(ROWS, 20, "uniform", 0)


def test_every_clip_is_a_source_as_often_as_any_other():
    assert set(Counter(source for source, _ in pairs(ROWS, 90, "uniform", 0)).values()) == {3}


def test_different_means_another_instrument_and_another_pitch():
    for group in [*pairs(ROWS, 90, "different", 0), *triples(ROWS, 40, "different", 0)]:
        for key in ("instrument", "pitch"):
            assert len({BY_CLIP[clip][key] for clip in group}) == len(group)
    alike = [BY_CLIP[a]["pitch"] == BY_CLIP[b]["pitch"] for a, b in pairs(ROWS, 90, "uniform", 0)]
    assert any(alike), "uniform pairs are different by chance: this data shows nothing"


def test_without_labels_different_is_any_other():
    bare = [{"clip": f"c{k}", "instrument": "", "pitch": ""} for k in range(4)]
    assert all(source != target for source, target in pairs(bare, 10, "different", 0))


def test_too_few_clips_are_one_sentence():
    with pytest.raises(UserError, match=r"among 1 clips none can be put beside .*; raise generate\.clips"):
        pairs(ROWS[:1], 3, "uniform", 0)
    with pytest.raises(UserError, match="none of another instrument and another pitch"):
        pairs([row for row in ROWS if row["instrument"] == "reed_0"], 3, "different", 0)
