import time

import pytest

from etude.pipeline import progress as module
from etude.pipeline.progress import progress


@pytest.fixture(autouse=True)
def nobody_has_said_how_often(monkeypatch):
    """Whoever reads the Snakefile in this process does."""
    monkeypatch.delenv(module.SECONDS, raising=False)


def test_items_pass_through_and_a_log_gets_a_line_now_and_then(monkeypatch, capsys):
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.0)
    assert list(progress([1, 2, 3], "counting", note=lambda: "so far so good")) == [1, 2, 3]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("counting: 1/3, ") and lines[0].endswith(" s left, so far so good")


def test_a_resumed_count_goes_on_where_it_was(monkeypatch, capsys):
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.0)
    list(progress(range(90, 100), "steps", total=100, start=90))
    assert capsys.readouterr().err.splitlines()[-1].startswith("steps: 100/100, ")


def test_an_unknown_total_is_not_made_up(monkeypatch, capsys):
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.0)
    list(progress(iter([1]), "bytes", total=0))
    assert "/0" not in (line := capsys.readouterr().err) and "left" not in line


def test_quick_work_is_quiet(capsys):
    began = time.monotonic()
    list(progress(range(1000), "quick"))
    assert time.monotonic() - began < module.QUIET_SECONDS and capsys.readouterr().err == ""


def test_the_workflow_says_how_many_seconds_lie_between_two_lines(monkeypatch, capsys):
    monkeypatch.setenv(module.SECONDS, "0")
    list(progress([1, 2], "watched"))
    monkeypatch.setenv(module.SECONDS, "often")
    list(progress([1, 2], "not understood"))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["watched", "watched"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.6, "1 min 0 s"), (61, "1 min 1 s"), (3600, "1 h 0 min 0 s"), (7384, "2 h 3 min 4 s")],
)
def test_durations_as_one_says_them(seconds, text):
    assert module.duration(seconds) == text
