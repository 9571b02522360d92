"""The package as a whole: types, stubs, notebooks, the examples of the docs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import e2m

from test_runs import assert_same_results, results_of

PACKAGE = Path(e2m.__file__).parent
#: From a wheel mypy finds the package by itself.
IS_INSTALLED = (PACKAGE.parent / "numpy").is_dir()


def checked(*args: str, cwd: Path) -> None:
    env = dict(os.environ)
    if not IS_INSTALLED:
        env["MYPYPATH"] = str(PACKAGE.parent)
    done = subprocess.run(
        [sys.executable, "-m", *args], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_has_types_and_they_hold(tmp_path):
    program = tmp_path / "uses.py"
    program.write_text(
        "import numpy as np\nimport e2m\n\n"
        "def f(post: np.ndarray, pre: np.ndarray) -> float:\n"
        "    alignment: e2m.Alignment = e2m.align(post, pre)\n"
        "    scale: e2m.Scale = e2m.scale(post, alignment.warp_image(pre))\n"
        "    task = e2m.Task('a', 'b', pad=3)\n"
        "    catalogue: e2m.Catalogue = task.catalogue(pandas=False)\n"
        "    result: e2m.BatchResult = e2m.run({}, reporter=e2m.Progress())\n"
        "    return scale.value + len(catalogue) + result.seconds\n"
    )
    cache = ["--cache-dir", str(tmp_path / "cache")]
    if IS_INSTALLED:
        checked("mypy", "--strict", *cache, str(program), cwd=tmp_path)
    else:
        checked("mypy", "--strict", "--warn-unreachable", *cache, str(PACKAGE), str(program), cwd=tmp_path)


def test_the_stub_is_what_the_library_has(tmp_path):
    checked("mypy.stubtest", "e2m._e2m", cwd=tmp_path)


def test_everything_public_is_documented():
    for name in e2m.__all__:
        if name in ("__version__", "CATALOGUE_DTYPE"):
            continue
        assert (getattr(e2m, name).__doc__ or "").strip(), name
    for owner in (e2m.Alignment, e2m.Task, e2m.Scale, e2m.CancelToken, e2m.BatchResult):
        for name, member in vars(owner).items():
            if not name.startswith("_") and (callable(member) or isinstance(member, property)):
                assert (member.__doc__ or "").strip(), (owner, name)


@pytest.fixture(scope="module")
def place(demo, tmp_path_factory):
    """A folder in which the demo's is `e2m-demo`."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "e2m-demo").symlink_to(demo.folder, target_is_directory=True)
    return folder


def executed(path: Path, folder: Path):
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), f"{path.name} has outputs"
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def test_the_notebook_goes_from_a_raw_folder_to_a_catalogue(demo, place, repository):
    notebook = executed(repository / "docs/notebooks/first_run.ipynb", place)
    html = [
        output["data"]["text/html"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "text/html" in output.get("data", {})
    ]
    assert len(html) == 4 and sum("data:image/png;base64," in text for text in html) == 2
    for sample, dye in demo.tasks:
        assert_same_results(place / "e2m-results" / sample / dye, demo.processed / sample / dye)


def test_a_notebook_of_exo2micro_runs(demo, place, repository):
    notebook = executed(repository / "docs/notebooks/from_exo2micro.ipynb", place)
    text = notebook.cells[-1].outputs[0]["data"]["text/plain"]
    assert "('CD070', 'DAPI', 'complete')" in text or "('CD070', 'DAPI', 'suspect" in text
    tables = place / "exo2micro-results/CD070/DAPI/tiff"
    assert (tables / "04_difference_difference_manual_pad200_bw20_sp50_msc1.42.tiff").is_file()


def test_the_examples_of_the_docs_run(place, repository):
    text = (repository / "docs/python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) == 4
    script = place / "examples.py"
    script.write_text("\n".join(blocks))
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", script], cwd=place, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "CD070/DAPI complete" in done.stdout or "CD070/DAPI suspect" in done.stdout, done.stdout
    assert results_of(place / "results/CD070/SybrGld")
    shutil.rmtree(place / "results")
