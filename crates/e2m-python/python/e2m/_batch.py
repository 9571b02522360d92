"""Batches."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Union

from . import _e2m, _errors
from ._events import Reporter, _callback
from ._program import program
from ._results import BatchResult, _batch_result, _read_results

#: A batch file, or what would stand in one: ``{"raw_dir": "raw", "output_dir": "processed", "params": {"pad": 200}}``.
Batch = Union[str, "os.PathLike[str]", Mapping[str, Any]]


def _plain(value: object) -> object:
    """What JSON has no word for: paths, numbers of numpy, tuples and sets."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise _errors.BatchFileError(f"{value!r} cannot stand in a batch")


def _json(value: object) -> str:
    return json.dumps(value, default=_plain)


def _source(batch: Batch) -> str:
    if isinstance(batch, Mapping):
        return _json({"batch": dict(batch), "folder": os.getcwd()})
    return _json({"path": os.fspath(batch)})


def _options(
    samples: Sequence[str] | None = None,
    dyes: Sequence[str] | None = None,
    from_stage: int | None = None,
    to_stage: int | None = None,
    force: bool = False,
    redraw: bool = False,
) -> str:
    return _json(
        {
            "samples": _names("samples", samples),
            "dyes": _names("dyes", dyes),
            "from_stage": from_stage,
            "to_stage": to_stage,
            "force": force,
            "redraw": redraw,
        }
    )


def _names(key: str, names: Sequence[str] | None) -> list[str]:
    if names is None:
        return []
    if isinstance(names, str):
        return [names]
    if not all(isinstance(name, str) for name in names):
        raise _errors.BatchFileError(f"{key} is {names!r}, it must be a list of names")
    return list(names)


def run(
    batch: Batch,
    reporter: Reporter | None = None,
    *,
    samples: Sequence[str] | None = None,
    dyes: Sequence[str] | None = None,
    from_stage: int | None = None,
    to_stage: int | None = None,
    force: bool = False,
    redraw: bool = False,
    cancel: _e2m.CancelToken | None = None,
) -> BatchResult:
    """Runs a batch to its end, as the program does: the same files, to the byte.

    Parameters
    ----------
    batch
        A batch file, or a dict of what would stand in one; its relative folders are those of the current folder.
    reporter
        Called with each :class:`e2m.Event` on this thread. An exception of it stops the run and is raised.
    samples, dyes
        Only these.
    from_stage, to_stage
        Stages (1 to 5) from this one on are done again; the last stage.
    force, redraw
        Do every stage again; draw every picture again.
    cancel
        Stops the run from another thread.

    Returns
    -------
    BatchResult
        How each task ended. A task that fails stops no other and raises nothing: see :meth:`BatchResult.check`.

    Raises
    ------
    BatchFileError, RawImageError, RefusedError
        Where nothing was begun.
    KeyboardInterrupt, Cancelled
        After the rows at hand: results are written, and the next run goes on from there.
    """
    executable = program()
    document = _e2m.run(
        _source(batch),
        _options(samples, dyes, from_stage, to_stage, force, redraw),
        program=None if executable is None else os.fspath(executable),
        callback=_callback(reporter),
        cancel=cancel,
    )
    result = _batch_result(document)
    if result.exit_code == 130:
        raise _errors.Cancelled("stopped before all tasks were done; the next run goes on from there")
    return result


def status(
    batch: Batch, *, samples: Sequence[str] | None = None, dyes: Sequence[str] | None = None
) -> dict[str, Any]:
    """What is there of each task of a batch, and what a run would do: what ``e2m status BATCH --json`` prints."""
    document: dict[str, Any] = _e2m.status(_source(batch), _options(samples, dyes))
    return document


def batch_results(path: Batch) -> BatchResult:
    """The results that the last run of a batch has left.

    ``path`` is the batch file, the output folder, its ``e2m_batch.json``, or a batch as a dict.

    Raises
    ------
    ResultError
        Where there are none.
    """
    if isinstance(path, Mapping):
        return _read_results(Path(_e2m.output_dir(_source(path))))
    place = Path(path)
    if place.is_dir():
        return _read_results(place)
    if place.suffix == ".json":
        return _read_results(place.parent)
    return _read_results(Path(_e2m.output_dir(_source(place))))
