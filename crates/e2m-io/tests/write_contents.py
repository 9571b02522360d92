"""Writes files of several pages and channels. Page n, and channel n of a pixel, is 10 n everywhere.

usage: write_contents.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import tifffile

FOLDER = Path(sys.argv[1])
SHAPE = (61, 47)


def page(number, shape=SHAPE):
    return np.full(shape, 10 * number, "uint8")


def pages(count):
    return np.stack([page(n + 1) for n in range(count)])


with tifffile.TiffWriter(FOLDER / "pages.tif") as tiff:
    for number in (1, 2, 3):
        tags = [(285, "s", 0, "second", True)] if number == 2 else []
        tiff.write(page(number), photometric="minisblack", metadata=None, extratags=tags)

stack = pages(6).reshape(1, 3, 2, *SHAPE)
tifffile.imwrite(
    FOLDER / "stack.ome.tif", stack, photometric="minisblack",
    metadata={
        "axes": "TCZYX", "Channel": {"Name": ["DAPI", "Cy3", "FITC"]},
        "PhysicalSizeX": 0.325, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.325, "PhysicalSizeYUnit": "µm",
    },
)
tifffile.imwrite(
    FOLDER / "imagej.tif", pages(6).reshape(3, 2, *SHAPE), imagej=True, resolution=(2.0, 2.0),
    metadata={"axes": "ZCYX", "unit": "um"},
)
tifffile.imwrite(
    FOLDER / "samples_contig.tif", np.moveaxis(pages(5), 0, -1).copy(), photometric="minisblack",
    planarconfig="contig", metadata=None,
)
tifffile.imwrite(
    FOLDER / "samples_separate.tif", pages(5), photometric="minisblack", planarconfig="separate", metadata=None,
)
tifffile.imwrite(FOLDER / "single.ome.tif", page(1), photometric="minisblack", metadata={"axes": "YX"})
with tifffile.TiffWriter(FOLDER / "pyramid.ome.tif") as tiff:
    tiff.write(page(1), photometric="minisblack", subifds=1, metadata={"axes": "YX"})
    tiff.write(page(2, (30, 23)), photometric="minisblack", subfiletype=1, metadata=None)
with tifffile.TiffWriter(FOLDER / "copies.tif") as tiff:
    tiff.write(page(1), photometric="minisblack", metadata=None)
    for number, shape in ((2, (30, 23)), (3, SHAPE)):
        tiff.write(page(number, shape), photometric="minisblack", subfiletype=1, metadata=None)
with tifffile.TiffWriter(FOLDER / "thumbnail.tif") as tiff:
    tiff.write(page(1, (30, 23)), photometric="minisblack", subfiletype=1, metadata=None)
    tiff.write(page(2), photometric="minisblack", metadata=None)
with tifffile.TiffWriter(FOLDER / "small_first.tif") as tiff:
    tiff.write(page(1, (30, 23)), photometric="minisblack", metadata=None)
    tiff.write(page(2), photometric="minisblack", metadata=None)

XML = """<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:a">
<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="47" SizeY="61" SizeC="2" SizeZ="1" SizeT="1">
<Channel ID="Channel:0:0"/><Channel ID="Channel:0:1"/>
<TiffData FirstC="0" IFD="0"><UUID FileName="set_a.ome.tif">urn:uuid:a</UUID></TiffData>
<TiffData FirstC="1" IFD="0"><UUID FileName="set_b.ome.tif">urn:uuid:b</UUID></TiffData>
</Pixels></Image></OME>"""
tifffile.imwrite(FOLDER / "set_a.ome.tif", page(1), photometric="minisblack", metadata=None, description=XML)
