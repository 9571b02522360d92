"""What the tests share: raw images, and what the program makes of them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

WIDTH = 480


@dataclass(frozen=True)
class Demo:
    """A folder that `e2m demo` has filled: raw images, batch file, results of the program."""

    folder: Path

    @property
    def raw(self) -> Path:
        return self.folder / "raw"

    @property
    def processed(self) -> Path:
        return self.folder / "processed"

    @property
    def tasks(self) -> list[tuple[str, str]]:
        return sorted((path.parent.name, path.name) for path in self.processed.glob("*/*") if path.is_dir())

    def task(self) -> tuple[str, str]:
        """A task that is complete."""
        return next(
            (sample, dye)
            for sample, dye in self.tasks
            if list((self.processed / sample / dye / "tiff").glob("04_difference_difference*"))
        )


@pytest.fixture(scope="session")
def program() -> Path:
    return Path(os.environ["E2M_PROGRAM"])


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, program: Path) -> Demo:
    folder = tmp_path_factory.mktemp("demo") / "demo"
    done = subprocess.run(
        [program, "demo", folder, "--width", str(WIDTH), "--no-open", "-q"], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 5), done.stderr
    return Demo(folder)


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(os.environ["E2M_REPOSITORY"])
