"""Reads files of e2m-export with tifffile: what it takes them for, and every pixel of every level.

usage: check_export.py FOLDER

Every NAME.ome.tif in the folder has a NAME.json beside it: channels, names, sizes of levels, micrometres per pixel; and
NAME.bin: the pixels of all levels of all channels, floats one after another. Prints one line for each file.
"""

import json
import math
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import tifffile

OME = "{http://www.openmicroscopy.org/Schemas/OME/2016-06}"


def check(path):
    stem = path.name.removesuffix(".ome.tif")
    expected = json.loads(path.with_name(stem + ".json").read_text())
    pixels = np.fromfile(path.with_name(stem + ".bin"), dtype=np.float32)
    sizes = expected["levels"]
    names = expected["names"]
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_ome and tiff.is_bigtiff
        assert len(tiff.series) == 1, tiff.series
        series = tiff.series[0]
        assert series.kind == "ome", series.kind
        assert series.is_pyramidal == (len(sizes) > 1)
        assert len(series.levels) == len(sizes), (len(series.levels), len(sizes))
        first = 0
        levels = [level.asarray().reshape(len(names), *level.shape[-2:]) for level in series.levels]
        for level, array, (width, height) in zip(series.levels, levels, sizes):
            assert level.axes == ("CYX" if len(names) > 1 else "YX"), level.axes
            assert array.dtype == np.float32
            assert array.shape[-2:] == (height, width), array.shape
            assert level.keyframe.is_tiled and level.keyframe.tile == (512, 512)
        for channel in range(len(names)):
            for array, (width, height) in zip(levels, sizes):
                last = first + width * height
                want = pixels[first:last].reshape(height, width)
                np.testing.assert_array_equal(array[channel], want)
                first = last
        assert first == pixels.size
        root = ElementTree.fromstring(tiff.ome_metadata)
        element = root.find(f"{OME}Image/{OME}Pixels")
        assert element.get("Type") == "float"
        assert [c.get("Name") for c in element.findall(f"{OME}Channel")] == names
        page = tiff.pages[0]
        if expected["um"] is None:
            assert element.get("PhysicalSizeX") is None
            assert "XResolution" not in page.tags
        else:
            for axis, um in zip("XY", expected["um"]):
                assert float(element.get("PhysicalSize" + axis)) == um
                assert element.get(f"PhysicalSize{axis}Unit") == "µm"
                n, d = page.tags[axis + "Resolution"].value
                assert math.isclose(d / n * 1e4, um, rel_tol=1e-8)
            assert page.tags["ResolutionUnit"].value == 3
    print(f"{stem}: {series.axes} {len(sizes)} levels")


for path in sorted(pathlib.Path(sys.argv[1]).glob("*.ome.tif")):
    check(path)
