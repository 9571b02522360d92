"""What is written in Rust. The package has the documentation."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Alignment",
    "CancelToken",
    "Scale",
    "__version__",
    "align",
    "check_param",
    "detect",
    "output_dir",
    "parameters",
    "parse_suffix",
    "read",
    "read_catalogue",
    "record",
    "reduced_png",
    "run",
    "run_task",
    "scale",
    "status",
    "thumbnail",
]

__version__: str

_Callback = Callable[[str, str | None, int | None, int | None, Mapping[str, Any]], object]

@final
class CancelToken:
    def __new__(cls) -> CancelToken: ...
    def cancel(self) -> None: ...
    @property
    def cancelled(self) -> bool: ...

@final
class Alignment:
    @property
    def warp(self) -> NDArray[np.float64]: ...
    @property
    def is_deformed(self) -> bool: ...
    @property
    def verdict(self) -> Literal["pass", "suspect", "fail"]: ...
    @property
    def reasons(self) -> list[str]: ...
    @property
    def coarse_method(self) -> str: ...
    @property
    def residual_median_px(self) -> float | None: ...
    @property
    def residual_p90_px(self) -> float | None: ...
    @property
    def estimated_accuracy_px(self) -> float | None: ...
    @property
    def overlap_fraction(self) -> float: ...
    @property
    def correlation(self) -> float: ...
    @property
    def tiles(self) -> int: ...
    @property
    def post_shape(self) -> tuple[int, int]: ...
    @property
    def pre_shape(self) -> tuple[int, int]: ...
    def residual_columns(self) -> list[NDArray[np.float64]]: ...
    def warp_image(self, image: ArrayLike, *, cancel: CancelToken | None = None) -> NDArray[np.float32]: ...
    def apply(self, points: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def previews(self) -> list[NDArray[np.float32]]: ...

@final
class Scale:
    @property
    def method(self) -> Literal["moffat", "percentile", "manual"]: ...
    @property
    def value(self) -> float: ...
    @property
    def std_error(self) -> float | None: ...
    @property
    def post_black(self) -> float: ...
    @property
    def pre_black(self) -> float: ...
    @property
    def verdict(self) -> Literal["pass", "suspect"]: ...
    @property
    def reasons(self) -> list[str]: ...
    def difference(self, post: ArrayLike, aligned: ArrayLike) -> NDArray[np.float32]: ...
    def __float__(self) -> float: ...

def align(
    post: ArrayLike, pre: ArrayLike, options: str = "{}", cancel: CancelToken | None = None
) -> Alignment: ...
def scale(
    post: ArrayLike,
    aligned: ArrayLike,
    *,
    method: str = "moffat",
    percentile: float = 50.0,
    value: float | None = None,
    post_black: float | None = None,
    pre_black: float | None = None,
    peak: str = "auto",
    cancel: CancelToken | None = None,
) -> Scale: ...
def detect(
    post: ArrayLike,
    aligned: ArrayLike,
    facts: Sequence[float],
    *,
    mask: ArrayLike | None = None,
    detect_sigma: float = 5.0,
    min_area_px: int = 4,
    max_area_px: int = 6000,
    psf_sigma_px: float | None = None,
    injections: int = 2000,
    cancel: CancelToken | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]: ...
def read_catalogue(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Any]]: ...
def run(
    source: str,
    options: str,
    *,
    program: str | os.PathLike[str] | None = None,
    callback: _Callback | None = None,
    cancel: CancelToken | None = None,
) -> dict[str, Any]: ...
def status(source: str, options: str) -> dict[str, Any]: ...
def output_dir(source: str) -> os.PathLike[str]: ...
def parameters() -> list[dict[str, Any]]: ...
def check_param(name: str, value: str) -> Any: ...
def parse_suffix(suffix: str) -> dict[str, Any]: ...
def run_task(
    source: str,
    sample: str,
    dye: str,
    options: str,
    *,
    callback: _Callback | None = None,
    cancel: CancelToken | None = None,
) -> dict[str, Any]: ...
def record(source: str, sample: str, dye: str) -> dict[str, Any]: ...
def read(
    source: str,
    sample: str,
    dye: str,
    image: str,
    region: Sequence[int] | None = None,
    step: int = 1,
) -> tuple[NDArray[Any], str | None]: ...
def thumbnail(image: ArrayLike, *, signed: bool = False) -> bytes: ...
def reduced_png(path: str | os.PathLike[str], width: int) -> bytes: ...
