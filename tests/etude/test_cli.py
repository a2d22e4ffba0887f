"""`etude --help` tells the story, and a shell can complete it."""

import subprocess

import pytest

from etude.cli import COMMANDS, GROUPS, command_line, main
from etude.completion import steps
from tests.tiny import ROOT


def test_help_names_every_command_once_in_the_order_in_which_one_meets_them(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    lines = capsys.readouterr().out.splitlines()
    named = [line.split()[0] for line in lines if line.startswith("  ") and line.split()[0] in COMMANDS]
    assert named == list(COMMANDS) and named.index("doctor") < named.index("run") < named.index("new")
    assert [line for line in lines if line.endswith(":")][1:] == [f"{title}:" for title in GROUPS]
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_helps(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: etude {name}") and COMMANDS[name][1][1:20] in said


def test_bash_completes_commands_options_and_targets(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    asked = """
    COMP_WORDS=(etude "${@}"); COMP_CWORD=$#; COMPREPLY=()
    _shtab_etude; printf '%s\\n' "${COMPREPLY[@]}"
    """

    def completed(*words: str) -> set[str]:
        done = subprocess.run(
            ["bash", "-c", f"{script}\n{asked}", "bash", *words], capture_output=True, text=True, timeout=20
        )
        return set(done.stdout.split())

    assert {"run", "recombine", "restore"} <= completed("r")
    assert "--scale" in completed("run", "--")
    assert {"train", "transfer"} & completed("run", "tr")
    assert completed("new", "s") == {"system"}


def test_steps_are_the_rules_that_ask_for_files():
    assert {"fetch", "prepare", "train", "report", "pichard2024"} <= set(steps(ROOT))


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        command_line(set()).parse_args(["runn"])
    assert ended.value.code == 2 and "invalid choice: 'runn'" in capsys.readouterr().err
