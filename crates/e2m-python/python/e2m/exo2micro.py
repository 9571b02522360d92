"""The names of the Python program exo2micro, done by e2m, so that a notebook runs after one import is changed::

    import e2m.exo2micro as exo2micro            # was: import exo2micro

    run = exo2micro.SampleDye("CD070", "DAPI", output_dir="processed", raw_dir="raw")
    run.set_params(scale_percentile=50.0)
    result = run.run()
    results = exo2micro.run_batch(samples=["CD070", "CD063"], dyes=["DAPI"], parallel=True, n_workers=2)

The same: arguments, parameters, folders, file names, the keys of results. Different, and said by an :class:`Exo2microDifference`
at the first use: numbers (docs/from-exo2micro.md says why), a status that can be "suspect: …", a fifth stage that finds microbes.
What e2m has otherwise, such as plots and the panel, raises an AttributeError that names it.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from . import _e2m, _errors
from ._batch import batch_results
from ._batch import run as _run
from ._program import program
from ._results import TaskResult
from ._task import Task, parameters

__all__ = [
    "DEFAULTS",
    "MAX_STAGE",
    "Exo2microDifference",
    "SampleDye",
    "params_from_suffix",
    "print_summary",
    "run_batch",
]

#: The default of each parameter.
DEFAULTS: dict[str, Any] = {row["name"]: row["default"] for row in parameters()}
#: The last stage; exo2micro had four.
MAX_STAGE = 5

#: What the program had and e2m has otherwise.
_ELSEWHERE = {
    "launch": "the panel is a page now: run `e2m serve` in a terminal",
    "run_serial": "use run_batch(...)",
    "run_parallel": "use run_batch(..., parallel=True)",
    "register_highorder": "use e2m.align(post, pre)",
    "prealign_phase_correlation": "use e2m.align(post, pre)",
    "load_image_pair": "use e2m.Task(sample, dye, ...).read('post') and .read('pre')",
    "classify_raw_files": "use e2m.status(batch), or `e2m check BATCH` in a terminal",
    "survey_raw_channels": "use `e2m survey BATCH` in a terminal",
    "pad_images": "use numpy.pad",
    "tiff_to_fits": "use checkpoint_format='both', or `e2m convert` in a terminal",
    "plot_zoom": "use `e2m zoom` in a terminal, or Task.read(..., box=...)",
    "plot_zoom_multi": "use `e2m zoom` in a terminal, or Task.read(..., box=...)",
    "plot_ratio_histogram_simple": "use e2m.scale(post, aligned); the picture is in pipeline_output",
    "PARAMETER_REGISTRY": "use e2m.parameters()",
}


class Exo2microDifference(UserWarning):
    """Says what is not as it was with exo2micro."""


_told = False


def _tell_once() -> None:
    global _told
    if not _told:
        _told = True
        text = (
            "e2m runs this instead of exo2micro. Scales and differences are not the same numbers, a status may be 'suspect: …', "
            "and stage 5 finds microbes; docs/from-exo2micro.md says what differs and why"
        )
        warnings.warn(text, Exo2microDifference, stacklevel=3)


def __getattr__(name: str) -> Any:
    if name in _ELSEWHERE:
        raise AttributeError(f"e2m has no {name}: {_ELSEWHERE[name]}")
    if name.startswith("plot_"):
        raise AttributeError(f"e2m has no {name}: every run draws its pictures into pipeline_output")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def params_from_suffix(suffix: str) -> dict[str, Any]:
    """The parameters that the suffix of a file name says: ``"_bw20_sp99.1"`` gives boundary_width and scale_percentile."""
    return _e2m.parse_suffix(suffix)


class SampleDye:
    """One (sample, dye), with the methods it had in exo2micro. :class:`e2m.Task` is what e2m has."""

    def __init__(
        self,
        sample: str,
        dye: str,
        output_dir: str | os.PathLike[str] = "processed",
        raw_dir: str | os.PathLike[str] = "raw",
        checkpoint_format: Literal["tiff", "fits", "both"] = "tiff",
    ) -> None:
        _tell_once()
        #: The same as a task of e2m.
        self.task = Task(sample, dye, raw_dir, output_dir, checkpoint_format=checkpoint_format)

    @property
    def sample(self) -> str:
        """The sample."""
        return self.task.sample

    @property
    def dye(self) -> str:
        """The dye."""
        return self.task.dye

    @property
    def output_dir(self) -> str:
        """Where results go."""
        return os.fspath(self.task.output_dir)

    @property
    def raw_dir(self) -> str:
        """Where raw images are."""
        return os.fspath(self.task.raw_dir)

    @property
    def params(self) -> dict[str, Any]:
        """All parameters with their values."""
        return self.task.params

    def set_params(self, **params: Any) -> None:
        """Sets parameters; an unknown one is a ValueError."""
        self.task.set_params(**params)

    def reset_params(self) -> None:
        """All parameters to their defaults."""
        self.task.reset_params()

    def non_default_params(self, stage: int | None = None) -> dict[str, Any]:
        """Those that differ from their default, of stages up to ``stage``."""
        return self.task.non_default_params(stage)

    def run(
        self, from_stage: int | None = None, to_stage: int | None = None, force: bool = False
    ) -> dict[str, Any]:
        """Runs it. What goes wrong is the status of the result, as it was; nothing is raised but KeyboardInterrupt."""
        # With a stage to begin at, force never meant the stages before it.
        everything = force and from_stage is None
        try:
            result = self.task.run(from_stage, to_stage, force=everything)
        except _errors.E2mError as error:
            print(f"{self.sample}/{self.dye}: error: {error}")
            return _result(self.sample, self.dye, f"error: {error}", self.task.manual_scale)
        return _of(result, self.task.manual_scale)

    def status(self) -> None:
        """Prints which stages are there for these parameters, and which would be done."""
        try:
            found = self.task.status()
        except _errors.E2mError as error:
            print(f"{self.sample}/{self.dye}: {error}")
            return
        print(f"{self.sample}/{self.dye}: {found.get('status') or 'not begun'}")
        for number, stage in enumerate(found.get("stages", ()), start=1):
            print(f"  [{'x' if stage == 'there' else ' '}] stage {number}: {stage}")

    def compare(self, name: str, values: Iterable[Any]) -> list[tuple[Any, dict[str, Any]]]:
        """Runs it with each value of a parameter; answers with (value, result) pairs, and leaves the parameter as it was."""
        before = self.task.params[name]
        results = []
        try:
            for value in values:
                self.task.set_params(**{name: value})
                results.append((value, self.run()))
        finally:
            self.task.set_params(**{name: before})
        return results

    def __repr__(self) -> str:
        return f"SampleDye({self.sample!r}, {self.dye!r})"

    def _repr_html_(self) -> str:
        return self.task._repr_html_()


def run_batch(
    samples: Sequence[str],
    dyes: Sequence[str],
    parallel: bool | Literal["subprocess"] = False,
    n_workers: int = 4,
    params: Mapping[str, Any] | None = None,
    output_dir: str | os.PathLike[str] = "processed",
    raw_dir: str | os.PathLike[str] = "raw",
    from_stage: int | None = None,
    to_stage: int | None = None,
    force: bool = False,
    checkpoint_format: Literal["tiff", "fits", "both"] = "tiff",
    **execution: Any,
) -> list[dict[str, Any]]:
    """Runs every dye of every sample and prints a summary; answers with a dict for each, dye by dye, as it was.

    A pair that is missing, or a task that fails, is a result whose status begins with "error: ". ``execution`` are further keys of
    ``[execution]`` of a batch file: ``use_threads``, ``timeout_per_task``, ``memory_limit``, ``force_run``, ``memory_debug``, ….
    """
    _tell_once()
    how: dict[str, Any] = {"parallel": parallel, **execution}
    if parallel is True:
        how["n_workers"] = n_workers
        if program() is None and "use_threads" not in how:
            text = "the program e2m was not installed with this module: tasks run in threads of this process, without limits"
            warnings.warn(text, Exo2microDifference, stacklevel=2)
            how["use_threads"] = True
    batch = {
        "raw_dir": raw_dir,
        "output_dir": output_dir,
        "samples": list(samples),
        "dyes": list(dyes),
        "strict_dyes": False,
        "checkpoint_format": checkpoint_format,
        "params": dict(params or {}),
        "execution": how,
    }
    manual = (params or {}).get("manual_scale")
    wanted = [(sample, dye) for dye in dyes for sample in samples]
    everything = force and from_stage is None
    try:
        ended = _run(batch, from_stage=from_stage, to_stage=to_stage, force=everything)
    except _errors.RawImageError as error:
        results = [_result(sample, dye, f"error: {error}", manual) for sample, dye in wanted]
    else:
        done = {(task.sample, task.dye): _of(task, manual) for task in ended}
        missing = _missing(ended.output_dir)
        results = [
            done.get(pair) or _result(*pair, f"error: {missing.get(pair, 'the raw images are missing')}", manual)
            for pair in wanted
        ]
    print_summary(results)
    return results


def _missing(output_dir: Path) -> dict[tuple[str, str], str]:
    """Why pairs are missing, by the results of the batch."""
    import json

    batch_results(output_dir)  # says it in words where they cannot be used
    document = json.loads((output_dir / "e2m_batch.json").read_text(encoding="utf-8"))
    return {
        (pair["sample"], pair["dye"]): pair["status"] for pair in document.get("missing", ()) if pair.get("dye")
    }


def print_summary(results: Iterable[Mapping[str, Any]]) -> None:
    """Prints a line for each result."""
    for result in results:
        value = result["scale_estimate"]
        shown = f"{value:.4f}" if value is not None else "-"
        print(f"{result['sample']:<12} {result['dye']:<22} {shown:>10}  {result['status']}")


def _of(result: TaskResult, manual: float | None) -> dict[str, Any]:
    return {
        "sample": result.sample,
        "dye": result.dye,
        "scale_estimate": result.scale,
        "scale_percentile_value": result.facts.get("scale_percentile"),
        "manual_scale": manual,
        "status": result.status,
    }


def _result(sample: str, dye: str, status: str, manual: float | None) -> dict[str, Any]:
    return {
        "sample": sample,
        "dye": dye,
        "scale_estimate": None,
        "scale_percentile_value": None,
        "manual_scale": manual,
        "status": status,
    }
