"""What happens in a run: events, and a reporter that shows them as bars."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ._results import TaskResult


@dataclass(frozen=True)
class Event:
    """Something that happened. ``facts`` is what ``events.jsonl`` says of it, under the name ``name``."""

    name: str
    #: ``sample/dye``, where it is about one task; its place in the batch, from 0, and how many there are.
    task: str | None
    index: int | None
    task_count: int | None
    facts: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class RunStarted(Event):
    """Tasks begin: so many, by so many workers with so many threads in all."""

    tasks: int
    workers: int
    threads: int


@dataclass(frozen=True)
class TaskStarted(Event):
    """A task begins, or begins again: ``attempt`` counts from 1."""

    attempt: int


@dataclass(frozen=True)
class StageStarted(Event):
    """A stage, 1 to 5, of a task begins."""

    stage: int


@dataclass(frozen=True)
class StageProgress(Event):
    """``rows`` of ``row_count`` rows went by in a step of a stage; at most ten times a second."""

    stage: int
    what: str
    rows: int
    row_count: int


@dataclass(frozen=True)
class StageFinished(Event):
    """A stage ended after so many seconds; ``skipped`` where its results were there already."""

    stage: int
    seconds: float
    skipped: bool


@dataclass(frozen=True)
class TaskFinished(Event):
    """A task ended."""

    result: TaskResult


@dataclass(frozen=True)
class Note(Event):
    """Something to know, as a sentence. ``name`` is "note", "warning" or "error"."""

    text: str


@dataclass(frozen=True)
class RunFinished(Event):
    """Everything is written."""

    exit_code: int
    seconds: float


#: Who hears what happens in a run: called on the thread that called.
Reporter = Callable[[Event], object]


def _event(
    name: str, task: str | None, index: int | None, of: int | None, facts: Mapping[str, Any]
) -> Event:
    common = (name, task, index, of, facts)
    if name == "run_started":
        return RunStarted(*common, facts["tasks"], facts["workers"], facts["threads"])
    if name == "task_started":
        return TaskStarted(*common, facts["attempt"])
    if name == "stage_started":
        return StageStarted(*common, facts["stage"])
    if name == "stage_progress":
        return StageProgress(*common, facts["stage"], facts["what"], facts["rows"], facts["of"])
    if name == "stage_finished":
        return StageFinished(*common, facts["stage"], facts["seconds"], facts["skipped"])
    if name == "task_finished":
        return TaskFinished(*common, TaskResult._of(facts))
    if name in ("note", "warning", "error"):
        return Note(*common, facts["text"])
    if name == "run_finished":
        return RunFinished(*common, facts["exit_code"], facts["seconds"])
    return Event(*common)


def _callback(
    reporter: Reporter | None,
) -> Callable[[str, str | None, int | None, int | None, Mapping[str, Any]], None] | None:
    if reporter is None:
        return None

    def hear(
        name: str, task: str | None, index: int | None, of: int | None, facts: Mapping[str, Any]
    ) -> None:
        reporter(_event(name, task, index, of, facts))

    return hear


class Bar(Protocol):
    """What :class:`Progress` needs of a bar; those of tqdm have it."""

    def update(self, n: int, /) -> object: ...

    def close(self) -> object: ...


class Progress:
    """A reporter that shows a bar for each step of each task.

    ``bar`` makes one, as ``tqdm.auto.tqdm`` does: ``bar(total=rows, desc=text)``. Without it a line is printed for each task that
    ends::

        from tqdm.auto import tqdm
        e2m.run("batch.toml", reporter=e2m.Progress(tqdm))
    """

    def __init__(self, bar: Callable[..., Bar] | None = None) -> None:
        self._make = bar
        self._bars: dict[str, tuple[tuple[int, str], Bar, int]] = {}

    def __call__(self, event: Event) -> None:
        """Hears an event."""
        task = event.task or ""
        if isinstance(event, StageProgress) and self._make is not None:
            self._advance(self._make, task, event)
        elif isinstance(event, StageFinished):
            self._close(task)
        elif isinstance(event, TaskFinished):
            self._close(task)
            if self._make is None:
                print(f"[{(event.index or 0) + 1}/{event.task_count}] {task}: {event.result.status}")
        elif isinstance(event, RunFinished):
            for left in list(self._bars):
                self._close(left)

    def _advance(self, make: Callable[..., Bar], task: str, event: StageProgress) -> None:
        step = (event.stage, event.what)
        known = self._bars.get(task)
        if known is None or known[0] != step or event.rows < known[2]:
            self._close(task)
            bar = make(total=event.row_count, desc=f"{task} {event.stage}: {event.what}")
            known = (step, bar, 0)
        bar = known[1]
        bar.update(event.rows - known[2])
        self._bars[task] = (step, bar, event.rows)

    def _close(self, task: str) -> None:
        known = self._bars.pop(task, None)
        if known is not None:
            known[1].close()
