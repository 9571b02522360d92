"""Writes a small TIFF of every format, compression and sample type that tifffile and imagecodecs can write.

usage: write_kinds.py FOLDER

Every line of FOLDER/kinds.tsv is: group, row, column, file, file with the expected pixels (height x width x channels, float32,
little endian; `-` where nothing is expected), height, width, channels, tolerance in counts.
"""

import lzma
import struct
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile

FOLDER = Path(sys.argv[1])
LINES = []
HEIGHT, WIDTH = 61, 47


def texture(seed, height=HEIGHT, width=WIDTH):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    image = 0.5 + 0.3 * np.sin(x / 5.0 + seed) * np.cos(y / 7.0) + rng.normal(0, 0.03, (height, width))
    image[: height // 4] = 0
    return np.clip(image, 0, 1)


def pixels(kind, channels=1):
    planes = [texture(seed) for seed in range(channels)]
    values = np.stack(planes, axis=-1) if channels > 1 else planes[0]
    dtype = np.dtype(kind)
    if dtype.kind in "fc":
        return (values * 1000).astype(dtype)
    if dtype.kind == "i":
        top = min(np.iinfo(dtype).max, 1 << 23)
        return np.round((values - 0.4) * top).astype(dtype)
    return np.round(values * min(np.iinfo(dtype).max, 1 << 24)).astype(dtype)


def add(group, row, column, name, right, tolerance=0):
    if right is None:
        LINES.append(f"{group}\t{row}\t{column}\t{name}\t-\t0\t0\t0\t0")
        return
    right = np.ascontiguousarray(right.reshape(right.shape[0], right.shape[1], -1), dtype="<f4")
    raw = name + ".raw"
    right.tofile(FOLDER / raw)
    shape = "\t".join(str(n) for n in right.shape)
    LINES.append(f"{group}\t{row}\t{column}\t{name}\t{raw}\t{shape}\t{tolerance}")


COMPRESSIONS = {
    "none": {},
    "LZW": {"compression": "lzw"},
    "LZW, predictor 2": {"compression": "lzw", "predictor": 2},
    "LZW, predictor 3": {"compression": "lzw", "predictor": 3},
    "deflate": {"compression": "adobe_deflate"},
    "deflate, predictor 2": {"compression": "adobe_deflate", "predictor": 2},
    "deflate, predictor 3": {"compression": "adobe_deflate", "predictor": 3},
    "PackBits": {"compression": "packbits"},
    "Zstandard": {"compression": "zstd"},
    "Zstandard, predictor 2": {"compression": "zstd", "predictor": 2},
    "LZMA": {"compression": "lzma"},
    "LZMA, predictor 2": {"compression": "lzma", "predictor": 2},
    "LZMA, predictor 3": {"compression": "lzma", "predictor": 3},
    "JPEG": {"compression": "jpeg", "compressionargs": {"level": 95}},
    "JPEG, lossless": {"compression": "jpeg", "compressionargs": {"lossless": True}},
    "JPEG 2000": {"compression": "jpeg2000"},
    "JPEG 2000, Aperio RGB": {"compression": 33005},
    "WebP, lossless": {"compression": "webp", "compressionargs": {"lossless": True, "level": 100}},
    "LERC": {"compression": "lerc"},
    "JPEG XL": {"compression": "jpegxl"},
    "JPEG XR": {"compression": "jpegxr"},
    "PNG": {"compression": "png"},
}
TYPES = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "float16", "float32", "float64", "complex64"]
LAYOUTS = {"strips": {"rowsperstrip": 16}, "one strip": {"rowsperstrip": HEIGHT}, "tiles": {"tile": (32, 16)}}
ENDIAN = {"little endian": "<", "big endian": ">"}


def write_compressions():
    for row, options in COMPRESSIONS.items():
        for kind in TYPES:
            for colours in (1, 3):
                for layout, cut in LAYOUTS.items():
                    for order in "<>":
                        column = kind if colours == 1 else f"{kind} RGB"
                        values = pixels(kind, colours)
                        name = f"{row}_{column}_{layout}_{'le' if order == '<' else 'be'}.tif".replace(" ", "_")
                        try:
                            tifffile.imwrite(
                                FOLDER / name, values, byteorder=order, metadata=None,
                                photometric="rgb" if colours == 3 else "minisblack", **cut, **options,
                            )
                            read = tifffile.imread(FOLDER / name)
                        except Exception:  # what cannot be written, or not be read back, is no file of this kind
                            (FOLDER / name).unlink(missing_ok=True)
                            continue
                        lossy = row == "JPEG"
                        if not lossy and not np.array_equal(read, values):
                            continue
                        right = None if kind == "complex64" else read.astype("float64").astype("float32")
                        add("compression", row, column, name, right, 3 if lossy else 0)


def write_packed():
    for bits in range(1, 16):
        for kind in ("uint8", "uint16"):
            if bits > np.iinfo(kind).bits - 1:
                continue
            if kind == "uint16" and bits <= 8:
                continue
            for order in "<>":
                values = np.round(texture(3) * ((1 << bits) - 1)).astype(kind)
                for row, options in (("none", {}), ("LZW", {"compression": "lzw"}), ("deflate", {"compression": "adobe_deflate"})):
                    name = f"packed{bits}_{row}_{'le' if order == '<' else 'be'}.tif"
                    try:
                        rows = [imagecodecs.packints_encode(line, bits) for line in values]
                        stream = b"".join(rows)
                    except Exception:
                        stream = packed(values, bits)
                    write_raw(name, order, stream, row, BitsPerSample=bits)
                    add("bits", f"{bits} bit", row, name, values)


def write_libtiff_lzma():
    """LZMA as libtiff has it: differences of samples before the compression."""
    for kind in ("uint8", "uint16"):
        values = pixels(kind)
        size = values.dtype.itemsize
        filters = [{"id": lzma.FILTER_DELTA, "dist": size}, {"id": lzma.FILTER_LZMA2, "preset": 6}]
        for check, word in ((lzma.CHECK_CRC32, "crc32"), (lzma.CHECK_SHA256, "sha256"), (lzma.CHECK_NONE, "none")):
            stream = lzma.compress(values.astype(values.dtype.newbyteorder("<")).tobytes(), check=check, filters=filters)
            name = f"lzma_delta_{kind}_{word}.tif"
            write_coded(name, stream, 34925, 8 * size)
            add("compression", "LZMA, as libtiff writes it", kind, name, values)


def packed(values, bits):
    """Each row as bits, the most significant first, filled up to a byte."""
    every = ((values[..., None].astype("uint32") >> np.arange(bits - 1, -1, -1)) & 1).astype("uint8")
    return np.packbits(every.reshape(values.shape[0], -1), axis=1).tobytes()


def write_raw(name, order, stream, compression="none", **other):
    """A TIFF of one strip, by hand."""
    if compression == "LZW":
        stream = imagecodecs.lzw_encode(stream)
    elif compression == "deflate":
        stream = imagecodecs.zlib_encode(stream)
    code = {"none": 1, "LZW": 5, "deflate": 8}[compression]
    tags = {
        256: WIDTH, 257: HEIGHT, 258: other.pop("BitsPerSample", 8), 259: code, 262: other.pop("photometric", 1),
        266: other.pop("FillOrder", 1), 273: 8, 274: other.pop("Orientation", 1), 277: 1, 278: HEIGHT, 279: len(stream),
        339: other.pop("SampleFormat", 1),
    }
    data = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8 + len(stream)) + stream
    data += struct.pack(order + "H", len(tags))
    for tag, value in tags.items():
        data += struct.pack(order + "HHII", tag, 4, 1, value)
    (FOLDER / name).write_bytes(data + bytes(4))


REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def write_tags():
    grey = pixels("uint8")
    wide = pixels("uint16")
    for row in ("none", "LZW", "deflate"):
        for kind, values in (("8 bit", grey), ("16 bit", wide)):
            stream = values.astype("<u2" if kind == "16 bit" else "u1").tobytes()
            code = {"none": 1, "LZW": 5, "deflate": 8}[row]
            packed_stream = {"none": lambda s: s, "LZW": imagecodecs.lzw_encode, "deflate": imagecodecs.zlib_encode}[row](stream)
            name = f"fillorder2_{row}_{kind}.tif".replace(" ", "_")
            write_coded(name, packed_stream.translate(REVERSED), code, 16 if kind == "16 bit" else 8, FillOrder=2)
            add("tags", "FillOrder 2", f"{kind}, {row}", name, values)
    # By where the first row and the first column of the file are (TIFF 6.0, Orientation).
    turned = {
        1: grey, 2: np.fliplr(grey), 3: np.rot90(grey, 2), 4: np.flipud(grey),
        5: grey.T, 6: np.rot90(grey, -1), 7: np.rot90(grey, 2).T, 8: np.rot90(grey),
    }
    for value, right in turned.items():
        for row, options in (("none", {}), ("deflate", {"compression": "adobe_deflate"})):
            for layout, cut in LAYOUTS.items():
                name = f"orientation{value}_{row}_{layout}.tif".replace(" ", "_")
                tifffile.imwrite(
                    FOLDER / name, grey, photometric="minisblack", metadata=None,
                    extratags=[(274, 3, 1, value, True)], **cut, **options,
                )
                add("tags", f"Orientation {value}", f"{row}, {layout}", name, right)


def write_coded(name, stream, code, bits, **other):
    write_raw(name, "<", stream, "none", BitsPerSample=bits, **other)
    data = bytearray((FOLDER / name).read_bytes())
    at = data.index(struct.pack("<HHII", 259, 4, 1, 1))
    data[at + 8 : at + 12] = struct.pack("<I", code)
    (FOLDER / name).write_bytes(data)


def main():
    write_compressions()
    write_libtiff_lzma()
    write_packed()
    write_tags()
    (FOLDER / "kinds.tsv").write_text("\n".join(LINES) + "\n")
    print(f"{len(LINES)} files")


main()
