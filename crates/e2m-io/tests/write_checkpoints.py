"""Writes float images as the Python program does, and some that are no checkpoints.

usage: write_checkpoints.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import tifffile
from astropy.io import fits

folder = Path(sys.argv[1])
y, x = np.mgrid[:37, :23]
pixels = ((y * 100 + x).astype("float32") / np.float32(7) - np.float32(20)).astype("float32")

tifffile.imwrite(folder / "onestrip.tiff", pixels)
tifffile.imwrite(folder / "shaped.tiff", pixels, metadata={"axes": "YX"})
tifffile.imwrite(folder / "strips.tiff", pixels, rowsperstrip=5, description="made by hand")
tifffile.imwrite(folder / "big.tiff", pixels, bigtiff=True)
tifffile.imwrite(folder / "bigendian.tiff", pixels, byteorder=">")
tifffile.imwrite(folder / "deflate.tiff", pixels, compression="zlib", predictor=True)
tifffile.imwrite(folder / "u16.tiff", pixels.astype("uint16"))
tifffile.imwrite(folder / "rgb.tiff", np.dstack([pixels] * 3), photometric="rgb")

hdu = fits.PrimaryHDU(pixels)
hdu.header["SAMPLE"] = ("T1500", "Sample name")
hdu.header["PAD"] = (500, "pad")
hdu.header["IACC"] = (1.0023844987154007, "Interior alignment accuracy estimate (px)")
hdu.header["LONG"] = ("x" * 200, "a long text")
hdu.header["COMMENT"] = "a comment = with an equals sign"
hdu.writeto(folder / "plain.fits")
hdu.writeto(folder / "checksum.fits", checksum=True)
content = bytearray((folder / "checksum.fits").read_bytes())
content[2880 + 100] ^= 1
(folder / "broken.fits").write_bytes(content)

fits.PrimaryHDU(pixels.astype("float64")).writeto(folder / "double.fits")
fits.PrimaryHDU(np.stack([pixels, pixels])).writeto(folder / "cube.fits")
fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(pixels)]).writeto(folder / "extension.fits")
scaled = fits.PrimaryHDU(pixels)
scaled.header["BZERO"] = 5.0
scaled.writeto(folder / "scaled.fits")
