"""Work spread over spawned processes."""

import os
import signal

import pretty_midi
import pytest

from etude.errors import UserError
from etude.synth.fluid import render
from etude.synth.workers import spawn_map


def square(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def refuse(number: int) -> int:
    if number == 3:
        raise UserError("three is not wanted")
    return number


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def sound(pitch: int) -> bytes:
    return render([pretty_midi.Note(100, pitch, 0.0, 0.1)], 0, 2000, 16000, 1.0).tobytes()


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_order_is_kept(processes: int):
    results = list(spawn_map(square, range(50), processes, "squaring"))
    assert [result for result, _ in results] == [n * n for n in range(50)]
    pids = {pid for _, pid in results}
    assert pids == {os.getpid()} if processes == 1 else os.getpid() not in pids


def test_all_processes_work():
    assert len({pid for _, pid in spawn_map(slow_square, range(16), 2, "squaring")}) == 2


def slow_square(number: int) -> tuple[int, int]:
    import time

    time.sleep(0.05)
    return square(number)


def test_rendering_after_the_parent_has_rendered_does_not_hang():
    here = [sound(pitch) for pitch in (60, 62, 64)]
    assert list(spawn_map(sound, (60, 62, 64), 2, "rendering")) == here


def test_a_user_error_comes_through():
    with pytest.raises(UserError, match="three is not wanted"):
        list(spawn_map(refuse, range(8), 2, "refusing"))


def test_a_killed_process_is_reported():
    with pytest.raises(UserError, match=r"dying: a process was killed"):
        list(spawn_map(die, range(4), 2, "dying"))


def test_no_processes():
    with pytest.raises(UserError, match="0 processes"):
        list(spawn_map(square, range(4), 0, "squaring"))
