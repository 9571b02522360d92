"""The program ``e2m``: the command that the wheel installs, and what does tasks in processes of their own."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_NAME = "e2m.exe" if sys.platform == "win32" else "e2m"


def _candidates() -> Iterator[Path]:
    given = os.environ.get("E2M_PROGRAM")
    if given:
        yield Path(given)
        return
    try:
        installed = importlib.metadata.distribution("e2m")
    except importlib.metadata.PackageNotFoundError:
        pass
    else:
        # The list of installed files knows where this scheme puts programs.
        for file in installed.files or ():
            if file.name == _NAME:
                yield Path(str(installed.locate_file(file))).resolve()
    for scheme in (sysconfig.get_default_scheme(), f"{os.name}_user"):
        if scheme in sysconfig.get_scheme_names():
            yield Path(sysconfig.get_path("scripts", scheme)) / _NAME
    yield Path(__file__).parents[1] / "bin" / _NAME


def program() -> Path | None:
    """Where the program ``e2m`` of this package is; None where it was not installed.

    Runners that do tasks in processes of their own (``parallel = true``, ``"subprocess"``) start it. The variable
    ``E2M_PROGRAM`` names another one, which has to be of the same version.
    """
    return next((path for path in _candidates() if path.is_file()), None)
