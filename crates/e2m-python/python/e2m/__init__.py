"""Aligns fluorescence images of a section before and after staining, subtracts them, and finds the microbes.

>>> import e2m
>>> result = e2m.run("batch.toml", reporter=e2m.Progress())      # doctest: +SKIP
>>> task = e2m.Task("CD070", "DAPI", raw_dir="raw", output_dir="processed")
>>> task.pad
2000

Batches are :func:`run`, :func:`status` and :func:`batch_results`; one pair is a :class:`Task`. :func:`align`, :func:`scale` and
:func:`detect` work on arrays. ``e2m.exo2micro`` has the names of the Python program exo2micro.

Images are arrays of shape (height, width); places are px, pixel centres on integers, x right, y down.
"""

from __future__ import annotations

from ._arrays import Alignment, align, detect, scale
from ._batch import batch_results, run, status
from ._catalogue import CATALOGUE_DTYPE, Catalogue
from ._e2m import CancelToken, Scale, __version__
from ._errors import (
    AlignmentError,
    ArrayError,
    BatchFileError,
    Cancelled,
    E2mError,
    RawImageError,
    RefusedError,
    ResultError,
    ScaleError,
    TaskError,
)
from ._events import (
    Event,
    Note,
    Progress,
    RunFinished,
    RunStarted,
    StageFinished,
    StageProgress,
    StageStarted,
    TaskFinished,
    TaskStarted,
)
from ._program import program
from ._results import BatchResult, TaskResult
from ._task import Task, parameters

__all__ = [
    "CATALOGUE_DTYPE",
    "Alignment",
    "AlignmentError",
    "ArrayError",
    "BatchFileError",
    "BatchResult",
    "CancelToken",
    "Cancelled",
    "Catalogue",
    "E2mError",
    "Event",
    "Note",
    "Progress",
    "RawImageError",
    "RefusedError",
    "ResultError",
    "RunFinished",
    "RunStarted",
    "Scale",
    "ScaleError",
    "StageFinished",
    "StageProgress",
    "StageStarted",
    "Task",
    "TaskError",
    "TaskFinished",
    "TaskResult",
    "TaskStarted",
    "__version__",
    "align",
    "batch_results",
    "detect",
    "parameters",
    "program",
    "run",
    "scale",
    "status",
]
