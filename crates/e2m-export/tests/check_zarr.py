"""Reads folders of e2m-export with zarr, every pixel of every level, and holds their attributes against OME-NGFF.

usage: check_zarr.py FOLDER

Every NAME-0.4.ome.zarr and NAME-0.5.ome.zarr in the folder has a NAME.json and a NAME.bin beside it, as check_export.py has them.
Prints one line for each NAME.
"""

import json
import pathlib
import sys

import numpy as np
import zarr
from ome_zarr_models.v04.image import Image as Image04
from ome_zarr_models.v05.image import Image as Image05


def levels_of(path, count):
    group = zarr.open_group(path, mode="r")
    return group, [group[str(level)] for level in range(count)]


def check(stem, folder):
    expected = json.loads((folder / f"{stem}.json").read_text())
    pixels = np.fromfile(folder / f"{stem}.bin", dtype=np.float32)
    sizes, names, um = expected["levels"], expected["names"], expected["um"]
    for version, model in [("0.4", Image04), ("0.5", Image05)]:
        group, arrays = levels_of(folder / f"{stem}-{version}.ome.zarr", len(sizes))
        assert str(len(sizes)) not in group, "one level too many"
        model.from_zarr(group)
        attributes = dict(group.attrs)
        ome = attributes if version == "0.4" else attributes["ome"]
        [multiscale] = ome["multiscales"]
        axes = [axis["name"] for axis in multiscale["axes"]]
        assert axes == (["c", "y", "x"] if len(names) > 1 else ["y", "x"]), axes
        assert [channel["label"] for channel in ome["omero"]["channels"]] == names
        for index, dataset in enumerate(multiscale["datasets"]):
            scale, place = dataset["coordinateTransformations"]
            x_um, y_um = um or [1, 1]
            assert scale["scale"][-2:] == [y_um * 2**index, x_um * 2**index]
            assert place["translation"][-2:] == [y_um * (2**index - 1) / 2, x_um * (2**index - 1) / 2]
        units = {axis.get("unit") for axis in multiscale["axes"] if axis["type"] == "space"}
        assert units == ({"micrometer"} if um else {None}), units
        first = 0
        read = [array[:].reshape(len(names), *array.shape[-2:]) for array in arrays]
        for channel in range(len(names)):
            for array, (width, height) in zip(read, sizes):
                assert array.dtype == np.float32 and array.shape[-2:] == (height, width)
                last = first + width * height
                np.testing.assert_array_equal(array[channel], pixels[first:last].reshape(height, width))
                first = last
        assert first == pixels.size
    print(f"{stem}: {''.join(axes).upper()} {len(sizes)} levels")


folder = pathlib.Path(sys.argv[1])
for path in sorted(folder.glob("*.json")):
    check(path.stem, folder)
