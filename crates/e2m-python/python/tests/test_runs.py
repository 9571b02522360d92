"""Batches and tasks: the same files as the program's, events, errors, reading."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

import e2m


def results_of(folder: Path) -> dict[str, bytes]:
    """Images and tables of a task by name; records and pictures have times and versions in them."""
    names = [*folder.glob("tiff/*"), *folder.rglob("05_microbes*")]
    return {path.name: path.read_bytes() for path in names if path.is_file()}


def assert_same_results(made: Path, expected: Path) -> None:
    ours, theirs = results_of(made), results_of(expected)
    assert ours.keys() == theirs.keys()
    assert any(name.startswith("04_difference_difference") for name in ours)
    assert any(name.startswith("05_microbes") and name.endswith(".csv") for name in ours)
    for name, content in ours.items():
        if name.endswith((".tiff", ".tif")):
            assert np.array_equal(tifffile.imread(made / "tiff" / name), tifffile.imread(expected / "tiff" / name)), name
        assert content == theirs[name], name


def test_a_task_makes_the_files_of_the_program(demo, tmp_path):
    sample, dye = demo.task()
    task = e2m.Task(sample, dye, demo.raw, tmp_path / "out", pad=200)
    assert task.status()["finished"] is False
    events: list[e2m.Event] = []
    result = task.run(reporter=events.append)
    assert_same_results(tmp_path / "out" / sample / dye, demo.processed / sample / dye)
    assert result.is_finished and result.scale is not None and result.microbes is not None
    assert result.estimated_accuracy_px is not None and result.estimated_accuracy_px < 0.2
    # Nothing of a batch is written.
    assert [path.name for path in (tmp_path / "out").iterdir()] == [sample]
    stages = [event.stage for event in events if isinstance(event, e2m.StageFinished)]
    assert stages == [1, 2, 3, 4, 5]
    assert any(isinstance(event, e2m.StageProgress) and event.row_count > 0 for event in events)
    assert isinstance(events[-1], e2m.TaskFinished) and events[-1].result.name == f"{sample}/{dye}"
    assert task.status()["finished"] is True

    # What is there is taken over, and some stages are done again where that is asked for.
    again: list[e2m.Event] = []
    task.run(reporter=again.append)
    assert all(event.skipped for event in again if isinstance(event, e2m.StageFinished))
    assert task.run(from_stage=4, to_stage=4).facts["stages_done"] == [4]


def test_a_batch_makes_the_files_of_the_program(demo, tmp_path):
    batch = {"raw_dir": demo.raw, "output_dir": tmp_path / "out", "params": {"pad": 200}}
    events: list[e2m.Event] = []
    ended = e2m.run(batch, reporter=events.append)
    assert {(task.sample, task.dye) for task in ended} == set(demo.tasks) and len(ended) == 3
    for sample, dye in demo.tasks:
        made, expected = ended.output_dir / sample / dye, demo.processed / sample / dye
        assert results_of(made) == results_of(expected)
    assert isinstance(events[0], e2m.RunStarted) and events[0].tasks == 3
    assert isinstance(events[-1], e2m.RunFinished) and events[-1].exit_code == ended.exit_code
    assert ended.report.read_text().startswith("<!doctype html>")
    read = e2m.batch_results(tmp_path / "out")
    theirs = e2m.batch_results(demo.folder / "batch.toml")
    assert [task.status for task in read] == [task.status for task in ended] == [task.status for task in theirs]
    assert [task.scale for task in read] == [task.scale for task in theirs]
    assert read["/".join(demo.task())].scale == ended[demo.task()].scale
    assert "<table>" in ended._repr_html_()
    ended.check()


def test_workers_are_processes_of_the_program(demo, tmp_path, program):
    assert e2m.program() == program
    batch = {
        "raw_dir": demo.raw,
        "output_dir": tmp_path / "out",
        "params": {"pad": 200},
        "execution": {"parallel": "subprocess"},
    }
    sample, dye = demo.task()
    ended = e2m.run(batch, samples=[sample], dyes=[dye]).check()
    assert len(ended) == 1
    assert_same_results(ended.output_dir / sample / dye, demo.processed / sample / dye)


def test_without_a_program_processes_are_an_error_that_says_so(demo, tmp_path, monkeypatch):
    monkeypatch.setenv("E2M_PROGRAM", str(tmp_path / "nowhere"))
    assert e2m.program() is None
    batch = {"raw_dir": demo.raw, "output_dir": tmp_path / "out", "execution": {"parallel": "subprocess"}}
    with pytest.raises(e2m.E2mError, match="program e2m"):
        e2m.run(batch)
    assert not (tmp_path / "out").exists()


def test_what_is_asked_for_is_read(demo):
    sample, dye = demo.task()
    task = e2m.Task(sample, dye, demo.raw, demo.processed, pad=200)
    for name, stem in [
        ("post", "01_padded_post"),
        ("aligned_pre", "03_interior_aligned_pre"),
        ("difference", "04_difference_difference"),
        ("significance", "05_significance"),
    ]:
        (path,) = (task.dir / "tiff").glob(f"{stem}_pad*.tiff")
        whole = tifffile.imread(path)
        assert whole.shape == task.shape
        read = task.read(name)
        assert read.dtype == np.float32 and np.array_equal(read, whole)
        assert np.array_equal(task.read(stem, box=(150, 210, 90, 60)), whole[210:270, 150:240])
        part = task.read(name, box=(100, 100, 90, 61), step=4)
        assert part.shape == (16, 23)
        assert part[0, 0] == pytest.approx(float(whole[100:104, 100:104].mean(dtype=np.float64)), abs=1e-3)
    assert np.array_equal(task.read(4), task.read("difference"))
    (path,) = (task.dir / "tiff").glob("04_mask*.tiff")
    mask = task.read("mask")
    assert mask.dtype == np.uint8 and np.array_equal(mask, tifffile.imread(path))


def test_a_catalogue_is_that_of_the_file(demo):
    sample, dye = demo.task()
    task = e2m.Task(sample, dye, demo.raw, demo.processed, pad=200)
    catalogue = task.catalogue(pandas=False)
    (path,) = task.dir.rglob("05_microbes*.csv")
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert ",".join(catalogue.dtype.names[:-1]) == lines[0]
    assert len(catalogue) == len(lines) - 1 > 0
    first = lines[1].split(",")
    assert catalogue[0]["id"] == int(first[0]) and catalogue[0]["flux"] == float(first[7])
    assert [row["flags"] for row in catalogue] == [line.rsplit(",", 1)[1] for line in lines[1:]]
    assert int(catalogue["counts"].sum()) == task.record()["detection"]["microbes"]
    assert len(catalogue[catalogue["counts"]]) <= len(catalogue)
    assert any("microbes:" in note for note in catalogue.facts["notes"])
    assert "count as microbes" in catalogue._repr_html_()


def test_a_catalogue_is_a_frame_where_pandas_is(demo, monkeypatch):
    sample, dye = demo.task()
    task = e2m.Task(sample, dye, demo.raw, demo.processed, pad=200)
    pandas = pytest.importorskip("pandas") if "pandas" in sys.modules or _has("pandas") else None
    if pandas is not None:
        assert isinstance(task.catalogue(), pandas.DataFrame)
        return

    # A stand-in of what is asked of pandas.
    class DataFrame(dict):
        def __init__(self, columns):
            super().__init__(columns)
            self.attrs = {}

    module = type(sys)("pandas")
    module.DataFrame = DataFrame
    monkeypatch.setitem(sys.modules, "pandas", module)
    monkeypatch.setattr("e2m._task._has_pandas", lambda: True)
    frame = task.catalogue()
    assert isinstance(frame, DataFrame) and frame.attrs["notes"]
    assert np.array_equal(frame["x_px"], np.asarray(task.catalogue(pandas=False)["x_px"]))


def _has(module: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(module) is not None


def test_parameters_are_attributes(demo):
    task = e2m.Task("A", "B", boundary_width=20)
    assert (task.boundary_width, task.pad, task.post_black) == (20, 2000, "auto")
    task.scale_percentile = 50
    assert task.non_default_params() == {"boundary_width": 20, "scale_percentile": 50.0}
    assert task.non_default_params(stage=2) == {"boundary_width": 20}
    assert "boundary_width=20" in repr(task) and "subpixel" in dir(task)
    with pytest.raises(e2m.BatchFileError, match="did you mean \"boundary_width\""):
        task.set_params(boundary_widht=3)
    with pytest.raises(ValueError, match="pad is -1, it must be a whole number from 0 to 100000"):
        task.pad = -1
    with pytest.raises(AttributeError, match="there is no parameter"):
        _ = task.padd
    task.reset_params()
    assert task.non_default_params() == {}
    names = [row["name"] for row in e2m.parameters()]
    assert names[0] == "pad" and "detect_sigma" in names


def test_errors_have_the_words_of_the_program(demo, tmp_path, program):
    path = tmp_path / "batch.toml"
    path.write_text('raw_dir = "raw"\noutput_dir = "out"\n[params]\npadd = 3\n')
    said = subprocess.run([program, path], capture_output=True, text=True, check=False)
    with pytest.raises(e2m.BatchFileError) as caught:
        e2m.run(path)
    assert said.returncode == 2 and str(caught.value) in said.stderr
    with pytest.raises(e2m.BatchFileError, match="nearest|did you mean|no key|unknown"):
        e2m.run({"raw_dir": "raw", "output_dir": "out", "paralel": True})

    path.write_text(f'raw_dir = "{demo.raw}"\noutput_dir = "out"\ndyes = ["Nothing"]\n')
    said = subprocess.run([program, path], capture_output=True, text=True, check=False)
    with pytest.raises(e2m.RawImageError) as missing:
        e2m.run(path)
    assert said.returncode == 4 and str(missing.value) in said.stderr
    with pytest.raises(e2m.RawImageError):
        e2m.Task("nobody", "DAPI", demo.raw, tmp_path / "out").run()
    with pytest.raises(e2m.ResultError, match="nothing is on record"):
        e2m.Task("nobody", "DAPI", demo.raw, tmp_path / "out").read("difference")
    with pytest.raises(e2m.ResultError, match="there are no results of a batch"):
        e2m.batch_results(tmp_path)

    sample, dye = demo.task()
    task = e2m.Task(sample, dye, demo.raw, demo.processed, pad=200)
    with pytest.raises(e2m.ResultError, match="there is no image \"diference\""):
        task.read("diference")
    with pytest.raises(e2m.ResultError, match="does not lie on the canvas"):
        task.read("difference", box=(0, 0, 10**6, 10))
    with pytest.raises(e2m.ResultError, match="no parameter of the batch asks for such a scale"):
        task.read("difference_manual")
    with pytest.raises(e2m.BatchFileError, match="from_stage"):
        task.run(from_stage=4, to_stage=2)
    with pytest.raises(e2m.BatchFileError, match="it must be a stage from 1 to 5"):
        task.run(from_stage=7)
    for error in (e2m.AlignmentError, e2m.ScaleError, e2m.RefusedError, e2m.Cancelled):
        assert issubclass(error, e2m.E2mError)


def test_a_pair_that_cannot_be_aligned_raises(tmp_path):
    folder = tmp_path / "raw" / "S"
    folder.mkdir(parents=True)
    noise = np.random.default_rng(1).integers(20, 60, (2, 400, 400)).astype(np.uint8)
    tifffile.imwrite(folder / "S_PostStain_DAPI.tif", noise[0])
    tifffile.imwrite(folder / "S_PreStain_DAPI.tif", np.full((400, 400), 7, np.uint8))
    with pytest.raises(e2m.AlignmentError, match="alignment failed: the pre image is blank"):
        e2m.Task("S", "DAPI", tmp_path / "raw", tmp_path / "out", pad=20).run()
    (folder / "S_PostStain_DAPI.tif").write_bytes(b"II*\0")
    with pytest.raises(e2m.RawImageError):
        e2m.Task("S", "DAPI", tmp_path / "raw", tmp_path / "out", pad=20).run()


def test_a_reporter_that_raises_stops_the_run(demo, tmp_path):
    sample, dye = demo.task()

    def reporter(event: e2m.Event) -> None:
        if isinstance(event, e2m.StageStarted):
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        e2m.Task(sample, dye, demo.raw, tmp_path / "out", pad=200).run(reporter=reporter)
    assert not list((tmp_path / "out").rglob("04_difference*"))


def test_a_token_stops_a_run_from_another_thread(demo, tmp_path):
    token = e2m.CancelToken()
    batch = {"raw_dir": demo.raw, "output_dir": tmp_path / "out", "params": {"pad": 200}}
    started = threading.Event()
    threading.Thread(target=lambda: (started.wait(60), token.cancel())).start()
    with pytest.raises(e2m.Cancelled):
        e2m.run(batch, reporter=lambda event: started.set(), cancel=token)
    assert token.cancelled
    left = e2m.batch_results(tmp_path / "out")
    assert left.exit_code == 130 and any(task.status.startswith("incomplete") for task in left)


def test_ctrl_c_ends_a_run_and_the_next_goes_on(demo, tmp_path):
    script = textwrap.dedent(
        """
        import sys, e2m
        def hear(event):
            if isinstance(event, e2m.StageStarted):
                print("begun", flush=True)
        try:
            e2m.run({"raw_dir": sys.argv[1], "output_dir": sys.argv[2], "params": {"pad": 200}}, reporter=hear)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        """
    )
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-c", script, demo.raw, out], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert said.splitlines()[-1] == "interrupted" and process.returncode == 0
    assert time.monotonic() - sent < 30
    assert e2m.batch_results(out).exit_code == 130
    assert not [path for path in out.rglob("*.tmp")]
    ended = e2m.run({"raw_dir": demo.raw, "output_dir": out, "params": {"pad": 200}}).check()
    for task in ended:
        assert results_of(out / task.sample / task.dye) == results_of(demo.processed / task.sample / task.dye)


def test_progress_makes_bars_and_closes_them(demo, tmp_path, capsys):
    bars = []

    class Bar:
        def __init__(self, total, desc):
            self.total, self.desc, self.n, self.closed = total, desc, 0, False
            bars.append(self)

        def update(self, n):
            self.n += n

        def close(self):
            self.closed = True

    sample, dye = demo.task()
    task = e2m.Task(sample, dye, demo.raw, tmp_path / "out", pad=200)
    task.run(reporter=e2m.Progress(Bar))
    assert bars and all(bar.closed and 0 <= bar.n <= bar.total for bar in bars)
    assert all(bar.desc.startswith(f"{sample}/{dye} ") for bar in bars)
    task.run(reporter=e2m.Progress())
    assert f"[1/1] {sample}/{dye}: " in capsys.readouterr().out


def test_a_task_shows_itself_in_a_notebook(demo, tmp_path):
    sample, dye = demo.task()
    shown = e2m.Task(sample, dye, demo.raw, demo.processed, pad=200)._repr_html_()
    assert "data:image/png;base64," in shown and "estimated accuracy" in shown and len(shown) < 600_000
    assert "nothing is on record" in e2m.Task(sample, dye, demo.raw, tmp_path)._repr_html_()


def test_status_of_a_batch(demo):
    document = e2m.status(demo.folder / "batch.toml")
    assert {(task["sample"], task["dye"]) for task in document["tasks"]} == set(demo.tasks)
    assert all(task["finished"] for task in document["tasks"])
