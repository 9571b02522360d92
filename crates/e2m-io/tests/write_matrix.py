"""Writes the same pixels as TIFFs of every kind, and what each should read as.

usage: write_matrix.py FOLDER

Every line of FOLDER/matrix.tsv is: file, file with the expected channels (height x width x channels, little endian),
dtype, height, width, channels, tolerance in counts.
"""

import itertools
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import tifffile

FOLDER = Path(sys.argv[1])
LINES = []
EXPECTED = {}


def expected(name, channels):
    """Stores what a file should read as; the same pixels are stored once."""
    channels = np.ascontiguousarray(channels.reshape(channels.shape[0], channels.shape[1], -1))
    key = (channels.dtype.str, channels.shape, channels.tobytes())
    if key not in EXPECTED:
        EXPECTED[key] = f"expected{len(EXPECTED)}.raw"
        channels.astype(channels.dtype.newbyteorder("<")).tofile(FOLDER / EXPECTED[key])
    return EXPECTED[key], channels


def add(path, channels, tolerance=0):
    raw, channels = expected(path, channels)
    h, w, c = channels.shape
    LINES.append(f"{path}\t{raw}\t{channels.dtype.name}\t{h}\t{w}\t{c}\t{tolerance}")


def texture(height, width, seed):
    """Smooth structure with noise, 0 to 1: compresses a little and not too well."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    smooth = 0.5 + 0.3 * np.sin(x / 5.0 + seed) * np.cos(y / 7.0)
    image = smooth + rng.normal(0, 0.05, (height, width))
    image[: height // 4] = 0
    return np.clip(image, 0, 1)


def counts(values, dtype):
    if dtype == "float32":
        return values.astype("float32")
    return np.round(values * np.iinfo(dtype).max).astype(dtype)


# How strong red, green and blue are: one active, two active and clipped, none active, all.
STRENGTHS = [(0, 1, 0.001), (0.8, 0.9, 0), (0.0005, 0.001, 0), (0.3, 0.5, 0.2)]


def colours(height, width, dtype, variant):
    strengths = STRENGTHS[variant % len(STRENGTHS)]
    planes = [counts(s * texture(height, width, i), dtype) for i, s in enumerate(strengths)]
    rgb = np.stack(planes, axis=-1)
    if dtype == "float32" and variant % 3 == 1:
        rgb = (rgb * 255).astype("float32")
    return rgb


def alpha_of(pixels):
    full = 1 if pixels.dtype.kind == "f" else np.iinfo(pixels.dtype).max
    return np.full(pixels.shape[:2] + (1,), full, pixels.dtype)


def images(height, width, dtype, variant):
    """kind, samples as stored, expected channels, arguments of imwrite"""
    grey = colours(height, width, dtype, 0)[..., 1]
    rgb = colours(height, width, dtype, variant)
    yield "grey", grey, grey, {"photometric": "minisblack"}
    with_alpha = np.dstack([grey[..., None], alpha_of(grey)])
    yield "greya", with_alpha, grey, {"photometric": "minisblack", "extrasamples": ["unassalpha"]}
    yield "rgb", rgb, rgb, {"photometric": "rgb"}
    yield "rgba", np.dstack([rgb, alpha_of(rgb)]), rgb, {"photometric": "rgb", "extrasamples": ["unassalpha"]}
    if dtype != "float32":
        white = np.iinfo(dtype).max - grey
        yield "white", white, grey, {"photometric": "miniswhite"}
        levels = np.iinfo(dtype).max + 1
        ramp = np.linspace(0, 1, levels)
        tables = {
            "palette16": np.round(np.stack([ramp * 0, ramp**2, ramp * 0.7]) * 65535),
            "palette8": np.round(np.stack([ramp * 0, ramp, ramp * 0.4]) * 255) * 257,
        }
        for name, table in tables.items():
            table = table.astype("uint16")
            looked = np.moveaxis(table[:, grey], 0, -1)
            if name == "palette8":
                looked = (looked >> 8).astype("uint8")
            yield name, grey, looked, {"photometric": "palette", "colormap": table}


LAYOUTS = {
    "strips": lambda h, w: {"rowsperstrip": 7},
    "onestrip": lambda h, w: {"rowsperstrip": h},
    "tiles": lambda h, w: {"tile": (32, 16)},
}
COMPRESSIONS = {
    "none": [{}],
    "lzw": [{"compression": "lzw"}, {"compression": "lzw", "predictor": True}],
    "deflate": [
        {"compression": "adobe_deflate"},
        {"compression": "adobe_deflate", "predictor": True},
        {"compression": "deflate"},
    ],
    "packbits": [{"compression": "packbits"}],
}


def write_all(height, width, layouts=LAYOUTS, bigs=(False, True), orders="<>"):
    variant = 0
    for dtype in ("uint8", "uint16", "float32"):
        for layout, big, order, (compression, options) in itertools.product(
            layouts, bigs, orders, COMPRESSIONS.items()
        ):
            variant += 1
            for kind, stored, channels, arguments in images(height, width, dtype, variant):
                for planar in (False, True):
                    if planar and stored.ndim == 2:
                        continue
                    for number, option in enumerate(options):
                        arguments = dict(arguments) | LAYOUTS[layout](height, width) | option
                        if option.get("predictor") and kind.startswith("palette"):
                            continue
                        if not option:
                            arguments.pop("compression", None)
                        if "predictor" not in option:
                            arguments.pop("predictor", None)
                        name = (
                            f"{height}x{width}_{dtype}_{kind}_{'planar' if planar else 'chunky'}_{layout}"
                            f"_{'big' if big else 'classic'}_{'le' if order == '<' else 'be'}_{compression}{number}.tif"
                        )
                        data = np.moveaxis(stored, -1, 0) if planar else stored
                        if stored.ndim == 3:
                            arguments["planarconfig"] = "separate" if planar else "contig"
                        tifffile.imwrite(
                            FOLDER / name, data, bigtiff=big, byteorder=order, metadata=None, **arguments
                        )
                        add(name, channels)


def write_jpegs(height, width):
    grey = counts(texture(height, width, 1) * 0.9, "uint8")
    rgb = np.stack([grey, grey[::-1], grey[:, ::-1]], axis=-1)
    rgb[..., 0] //= 100
    for layout in LAYOUTS:
        for name, data, photometric, args in [
            ("grey", grey, "minisblack", {}),
            ("rgb", rgb, "rgb", {}),
            ("ycbcr", rgb, "ycbcr", {}),
        ]:
            options = LAYOUTS[layout](height, width)
            if layout == "strips":
                options = {"rowsperstrip": 16}
            path = f"jpeg_{height}x{width}_{name}_{layout}.tif"
            tifffile.imwrite(
                FOLDER / path, data, photometric=photometric, compression="jpeg",
                compressionargs={"level": 92}, metadata=None, **options, **args,
            )
            add(path, tifffile.imread(FOLDER / path), tolerance=2)


def with_libtiff(height, width):
    """What tiffcp makes of the same pixels: codecs and layouts of another writer."""
    if not shutil.which("tiffcp"):
        return
    layouts = {"strips": ["-s", "-r", "5"], "tiles": ["-t", "-w", "32", "-l", "16"]}
    for dtype in ("uint8", "uint16", "float32"):
        grey = colours(height, width, dtype, 0)[..., 1]
        rgb = colours(height, width, dtype, 1)
        for kind, pixels, photometric in [("grey", grey, "minisblack"), ("rgb", rgb, "rgb")]:
            source = FOLDER / f"source_{dtype}_{kind}.tiff"
            tifffile.imwrite(source, pixels, photometric=photometric, metadata=None)
            codecs = ["none", "lzw", "lzw:2", "zip", "zip:2", "packbits"]
            codecs += ["zip:3", "lzw:3"] if dtype == "float32" else []
            codecs += ["jpeg:95", "jpeg:r:95"] if dtype == "uint8" else []
            for codec, layout, order, big in itertools.product(
                codecs, layouts, ["-L", "-B"], [[], ["-8"]]
            ):
                jpeg = codec.startswith("jpeg")
                if codec.endswith(":3") and order == "-B":
                    continue  # tiffcp 4.5 swaps the bytes once too often: it does not read back its own file
                # tiffcp separates channels of 8 bit only
                separable = kind == "rgb" and dtype == "uint8" and not jpeg
                for planar in ["contig", "separate"] if separable else ["contig"]:
                    arguments = list(layouts[layout])
                    if jpeg and layout == "strips":
                        arguments = ["-s", "-r", "16"]
                    name = f"libtiff_{dtype}_{kind}_{planar}_{layout}_{order[1]}{'8' if big else ''}_{codec.replace(':', '')}.tif"
                    command = ["tiffcp", "-c", codec, order, *big, *arguments, "-p", planar, source, FOLDER / name]
                    result = subprocess.run(command, capture_output=True, text=True)
                    if result.returncode != 0:
                        raise SystemExit(f"{command}: {result.stderr}")
                    wanted = tifffile.imread(FOLDER / name) if jpeg else pixels
                    add(name, wanted, tolerance=2 if jpeg else 0)


def write_oddities():
    first = colours(20, 30, "uint8", 0)[..., 1]
    with tifffile.TiffWriter(FOLDER / "two_pages.tif") as tiff:
        tiff.write(first, photometric="minisblack", metadata=None)
        tiff.write(first[::-1].copy(), photometric="minisblack", metadata=None)
    add("two_pages.tif", first)

    clean = colours(20, 30, "float32", 0)[..., 1]
    holes = clean.copy()
    for x, value in enumerate([np.nan, np.inf, -np.inf]):
        holes[12, x], clean[12, x] = value, 0
    tifffile.imwrite(FOLDER / "not_numbers.tif", holes, photometric="minisblack", metadata=None)
    add("not_numbers.tif", clean)


write_all(61, 47)
write_all(1, 1, bigs=(False,), orders="<")
write_all(1, 77, bigs=(False,), orders=">")
write_all(77, 1, bigs=(False,), orders="<")
write_all(64, 32, layouts=["tiles"], bigs=(True,), orders=">")
write_jpegs(61, 47)
write_jpegs(48, 64)
with_libtiff(61, 47)
write_oddities()
(FOLDER / "matrix.tsv").write_text("\n".join(LINES) + "\n")
print(f"{len(LINES)} files")
