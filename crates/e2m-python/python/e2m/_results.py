"""How tasks and batches ended."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import _errors


@dataclass(frozen=True)
class TaskResult:
    """How a task ended, and what was measured. ``facts`` has every column of ``e2m_batch.csv``."""

    sample: str
    dye: str
    #: "complete", or "suspect: …", "error: …", "incomplete: …" with the reason.
    status: str
    #: "pass", "suspect" or "fail"; None before stage 3.
    verdict: str | None
    #: Median of the shifts that remain on tiles outside the fit, px.
    residual_median_px: float | None
    #: How far off the alignment is estimated to be, px.
    estimated_accuracy_px: float | None
    #: The factor that pre is multiplied by, and its standard error.
    scale: float | None
    scale_std_error: float | None
    #: Microbes in the difference.
    microbes: int | None
    seconds: float
    #: What else there is to know, in sentences.
    notes: tuple[str, ...]
    #: The record of the task, below the output folder.
    manifest: str | None
    #: All of it, by the names of the columns.
    facts: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def _of(cls, facts: Mapping[str, Any]) -> TaskResult:
        get = facts.get
        return cls(
            sample=facts["sample"],
            dye=facts["dye"],
            status=facts["status"],
            verdict=get("verdict"),
            residual_median_px=get("residual_median_px"),
            estimated_accuracy_px=get("estimated_accuracy_px"),
            scale=get("scale"),
            scale_std_error=get("scale_std_error"),
            microbes=get("microbes"),
            seconds=get("seconds", 0.0),
            notes=tuple(get("notes") or ()),
            manifest=get("manifest"),
            facts=facts,
        )

    @property
    def name(self) -> str:
        """``CD070/DAPI``."""
        return f"{self.sample}/{self.dye}"

    @property
    def is_finished(self) -> bool:
        """Whether everything is there: complete, or suspect."""
        return self.status == "complete" or self.status.startswith("suspect")


@dataclass(frozen=True)
class BatchResult:
    """How a batch ended. It is a sequence of its tasks' results."""

    tasks: tuple[TaskResult, ...]
    output_dir: Path
    #: That of the program: 0 all complete, 1 a task failed, 5 some suspect, 130 interrupted.
    exit_code: int
    seconds: float
    #: The page about all of it.
    report: Path
    #: Why the runner could not go on, if it could not.
    runner_error: str | None = None
    #: Files of the batch that could not be written, in sentences.
    unwritten: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[TaskResult]:
        return iter(self.tasks)

    def __len__(self) -> int:
        return len(self.tasks)

    def __getitem__(self, which: int | str | tuple[str, str]) -> TaskResult:
        """A task by its place, by ``"sample/dye"``, or by ``(sample, dye)``."""
        if isinstance(which, int):
            return self.tasks[which]
        name = which if isinstance(which, str) else "/".join(which)
        for task in self.tasks:
            if task.name == name:
                return task
        raise KeyError(name)

    def check(self) -> BatchResult:
        """Raises :class:`e2m.TaskError` with every task that is not finished; answers with the result otherwise."""
        failed = [f"{task.name}: {task.status}" for task in self.tasks if not task.is_finished]
        failed += self.unwritten
        if failed:
            raise _errors.TaskError("\n".join(failed))
        return self

    def _repr_html_(self) -> str:
        def cell(value: object) -> str:
            if value is None:
                return "<td></td>"
            text = f"{value:.4g}" if isinstance(value, float) else str(value)
            return f"<td>{html.escape(text)}</td>"

        columns = ("sample", "dye", "status", "verdict", "estimated_accuracy_px", "scale", "microbes", "seconds")
        head = "".join(f"<th>{name}</th>" for name in columns)
        rows = "".join(
            "<tr>" + "".join(cell(getattr(task, name)) for name in columns) + "</tr>" for task in self.tasks
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _batch_result(document: Mapping[str, Any]) -> BatchResult:
    return BatchResult(
        tasks=tuple(TaskResult._of(task) for task in document["tasks"]),
        output_dir=Path(document["output_dir"]),
        exit_code=document["exit_code"],
        seconds=document["seconds"],
        report=Path(document["report"]),
        runner_error=document.get("runner_error"),
        unwritten=tuple(document.get("unwritten", ())),
    )


def _read_results(output_dir: Path) -> BatchResult:
    path = output_dir / "e2m_batch.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        text = f"there are no results of a batch in {output_dir}: no {path.name}; run it first"
        raise _errors.ResultError(text) from None
    except (OSError, ValueError) as error:
        raise _errors.ResultError(f"the results {path} cannot be used: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != 1:
        raise _errors.ResultError(f"the results {path} cannot be used: they are of another layout")
    whole = {**document, "output_dir": output_dir, "report": output_dir / "report.html"}
    whole["exit_code"] = document.get("batch_exit_code", document.get("exit_code"))
    return _batch_result(whole)
