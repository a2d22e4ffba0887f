"""Control files: what a sound designer draws, as CSV (M-07, M-08, M-09).

One column per row of the controls, by its name (velocity, chroma, piano, ...), values in 0..1, or -1 where that control
is left free. A column that is not there is free throughout; where one instrument has a column, the others are 0. Rows
are placed in time either by a column ``time`` (seconds; a row holds until the next), or by a constant rate: a first
line ``# frames_per_second: 75``, or ``rows_per_second`` of the caller.
"""

import csv
import difflib
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from etude.controls.tracks import FREE, control_features
from etude.errors import UserError
from etude.pipeline.files import atomic

TIME = "time"
RATE_LINE = "# frames_per_second:"
TOLERANCE = 1e-6  # seconds, and of values: what rounding in a text file may amount to


def read_controls(
    path: Path,
    names: Sequence[str],
    frame_rate: float,
    frames: int | None = None,
    rows_per_second: float | None = None,
    centre: float = 0.5,
) -> np.ndarray:
    """The file as controls: float32 [len(names), frames] at ``frame_rate`` Hz, each frame what holds at its centre.

    ``names`` are those of the rows, as :func:`~etude.controls.tracks.control_names` lists them; ``centre`` is as there.
    ``frames`` None takes the file's own length: its rows at their rate, or up to the time of its last row.
    Raises ``UserError``, one sentence, for a file that cannot be read, a name that is not known, a value outside
    0..1 that is not -1, instruments of which some are free and some not, times that do not increase from 0, no rate or
    two, and a length that is not that of the clip.
    """
    stated, header, table = _read(path)
    columns = [name for name in header if name != TIME]
    _check_names(path, header, names)
    _check_values(path, table, header)
    starts, seconds = _times(path, table, header, stated, rows_per_second)
    if frames is None:
        frames = max(1, round(seconds * frame_rate))
    elif starts[-1] >= frames / frame_rate + TOLERANCE and TIME in header:
        raise UserError(
            f"{path}: has a row at {starts[-1]:g} s, and the clip ends at {frames / frame_rate:g} s; shorten the file "
            "or ask for a longer clip"
        )
    elif TIME not in header and abs(seconds - frames / frame_rate) > max(seconds / len(table), 1 / frame_rate):
        raise UserError(
            f"{path}: {len(table)} rows last {seconds:g} s, {frames / frame_rate:g} s are expected; correct the number "
            "of rows or their rate"
        )
    rows = np.searchsorted(starts, (np.arange(frames) + centre) / frame_rate + TOLERANCE, side="right") - 1
    features = control_features(names)
    controls = np.full((len(names), frames), FREE, np.float32)
    if set(columns) & set(names[features["instrument"]]):
        controls[features["instrument"]] = 0.0
    for column in columns:
        controls[names.index(column)] = table[rows, header.index(column)]
    _check_together(path, controls, names, features)
    return controls


def write_controls(path: Path, controls: np.ndarray, names: Sequence[str], frame_rate: float) -> None:
    """Write ``controls`` [len(names), frames] so that :func:`read_controls` at ``frame_rate`` Hz gives them back."""
    if controls.shape[0] != len(names):
        raise ValueError(f"{controls.shape[0]} rows of controls and {len(names)} names")
    with atomic(path) as part, open(part, "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([TIME, *names])
        for frame, values in enumerate(np.asarray(controls, np.float32).T):
            writer.writerow([f"{frame / frame_rate:.6f}", *map(str, values)])


def _read(path: Path) -> tuple[float | None, list[str], np.ndarray]:
    """The rate stated in the first line, the header, and the values [rows, columns]."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise UserError(f"{path}: no such control file; give the path of a CSV file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not readable as a CSV file ({error}); save it as CSV in UTF-8") from None
    stated = None
    if lines and lines[0].startswith("#"):
        stated = _rate(path, lines[0])
        lines = lines[1:]
    rows = [[cell.strip() for cell in row] for row in csv.reader(line for line in lines if line.strip())]
    if len(rows) < 2:
        raise UserError(f"{path}: {len(rows)} lines found, a line of names and at least one of values expected")
    header = rows[0]
    values = np.empty((len(rows) - 1, len(header)))
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != len(header):
            raise UserError(
                f"{path}: row {number} has {len(row)} values, and there are {len(header)} names; correct it"
            )
        for column, cell in enumerate(row):
            try:
                values[number - 1, column] = float(cell)
            except ValueError:
                raise UserError(
                    f"{path}: row {number} has {cell!r} for {header[column]}; a number is expected, -1 where it is free"
                ) from None
    return stated, header, values


def _rate(path: Path, line: str) -> float:
    """The number in the line ``# frames_per_second: 75``."""
    try:
        rate = float(line.removeprefix(RATE_LINE)) if line.startswith(RATE_LINE) else math.nan
    except ValueError:
        rate = math.nan
    return _positive(rate, f"{path}: its first line is {line!r}; expected is {RATE_LINE} and a number above 0")


def _positive(rate: float, otherwise: str) -> float:
    if not (math.isfinite(rate) and rate > 0):
        raise UserError(otherwise)
    return rate


def _check_names(path: Path, header: list[str], names: Sequence[str]) -> None:
    for name in header:
        if name not in (TIME, *names):
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {close[0]}" if close else f"the names are {', '.join(names)}, and {TIME}"
            raise UserError(f"{path}: {name!r} is not a control; {hint}")
        if header.count(name) > 1:
            raise UserError(f"{path}: has {header.count(name)} columns {name!r}; keep one of them")


def _check_values(path: Path, table: np.ndarray, header: list[str]) -> None:
    for column, name in enumerate(header):
        values = table[:, column]
        allowed = np.isfinite(values)
        if name != TIME:
            allowed &= (values == FREE) | ((values >= 0) & (values <= 1))
        if not allowed.all():
            row = int(np.argmin(allowed))
            what = "a time in seconds" if name == TIME else "0..1, or -1 where it is free,"
            raise UserError(f"{path}: row {row + 1} has {values[row]:g} for {name}; {what} is expected")


def _times(
    path: Path, table: np.ndarray, header: list[str], stated: float | None, given: float | None
) -> tuple[np.ndarray, float]:
    """When each row begins [rows] and how long the file lasts, in seconds."""
    if given is not None:
        _positive(given, f"{path}: a rate of {given:g} rows a second was asked for; it must be above 0")
    rates = [rate for rate in (stated, given) if rate is not None]
    if TIME in header:
        times = table[:, header.index(TIME)]
        if rates and len(times) > 1 and np.abs(np.diff(times) * rates[0] - 1).max() > 0.01:
            raise UserError(
                f"{path}: its column {TIME} is not that of {rates[0]:g} rows a second, which is stated too; remove one"
            )
        if abs(times[0]) > TOLERANCE:
            raise UserError(f"{path}: begins at {times[0]:g} s; the first row must be at 0")
        if (late := np.flatnonzero(np.diff(times) <= 0)).size:
            row = int(late[0]) + 2
            raise UserError(f"{path}: row {row} is at {times[row - 1]:g} s, no later than the row before it; sort them")
        return times, float(times[-1])
    if not rates:
        raise UserError(
            f"{path}: says nothing of time; add a column {TIME} in seconds, or a first line `{RATE_LINE} 75`"
        )
    if len(set(rates)) > 1:
        raise UserError(f"{path}: states {stated:g} rows a second, and {given:g} was asked for; remove one of the two")
    return np.arange(len(table)) / rates[0], len(table) / rates[0]


def _check_together(path: Path, controls: np.ndarray, names: Sequence[str], features: dict[str, slice]) -> None:
    """Refuse a feature of several rows of which some are free and others not: no such thing was ever learned."""
    for rows in features.values():
        free = controls[rows] == FREE
        if (mixed := free.any(axis=0) & ~free.all(axis=0)).any():
            first = int(np.argmax(mixed))
            given = [name for name, is_free in zip(names[rows], free[:, first], strict=True) if not is_free]
            left = [name for name, is_free in zip(names[rows], free[:, first], strict=True) if is_free]
            raise UserError(
                f"{path}: {', '.join(given)} is given while {', '.join(left)} is free (-1); these go together, give "
                "all or none"
            )
