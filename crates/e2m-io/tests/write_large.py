"""Writes images of some megapixels with the codecs whose decoders hold much.

usage: write_large.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import tifffile

FOLDER = Path(sys.argv[1])
SIDE = 1024
rng = np.random.default_rng(1)
y, x = np.mgrid[:SIDE, :SIDE]
grey = 0.5 + 0.3 * np.sin(x / 15.0) * np.cos(y / 17.0) + rng.normal(0, 0.02, (SIDE, SIDE))
eight = np.round(np.clip(grey, 0, 1) * 255).astype("uint8")
sixteen = np.round(np.clip(grey, 0, 1) * 65535).astype("uint16")
colours = np.stack([eight, eight[::-1], eight[:, ::-1]], axis=-1)

FILES = {
    "zstd": (sixteen, {"compression": "zstd"}),
    "lzma": (sixteen, {"compression": "lzma"}),
    "turned": (sixteen, {"extratags": [(274, 3, 1, 6, True)]}),
    "jpeg": (colours, {"compression": "jpeg"}),
    "jpeg_lossless": (eight, {"compression": "jpeg", "compressionargs": {"lossless": True}}),
    "jpeg2000": (sixteen, {"compression": "jpeg2000"}),
    "jpeg2000_colours": (colours, {"compression": "jpeg2000"}),
    "webp": (colours, {"compression": "webp", "compressionargs": {"lossless": True}}),
}
for name, (pixels, options) in FILES.items():
    for layout, cut in {"tiles": {"tile": (256, 256)}, "one_strip": {"rowsperstrip": SIDE}}.items():
        photometric = "rgb" if pixels.ndim == 3 else "minisblack"
        tifffile.imwrite(FOLDER / f"{name}_{layout}.tif", pixels, photometric=photometric, metadata=None, **cut, **options)
