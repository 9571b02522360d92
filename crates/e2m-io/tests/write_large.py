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

# Files of makers: subblocks, chunks and frames.
import write_vendor  # noqa: E402 (writes nothing by itself)
import zarr.codecs  # noqa: E402
from numcodecs import Blosc  # noqa: E402
from pylibCZIrw import czi  # noqa: E402

for name, coding in {"none": "uncompressed:", "zstd": "zstd1:ExplicitLevel=3;PreProcess=HiLoByteUnpack"}.items():
    with czi.create_czi(str(FOLDER / f"czi_{name}.czi"), exist_ok=True, compression_options=coding) as file:
        for row in range(0, 4 * SIDE, SIDE // 2):
            for column in range(0, 2 * SIDE, SIDE // 2):
                file.write(data=sixteen[: SIDE // 2, : SIDE // 2, None], location=(column, row))
write_vendor.zarr_image("blosc.zarr", "0.4", sixteen, "yx", (128, 256), compressors=Blosc("zstd"))
write_vendor.zarr_image("zstd.zarr", "0.5", sixteen, "yx", (128, 128), compressors=zarr.codecs.ZstdCodec(level=3))
write_vendor.zarr_image("shards.zarr", "0.5", sixteen, "yx", (64, 64), shards=(512, 512))
for code in [0, 2]:
    write_vendor.nd2_file(f"frames{code}.nd2", [np.stack([sixteen, sixteen], axis=-1)], 16, code, [("A", 1), ("B", 1)])
xml = write_vendor.lif_description("uint16", (1, 1, 1, SIDE, SIDE), "xyczt")
write_vendor.lif_file("image.lif", [("A", xml, sixteen.tobytes())])
