"""One sample and dye."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from . import _e2m, _errors
from ._arrays import _image_tag, _table
from ._batch import _json, _options
from ._catalogue import Catalogue, _catalogue, _frame, _has_pandas
from ._events import Reporter, _callback
from ._results import TaskResult

#: The image that a stage is asked for by its number.
_OF_STAGE = {1: "post", 2: "icp_pre", 3: "aligned_pre", 4: "difference", 5: "significance"}
_SETTINGS = ("checkpoint_format", "checkpoint_compression", "checkpoints")
#: Columns of the picture in a notebook.
_PICTURE_PX = 480


@lru_cache(maxsize=1)
def _defaults() -> dict[str, Any]:
    return {row["name"]: row["default"] for row in _e2m.parameters()}


@lru_cache(maxsize=1)
def _stages() -> dict[str, int]:
    return {row["name"]: row["stage"] for row in _e2m.parameters()}


def parameters() -> list[dict[str, Any]]:
    """The table of parameters: name, abbreviation in file names, stage, default, what is expected, meaning, when to change it."""
    return _e2m.parameters()


class Task:
    """One (sample, dye): its parameters, its run, its images and its catalogue.

    Parameters are attributes, under the names of ``[params]`` in a batch file; :func:`parameters` has them all::

        task = e2m.Task("CD070", "DAPI", raw_dir="raw", output_dir="processed", pad=200)
        task.scale_percentile = 50
        task.run()
        difference = task.read("difference", box=(1000, 1000, 512, 512))

    Parameters
    ----------
    sample, dye
        As in the names of the raw files, ``{raw_dir}/{sample}/…_{dye}.tif``.
    raw_dir, output_dir
        Folders; relative ones are those of the current folder at the time of the call.
    checkpoint_format, checkpoint_compression, checkpoints
        Which images are kept and how: see docs/batch-file.md.
    **params
        Parameters.
    """

    sample: str
    dye: str
    raw_dir: Path
    output_dir: Path
    checkpoint_format: str
    checkpoint_compression: str
    checkpoints: str

    def __init__(
        self,
        sample: str,
        dye: str,
        raw_dir: str | os.PathLike[str] = "raw",
        output_dir: str | os.PathLike[str] = "processed",
        *,
        checkpoint_format: Literal["tiff", "fits", "both"] = "tiff",
        checkpoint_compression: Literal["none", "deflate"] = "none",
        checkpoints: Literal["all", "aligned", "none"] = "all",
        **params: Any,
    ) -> None:
        keep = super().__setattr__
        keep("_params", {})
        keep("sample", sample)
        keep("dye", dye)
        keep("raw_dir", Path(raw_dir))
        keep("output_dir", Path(output_dir))
        keep("checkpoint_format", checkpoint_format)
        keep("checkpoint_compression", checkpoint_compression)
        keep("checkpoints", checkpoints)
        self.set_params(**params)

    # Parameters

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        defaults = _defaults()
        if name not in defaults:
            # The words of the program, which name the nearest parameter.
            try:
                _e2m.check_param(name, "null")
            except _errors.BatchFileError as error:
                raise AttributeError(str(error)) from None
        return self._params.get(name, defaults[name])

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("sample", "dye", "checkpoint_format", "checkpoint_compression", "checkpoints"):
            super().__setattr__(name, value)
        elif name in ("raw_dir", "output_dir"):
            super().__setattr__(name, Path(value))
        else:
            self.set_params(**{name: value})

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_defaults()})

    def set_params(self, **params: Any) -> None:
        """Sets parameters. Raises :class:`BatchFileError`, a ValueError, for an unknown name or a value out of range."""
        checked = {name: _e2m.check_param(name, _json(value)) for name, value in params.items()}
        self._params.update(checked)

    def reset_params(self) -> None:
        """All parameters to their defaults."""
        self._params.clear()

    @property
    def params(self) -> dict[str, Any]:
        """The values of all parameters."""
        return {**_defaults(), **self._params}

    def non_default_params(self, stage: int | None = None) -> dict[str, Any]:
        """Those that differ from their default; with ``stage`` only those of stages up to it."""
        defaults, stages = _defaults(), _stages()
        return {
            name: value
            for name, value in self.params.items()
            if value != defaults[name] and (stage is None or stages[name] <= stage)
        }

    # Work

    def _source(self) -> str:
        batch: dict[str, Any] = {
            "raw_dir": self.raw_dir,
            "output_dir": self.output_dir,
            "samples": [self.sample],
            "dyes": [self.dye],
            "params": self._params,
        }
        batch.update({key: getattr(self, key) for key in _SETTINGS})
        return _json({"batch": batch, "folder": os.getcwd()})

    def run(
        self,
        from_stage: int | None = None,
        to_stage: int | None = None,
        *,
        force: bool = False,
        redraw: bool = False,
        reporter: Reporter | None = None,
        cancel: _e2m.CancelToken | None = None,
    ) -> TaskResult:
        """Runs it in this process; results that are there are taken over, as the program does.

        Parameters
        ----------
        from_stage, to_stage
            Stages (1 to 5) from this one on are done again; the last stage.
        force, redraw
            Do every stage again; draw every picture again.
        reporter
            Called with each :class:`e2m.Event` on this thread.
        cancel
            Stops it from another thread.

        Raises
        ------
        RawImageError, AlignmentError, ScaleError, TaskError, RefusedError
            What it failed of. What was done until then stays.
        KeyboardInterrupt, Cancelled
            After the rows at hand; the next run goes on from there.
        """
        result = _e2m.run_task(
            self._source(),
            self.sample,
            self.dye,
            _options(None, None, from_stage, to_stage, force, redraw),
            callback=_callback(reporter),
            cancel=cancel,
        )
        return TaskResult._of(result)

    def status(self) -> dict[str, Any]:
        """What is there, and what a run would do: the task's entry of ``e2m status --json``.

        ``status``, ``finished``, ``stages`` (for each "there", "to do" or "again: why"), ``notes``, ``memory_bytes``, …

        Raises
        ------
        RawImageError
            Where the raw images are missing.
        """
        document = _e2m.status(self._source(), _options())
        for missing in document["missing"]:
            raise _errors.RawImageError(f"{missing['sample']}/{missing.get('dye')}: {missing['why']}")
        task: dict[str, Any] = document["tasks"][0]
        return task

    # Results

    def _record(self) -> dict[str, Any]:
        return _e2m.record(self._source(), self.sample, self.dye)

    def record(self) -> dict[str, Any]:
        """The manifest: inputs, parameters, warps on the canvas, alignment, scales, stages, files."""
        manifest: dict[str, Any] = self._record()["manifest"]
        return manifest

    @property
    def dir(self) -> Path:
        """The folder of its results."""
        return Path(self._record()["dir"])

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the canvas, which all its images have."""
        height, width = self._record()["shape"]
        return height, width

    def read(
        self, stage: str | int, box: Sequence[int] | None = None, step: int = 1
    ) -> NDArray[Any]:
        """Pixels of an image; of a file without compression nothing but these is read.

        Parameters
        ----------
        stage
            "post", "pre", "coarse_pre", "icp_pre", "interior_pre", "aligned_pre", "difference", "difference_percentile",
            "difference_manual", "mask", "significance", the beginning of a file name such as "01_padded_post", or a stage: 1
            post, 2 and 3 aligned pre, 4 difference, 5 significance.
        box
            (x, y, width, height) on the canvas, px; all of it where it is not given.
        step
            Every step x step pixels become one: their mean, or all their flags.

        Returns
        -------
        float32, uint8 for the mask, of shape (height / step, width / step), both rounded up
            An image that was not kept is made again from the raw file.

        Raises
        ------
        ResultError, RawImageError
        """
        name = _OF_STAGE.get(stage, str(stage)) if isinstance(stage, int) else stage
        region = None if box is None else [int(side) for side in box]
        if region is not None and (len(region) != 4 or min(region) < 0):
            raise _errors.ResultError(f"box is {box!r}, it must be (x, y, width, height) on the canvas")
        if step < 1:
            raise _errors.ResultError(f"step is {step}, it must be 1 or more")
        pixels, passed_over = _e2m.read(self._source(), self.sample, self.dye, name, region, int(step))
        if passed_over is not None:
            warnings.warn(passed_over, stacklevel=2)
        return pixels

    @overload
    def catalogue(self, pandas: Literal[False]) -> Catalogue: ...
    @overload
    def catalogue(self, pandas: Literal[True] | None = None) -> Any: ...
    def catalogue(self, pandas: bool | None = None) -> Any:
        """The objects that stage 5 found: a :class:`pandas.DataFrame` where pandas can be imported, else a :class:`Catalogue`.

        ``pandas=False`` gives the structured array in any case. Columns are those of ``05_microbes.csv``, and ``counts``.
        """
        path = self._record()["catalogue"]
        if path is None:
            text = f"no catalogue of microbes is on record of {self.sample}/{self.dye}: stage 5 was not done"
            raise _errors.ResultError(text)
        catalogue = _catalogue(*_e2m.read_catalogue(path))
        wanted = _has_pandas() if pandas is None else pandas
        return _frame(catalogue) if wanted else catalogue

    def __repr__(self) -> str:
        params = "".join(f", {name}={value!r}" for name, value in self.non_default_params().items())
        return f"e2m.Task({self.sample!r}, {self.dye!r}, {str(self.raw_dir)!r}, {str(self.output_dir)!r}{params})"

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {"task": f"{self.sample}/{self.dye}", **self.non_default_params()}
        try:
            record = self._record()
        except _errors.E2mError as error:
            return f"<div>{_table({**rows, 'status': str(error)})}</div>"
        manifest = record["manifest"]
        alignment = manifest.get("alignment") or {}
        moffat = (manifest.get("scales") or {}).get("moffat") or {}
        rows["status"] = manifest["status"]
        rows["alignment"] = alignment.get("verdict")
        rows["estimated accuracy, px"] = alignment.get("estimated_accuracy_px")
        rows["scale"] = moffat.get("value")
        rows["microbes"] = (manifest.get("detection") or {}).get("microbes")
        picture = ""
        for known in manifest.get("pictures", ()):
            path = Path(record["dir"]) / known["path"]
            if path.name.startswith("difference_image") and path.is_file():
                picture = _image_tag(_e2m.reduced_png(path, _PICTURE_PX), "difference")
                break
        return f"<div>{_table(rows)}{picture}</div>"
