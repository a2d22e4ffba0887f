"""`etude doctor`: it finds what is there, says what is missing, and only what the default run needs is an error."""

import shutil
from pathlib import Path

import pytest

from etude import doctor
from etude.cli import main
from etude.errors import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Path:
    for name in ("params.yaml", "Snakefile"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("data/sources", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(root: Path) -> dict[str, doctor.Finding]:
    return {finding.what: finding for finding in doctor.examine(root)}


def test_this_machine_can_run_the_tables(project, capsys):
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    for what in ("project", "machine", "Python", "packages", "FluidSynth", "SoundFont", "GPU", "Slurm", "disk", "DVC"):
        assert f" {what} " in said, what
    assert "everything is there for `make run`" in said


def test_every_note_says_what_it_costs(project):
    for finding in doctor.examine(project):
        assert finding.found
        assert finding.state == "ok" or (finding.costs and finding.do) or finding.what == "packages", finding


def test_a_missing_package_is_an_error_and_another_version_a_note(project, monkeypatch):
    real = doctor.installed
    monkeypatch.setattr(doctor, "installed", lambda name: None if name == "soxr" else real(name))
    assert main(["doctor"]) == 1
    lost = next(f for f in doctor.packages(project, {}) if f.state == "missing")
    assert lost.found == "not installed: soxr" and lost.do == "make setup"
    monkeypatch.setattr(doctor, "installed", lambda name: "0.0.1" if name == "soxr" else real(name))
    [note] = [f for f in doctor.packages(project, {}) if f.what == "packages"]
    assert note.state == "note" and "soxr 0.0.1 (pinned: " in note.found


def test_pins_are_read_with_extras_and_without_remarks(tmp_path):
    (tmp_path / "r.txt").write_text("# a\nmoto[s3]==5.2.5\nPyYAML==6.0.3\nno-pin\n")
    assert doctor.pins(tmp_path / "r.txt") == {"moto": "5.2.5", "PyYAML": "6.0.3"}
    assert doctor.pins(tmp_path / "nowhere.txt") == {}


def test_without_fluidsynth_the_embedded_sets_cannot_be_made(project, monkeypatch):
    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(doctor.ctypes, "CDLL", missing)
    finding = found(project)["FluidSynth"]
    assert finding.state == "missing" and "gm_notes, gm_band cannot be made" in finding.costs
    (project / "params.yaml").write_text(
        (project / "params.yaml").read_text().replace("datasets: [gm_notes, gm_band]", "datasets: [nsynth]", 1)
    )
    assert found(project)["FluidSynth"].state == "note", "what is downloaded needs no synthesiser"


def test_a_full_disk_is_an_error(project, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 10**9))
    assert found(project)["disk"].state == "missing"


def test_weights_are_missing_only_where_the_grid_needs_them(project):
    text = (project / "params.yaml").read_text()
    assert found(project)["weights"].state == "note"
    (project / "params.yaml").write_text(text.replace("embeddings: [gm_cnn] ", "embeddings: [clap] ", 1))
    assert found(project)["judge.clap.weights"].state == "missing"
    (project / "params.yaml").write_text(text.replace("clap: {weights: null", "clap: {weights: nowhere.pt"))
    assert found(project)["judge.clap.weights"].found == "nowhere.pt: no such file"


def test_a_data_set_that_the_user_should_bring_is_looked_for(project, tmp_path):
    source = project / "data/sources/recorded_notes.yaml"
    source.write_text(source.read_text().replace("../shared/data/notes-cc0", "elsewhere"))
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(text.replace("datasets: [gm_notes, gm_band]", "datasets: [recorded_notes]", 1))
    assert found(project)["recorded_notes"].state == "missing"
    (project / "elsewhere").mkdir()
    (project / "elsewhere/index.csv").touch()
    assert "recorded_notes" not in found(project)


def test_params_that_are_refused_are_said_and_outside_a_project_is_one_sentence(project, tmp_path):
    (project / "params.yaml").write_text(
        (project / "params.yaml").read_text().replace("evaluate:\n", "evaluate:\n  group: 3\n", 1)
    )
    assert "evaluate.group is not a known key" in found(project)["project"].found and main(["doctor"]) == 1
    with pytest.raises(UserError, match="no Snakefile"):
        list(doctor.examine(tmp_path / "data"))
