"""Alignment, scale and detection on numpy arrays."""

from __future__ import annotations

import base64
import html
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _e2m
from ._batch import _json
from ._catalogue import Catalogue, _catalogue

_RESIDUAL_DTYPE = np.dtype(
    [(name, np.float64) for name in ("x", "y", "side_px", "dx", "dy", "error_px", "correlation")]
)


def _image_tag(png: bytes, title: str) -> str:
    data = base64.b64encode(png).decode("ascii")
    return (
        '<figure style="display:inline-block;margin:4px">'
        f'<img alt="{html.escape(title)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{html.escape(title)}</figcaption></figure>"
    )


def _table(rows: dict[str, object]) -> str:
    def shown(value: object) -> str:
        return f"{value:.4g}" if isinstance(value, float) else str(value)

    cells = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(shown(value))}</td></tr>"
        for name, value in rows.items()
        if value is not None
    )
    return f"<table>{cells}</table>"


class Alignment:
    """The warp from post to pre, and how far it is to be trusted. :func:`align` makes it.

    Coordinates are px, pixel centres on integers, x right, y down.
    """

    def __init__(self, core: _e2m.Alignment) -> None:
        self._core = core

    @property
    def warp(self) -> NDArray[np.float64]:
        """The homography, shape (3, 3): takes (x, y, 1) of post to pre."""
        return self._core.warp

    @property
    def is_deformed(self) -> bool:
        """Whether a smooth displacement lies on top of the homography, because the section was deformed."""
        return self._core.is_deformed

    @property
    def verdict(self) -> Literal["pass", "suspect", "fail"]:
        """What is to be thought of it."""
        return self._core.verdict

    @property
    def reasons(self) -> list[str]:
        """Why the verdict is not "pass", a sentence each, with figures."""
        return self._core.reasons

    @property
    def coarse_method(self) -> str:
        """How the coarse warp was found: "features", "boundary" or "correlation"."""
        return self._core.coarse_method

    @property
    def residuals(self) -> NDArray[np.void]:
        """The shift that remains on each tile outside the fit: a structured array.

        ``x``, ``y`` are the middle of the tile in post and ``side_px`` its side; ``dx``, ``dy`` what would have to be added to
        post coordinates, ``error_px`` its standard error, all px; ``correlation`` that of both images there.
        """
        columns = self._core.residual_columns()
        residuals = np.zeros(len(columns[0]), dtype=_RESIDUAL_DTYPE)
        for name, column in zip(_RESIDUAL_DTYPE.names or (), columns, strict=True):
            residuals[name] = column
        return residuals

    @property
    def residual_median_px(self) -> float | None:
        """Median length of the residuals, px; None where no tile could be measured."""
        return self._core.residual_median_px

    @property
    def residual_p90_px(self) -> float | None:
        """Nine in ten residuals are no longer, px."""
        return self._core.residual_p90_px

    @property
    def estimated_accuracy_px(self) -> float | None:
        """The expected mean error of the warp, px; None where it was not refined."""
        return self._core.estimated_accuracy_px

    @property
    def overlap_fraction(self) -> float:
        """Share of post's signal on which pre has signal too, 0 to 1."""
        return self._core.overlap_fraction

    @property
    def correlation(self) -> float:
        """Correlation of both images under the warp, -1 to 1."""
        return self._core.correlation

    @property
    def post_shape(self) -> tuple[int, int]:
        """(height, width) of post, and of whatever :meth:`warp_image` makes."""
        return self._core.post_shape

    @property
    def pre_shape(self) -> tuple[int, int]:
        """(height, width) of pre."""
        return self._core.pre_shape

    def warp_image(
        self, image: ArrayLike, *, cancel: _e2m.CancelToken | None = None
    ) -> NDArray[np.float32]:
        """``image``, which lies pixel on pixel with pre, as post sees it.

        Parameters
        ----------
        image
            Shape ``pre_shape``, any type of number; uint8, uint16 and float32 are not copied.

        Returns
        -------
        float32 of shape ``post_shape``
            One bilinear interpolation; 0 where ``image`` has no pixel.
        """
        return self._core.warp_image(image, cancel=cancel)

    def apply(self, points: ArrayLike) -> NDArray[np.float64]:
        """Where points of post, shape (n, 2) as (x, y) in px, lie in pre: an array of that shape."""
        return self._core.apply(np.ascontiguousarray(points, dtype=np.float64))

    def __repr__(self) -> str:
        accuracy = self.estimated_accuracy_px
        known = "not refined" if accuracy is None else f"to about {accuracy:.3f} px"
        return f"<e2m.Alignment {self.verdict}, {known}>"

    def _repr_html_(self) -> str:
        post, pre = self._core.previews()
        pictures = _image_tag(_e2m.thumbnail(post), "post") + _image_tag(_e2m.thumbnail(pre), "aligned pre")
        rows: dict[str, object] = {
            "verdict": self.verdict,
            "reasons": "; ".join(self.reasons) or None,
            "residual, median px": self.residual_median_px,
            "residual, 90 % px": self.residual_p90_px,
            "estimated accuracy, px": self.estimated_accuracy_px,
            "overlap": self.overlap_fraction,
            "found by": self.coarse_method,
        }
        return f"<div>{_table(rows)}{pictures}</div>"


def align(
    post: ArrayLike, pre: ArrayLike, *, cancel: _e2m.CancelToken | None = None, **options: Any
) -> Alignment:
    """Finds where each pixel of post lies in pre, to hundredths of a pixel, and judges that.

    Parameters
    ----------
    post, pre
        One channel each, shape (height, width), of the same or different sizes, counts. uint8, uint16 and float32 are taken without
        a copy, others as float32.
    cancel
        Stops it from another thread.
    **options
        Parameters of stages 2 and 3 by their names, such as ``coarse_method="features"``, ``subpixel=False``,
        ``local_correction="off"``, ``interior_max_correction=200``: see :func:`e2m.parameters`.

    Raises
    ------
    AlignmentError
        No warp was found, or pre is mirrored. One that was found and is wrong has the verdict "fail".
    """
    return Alignment(_e2m.align(post, pre, _json(options), cancel))


def scale(
    post: ArrayLike,
    aligned: ArrayLike,
    method: Literal["moffat", "percentile", "manual"] = "moffat",
    *,
    percentile: float = 50.0,
    value: float | None = None,
    post_black: float | None = None,
    pre_black: float | None = None,
    peak: Literal["auto", "lowest", "largest"] = "auto",
    cancel: _e2m.CancelToken | None = None,
) -> _e2m.Scale:
    """By which factor the background of post is brighter than that of aligned pre.

    Parameters
    ----------
    post, aligned
        Both of one shape (height, width), counts; float32 is taken without a copy. See :meth:`Alignment.warp_image`.
    method
        "moffat": the peak of the ratios, with black levels measured where they are not given. "percentile": that of the
        ratios of all pixels. "manual": ``value``.
    percentile
        0 to 100, for "percentile".
    value
        For "manual".
    post_black, pre_black
        What the camera adds to every pixel, counts.
    peak
        Whose scale is taken where parts of the section became brighter by different factors.

    Returns
    -------
    Scale
        ``value``, ``std_error``, black levels, a verdict with reasons, and ``difference(post, aligned)``.

    Raises
    ------
    ScaleError
        No background can be seen in both images.
    """
    return _e2m.scale(
        post,
        aligned,
        method=method,
        percentile=percentile,
        value=value,
        post_black=post_black,
        pre_black=pre_black,
        peak=peak,
        cancel=cancel,
    )


def detect(
    post: ArrayLike,
    aligned: ArrayLike,
    scale: _e2m.Scale | float,
    *,
    mask: ArrayLike | None = None,
    alignment: Alignment | None = None,
    detect_sigma: float = 5.0,
    min_area_px: int = 4,
    max_area_px: int = 6000,
    psf_sigma_px: float | None = None,
    injections: int = 2000,
    cancel: _e2m.CancelToken | None = None,
) -> Catalogue:
    """Finds and measures what post has and aligned pre has not.

    Parameters
    ----------
    post, aligned
        Both of one shape (height, width), counts; float32 is taken without a copy.
    scale
        What :func:`scale` found, or a factor.
    mask
        Flags of each pixel, uint8: 1 no post, 2 no pre, 4 saturated in post, 8 in pre, 16 hot, dirt or dust, 32 locally misaligned.
    alignment
        Says how far the images may be off, which counts as noise at edges.
    detect_sigma
        A microbe stands out by at least so many standard deviations.
    min_area_px, max_area_px
        Limits of a footprint, px.
    psf_sigma_px
        Sigma of the point spread, px; estimated where it is not given.
    injections
        Synthetic microbes planted to learn how many are found; 0 for none.

    Returns
    -------
    Catalogue
        A structured array, one object a row, by row and column. Places are px of the arrays. ``facts`` has density, false ones to
        expect, limits of detection.
    """
    if isinstance(scale, _e2m.Scale):
        facts = [scale.value, scale.std_error or 0.0, scale.post_black, scale.pre_black]
    else:
        facts = [float(scale), 0.0, 0.0, 0.0]
    residual = None
    if alignment is not None:
        residual = alignment.estimated_accuracy_px
        residual = alignment.residual_median_px if residual is None else residual
    columns, known = _e2m.detect(
        post,
        aligned,
        [*facts, residual or 0.0],
        mask=mask,
        detect_sigma=detect_sigma,
        min_area_px=min_area_px,
        max_area_px=max_area_px,
        psf_sigma_px=psf_sigma_px,
        injections=injections,
        cancel=cancel,
    )
    return _catalogue(columns, known)
