"""Catalogues of microbes as structured arrays."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any

import numpy as np

_WHOLE = ("id", "area_px")
_FLAGS = 72

#: The columns of a catalogue and their types; NaN where a number is not known, as micrometres without a pixel size.
CATALOGUE_DTYPE: np.dtype[np.void] = np.dtype(
    [
        ("id", np.uint32),
        ("x_px", np.float64),
        ("y_px", np.float64),
        ("x_raw_px", np.float64),
        ("y_raw_px", np.float64),
        ("x_um", np.float64),
        ("y_um", np.float64),
        ("flux", np.float64),
        ("flux_err", np.float64),
        ("peak", np.float64),
        ("significance", np.float64),
        ("area_px", np.uint32),
        ("area_um2", np.float64),
        ("length_px", np.float64),
        ("width_px", np.float64),
        ("orientation_deg", np.float64),
        ("circularity", np.float64),
        ("background", np.float64),
        ("nearest_px", np.float64),
        ("flags", f"U{_FLAGS}"),
        ("counts", np.bool_),
    ]
)


class Catalogue(np.ndarray[Any, np.dtype[Any]]):
    """Objects of a pair, one a row: a structured array of :data:`CATALOGUE_DTYPE`.

    Places are px of the canvas (``x_px``, ``y_px``) and of raw post (``x_raw_px``, ``y_raw_px``), pixel centres on integers, x right,
    y down. Fluxes are counts of post. ``counts`` says which objects count as microbes::

        microbes = catalogue[catalogue["counts"]]

    ``facts`` is what is known of all of them together.
    """

    facts: dict[str, Any]

    def __array_finalize__(self, other: object) -> None:
        self.facts = getattr(other, "facts", {})

    def _repr_html_(self) -> str:
        if self.dtype.names is None or self.ndim != 1:
            return f"<pre>{self!r}</pre>"
        shown = ("id", "x_px", "y_px", "flux", "significance", "area_px", "flags")
        head = "".join(f"<th>{name}</th>" for name in shown)
        rows = "".join(
            "<tr>" + "".join(f"<td>{_cell(row[name])}</td>" for name in shown) + "</tr>" for row in self[:10]
        )
        count = int(np.count_nonzero(self["counts"]))
        return (
            f"<p>{len(self)} objects, of which {count} count as microbes</p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )


def _cell(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, (float, np.floating)) else str(value)


def _catalogue(columns: Mapping[str, Any], facts: dict[str, Any]) -> Catalogue:
    catalogue = np.zeros(len(columns["id"]), dtype=CATALOGUE_DTYPE).view(Catalogue)
    for name in CATALOGUE_DTYPE.names or ():
        catalogue[name] = columns[name]
    catalogue.facts = facts
    return catalogue


def _has_pandas() -> bool:
    return importlib.util.find_spec("pandas") is not None


def _frame(catalogue: Catalogue) -> Any:
    pandas = importlib.import_module("pandas")
    frame = pandas.DataFrame({name: np.asarray(catalogue[name]) for name in CATALOGUE_DTYPE.names or ()})
    frame.attrs.update(catalogue.facts)
    return frame
