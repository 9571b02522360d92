"""Writes CZI, ND2, LIF and OME-Zarr of many kinds, and what readers of other people find in them.

    write_vendor.py FOLDER [CORPORA]

list.tsv has a line per image: group, row, column, file, expected pixels (float32, or -), height, width, samples, tolerance, page,
channel, pixel size in um (or -). CZI are written and read by pylibCZIrw, OME-Zarr by zarr. Nobody writes ND2 and LIF but the
microscopes' own programs: these are written here as far as their readers nd2 and readlif need it. In the folder CORPORA go small ones of
all kinds that are read, which the crate e2m-fuzz keeps.
"""

import json
import struct
import sys
import uuid
import zlib
from pathlib import Path

import numpy as np

OUT = Path(sys.argv[1])
HEIGHT, WIDTH = (61, 83) if len(sys.argv) == 2 else (21, 27)
LIST = []
RANDOM = np.random.default_rng(5)


def listed(group, row, column, file, pixels, page="auto", channel="auto", tolerance=0.0, um=None):
    """Adds an image whose pixels a reader of other people has found; None where it is to be refused."""
    if pixels is None:
        LIST.append([group, row, column, file, "-", 0, 0, 0, tolerance, page, channel, um or "-"])
        return
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    name = f"right{len(LIST)}"
    pixels.astype("<f4").tofile(OUT / name)
    LIST.append([group, row, column, file, name, *pixels.shape, tolerance, page, channel, um or "-"])


def image(dtype, height=HEIGHT, width=WIDTH, samples=1, seed=0, noise=0.1):
    """Something with structure and noise that differs from place to place."""
    y, x = np.mgrid[:height, :width]
    top = 250 if np.dtype(dtype).itemsize == 1 else 60000
    planes = []
    for sample in range(samples):
        wave = 0.4 + 0.3 * np.sin(x / (5 + sample) + seed) * np.cos(y / 7 + sample)
        planes.append(top * np.clip(wave + noise * RANDOM.random((height, width)), 0, 1))
    pixels = np.stack(planes, axis=-1)
    if np.dtype(dtype).kind == "f":
        pixels = pixels / 7
    pixels = pixels.astype(dtype)
    return pixels if samples > 1 else pixels[..., 0]


# CZI

def recoded(path, to, code, stream):
    """The CZI of one subblock with another compression: its code and stream go in the place of samples as they are."""
    data = bytearray(path.read_bytes())
    at = data.index(b"ZISRAWSUBBLOCK\0\0") + 32
    entry = at + 16
    dimensions = struct.unpack_from("<I", data, entry + 28)[0]
    metadata, _, size = struct.unpack_from("<IIQ", data, at)
    if len(stream) > size:
        assert len(sys.argv) > 2  # small images do not become smaller
        return False
    start = at + max(256, 16 + 32 + 20 * dimensions) + metadata
    data[start:start + len(stream)] = stream
    struct.pack_into("<Q", data, at + 8, len(stream))
    directory = data.index(b"ZISRAWDIRECTORY\0") + 32 + 128
    for entry in [entry, directory]:
        assert data[entry:entry + 2] == b"DV"
        struct.pack_into("<i", data, entry + 18, code)
    to.write_bytes(data)
    return True


def write_czi():
    import imagecodecs
    from pylibCZIrw import czi as pyczi

    def found(path, plane=None, scene=None):
        with pyczi.open_czi(str(path)) as file:
            kind = file.get_channel_pixel_type((plane or {}).get("C", 0))
            pixels = file.read(plane=plane, scene=scene)
        pixels = pixels[..., ::-1] if pixels.shape[-1] == 3 else pixels
        return pixels, kind

    types = {
        "uint8": ("uint8", 1), "uint16": ("uint16", 1), "float32": ("float32", 1),
        "uint8 RGB": ("uint8", 3), "uint16 RGB": ("uint16", 3),
    }
    codings = {
        "none": "uncompressed:",
        "Zstandard": "zstd0:ExplicitLevel=3",
        "Zstandard, bytes apart": "zstd1:ExplicitLevel=3;PreProcess=HiLoByteUnpack",
    }
    number = 0
    for row, coding in codings.items():
        for column, (dtype, samples) in types.items():
            number += 1
            name = f"c{number}.czi"
            if row.endswith("apart") and column == "uint16 RGB":
                continue  # libCZI does not read what it writes
            pixels = image(dtype, samples=samples, seed=number, noise=0.01)
            with pyczi.create_czi(str(OUT / name), exist_ok=True, compression_options=coding) as file:
                file.write(data=pixels if samples > 1 else pixels[..., None])
            right, _ = found(OUT / name)
            same = right[..., ::-1] if samples > 1 else right[..., 0]
            assert np.array_equal(same, pixels), (row, column)
            listed("CZI", row, column, name, right)
            if row != "none":
                continue
            if dtype != "float32" and column != "uint8 RGB":  # of which libCZI wants blue first
                if recoded(OUT / name, OUT / f"x{name}", 4, imagecodecs.jpegxr_encode(pixels)):
                    right, _ = found(OUT / f"x{name}")
                    listed("CZI", "JPEG XR", column, f"x{name}", right)
            if dtype == "uint8":
                stream = imagecodecs.jpeg_encode(pixels, level=90)
                if recoded(OUT / name, OUT / f"j{name}", 1, stream):
                    listed("CZI", "JPEG", column, f"j{name}", imagecodecs.jpeg_decode(stream), tolerance=3)
            if dtype == "uint16":
                recoded(OUT / name, OUT / f"r{name}", 104, b"raw")
                listed("CZI", "raw data of a camera", column, f"r{name}", None)

    # Tiles with gaps and overlaps, laid down one over the other.
    name = "mosaic.czi"
    with pyczi.create_czi(str(OUT / name), exist_ok=True) as file:
        for m, (x, y) in enumerate([(100, 50), (150, 55), (98, 100), (155, 108), (260, 60)]):
            file.write(data=image("uint16", seed=m)[..., None], location=(x, y))
        file.write_metadata("m", scale_x=0.3e-6, scale_y=0.3e-6)
    listed("contents", "mosaic of overlapping tiles", "CZI", name, found(OUT / name)[0], um=0.3)

    name = "channels.czi"
    stack = {}
    with pyczi.create_czi(str(OUT / name), exist_ok=True, compression_options=codings["Zstandard"]) as file:
        for c in range(2):
            for z in range(3):
                for t in range(2):
                    plane = {"C": c, "Z": z, "T": t}
                    stack[c, z, t] = image("uint16", seed=1 + c + 5 * z + 20 * t)
                    file.write(data=stack[c, z, t][..., None], plane=plane)
        file.write_metadata("m", channel_names={0: "DAPI", 1: "Cy3"}, scale_x=0.65e-6, scale_y=0.65e-6)
    for page, channel, (c, z, t) in [
        ("auto", "auto", (0, 0, 0)), ("auto", "Cy3", (1, 0, 0)), ("2", "1", (0, 1, 0)), ("6", "2", (1, 2, 1)),
    ]:
        right, _ = found(OUT / name, {"C": c, "Z": z, "T": t})
        assert np.array_equal(right[..., 0], stack[c, z, t])
        listed("contents", "channels, planes and times", "CZI", name, right, page, channel, um=0.65)

    name = "scenes.czi"
    with pyczi.create_czi(str(OUT / name), exist_ok=True) as file:
        for scene in range(2):
            for m in range(2):
                where = (1000 * scene + 70 * m, 40 * scene)
                file.write(data=image("uint8", seed=7 * scene + m)[..., None], location=where, scene=scene)
    for page in [1, 2]:
        right, _ = found(OUT / name, scene=page - 1)
        listed("contents", "scenes", "CZI", name, right, str(page))


# ND2

class Nd2:
    """Chunks, and a list of them at the end."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.chunks = []
        self.chunk(b"ND2 FILE SIGNATURE CHUNK NAME01!", b"Ver3.0".ljust(64, b"\0"), listed=False)

    def chunk(self, name, data, listed=True):
        if listed:
            self.chunks.append((name, self.file.tell(), len(data)))
        # Names of frames are filled up, so that their samples begin on a page.
        name = name.ljust(4072, b"\0") if name.startswith(b"ImageDataSeq") else name
        self.file.write(struct.pack("<IIQ", 0x0ABECEDA, len(name), len(data)) + name + data)

    def close(self):
        entries = b"".join(name + struct.pack("<QQ", at, size) for name, at, size in self.chunks)
        at = self.file.tell()
        end = b"ND2 CHUNK MAP SIGNATURE 0000001!"
        self.chunk(b"ND2 FILEMAP SIGNATURE NAME 0001!", entries + end + struct.pack("<Q", at), listed=False)
        self.file.write(end + struct.pack("<Q", at))
        self.file.close()


def lite(values):
    """A dictionary as Nikon's "lite variant"."""
    out = b""
    for name, value in values.items():
        text = (name + "\0").encode("utf-16-le")
        head = lambda kind: struct.pack("<BB", kind, len(name) + 1) + text
        if isinstance(value, bool):
            out += head(1) + struct.pack("<B", value)
        elif isinstance(value, int):
            out += head(3) + struct.pack("<I", value)
        elif isinstance(value, float):
            out += head(6) + struct.pack("<d", value)
        elif isinstance(value, str):
            out += head(8) + (value + "\0").encode("utf-16-le")
        else:
            inner = lite(value)
            length = len(head(11)) + 12 + len(inner)
            out += head(11) + struct.pack("<IQ", len(value), length) + inner + b"\0" * (8 * len(value))
    return out


def nd2_file(name, frames, bits, compression, planes, loops=None, significant=None, padding=0, kind=1, um=0.43):
    """frames: a list of (height, width, components); planes: names and numbers of components."""
    height, width, components = frames[0].shape
    row = width * components * frames[0].dtype.itemsize + padding
    file = Nd2(OUT / name)
    file.chunk(b"ImageAttributesLV!", lite({"SLxImageAttributes": {
        "uiWidth": width, "uiWidthBytes": row, "uiHeight": height, "uiComp": components,
        "uiBpcInMemory": bits, "uiBpcSignificant": significant or bits, "uiSequenceCount": len(frames),
        "uiTileWidth": width, "uiTileHeight": height, "eCompression": compression,
        "dCompressionParam": 0.0, "ePixelType": kind, "uiVirtualComponents": components,
    }}))
    if loops is not None:
        file.chunk(b"ImageMetadataLV!", lite({"SLxExperiment": loops}))
    file.chunk(b"ImageMetadataSeqLV|0!", lite({"SLxPictureMetadata": {
        "dTimeMSec": 0.0, "dCalibration": um, "bCalibrated": True, "dXPos": 0.0, "dYPos": 0.0, "dZPos": 0.0,
        "dObjectiveMag": 20.0, "dObjectiveNA": 0.8, "dZoom": 1.0, "dAspect": 1.0, "dRefractIndex1": 1.0,
        "wsObjectiveName": "Plan 20x",
        "sPicturePlanes": {
            "uiCount": len(planes), "uiCompCount": components, "uiSampleCount": len(planes),
            "sPlaneNew": {
                f"a{i}": {
                    "uiCompCount": n, "uiSampleIndex": 0, "uiModalityMask": 1, "uiColor": 255, "sDescription": plane,
                    "dPinholeDiameter": 0.0, "pFluorescentProbe": {"m_sName": "probe"},
                }
                for i, (plane, n) in enumerate(planes)
            },
        },
    }}))
    for number, frame in enumerate(frames):
        rows = b"".join(line.tobytes() + b"\x55" * padding for line in frame)
        rows = zlib.compress(rows, 6) if compression == 0 else rows
        file.chunk(f"ImageDataSeq|{number}!".encode(), struct.pack("<d", 0.0) + rows)
    file.close()


def write_nd2():
    import nd2

    def found(name):
        """All frames as (frame, component..., y, x), by the reader of other people."""
        with nd2.ND2File(str(OUT / name)) as file:
            return file.asarray(), dict(file.sizes)

    number = 0
    for row, compression in {"none": 2, "zlib": 0}.items():
        for column, (dtype, samples) in {
            "uint8": ("uint8", 1), "uint16": ("uint16", 1), "float32": ("float32", 1),
            "uint8 RGB": ("uint8", 3), "uint16 RGB": ("uint16", 3),
        }.items():
            number += 1
            name = f"n{number}.nd2"
            pixels = image(dtype, samples=samples, seed=number).reshape(HEIGHT, WIDTH, samples)
            kind = 2 if dtype == "float32" else 1
            nd2_file(name, [pixels], 8 * pixels.dtype.itemsize, compression, [("Mono", samples)], kind=kind)
            right, _ = found(name)
            # nd2 gives samples as they lie there: blue first.
            assert np.array_equal(right.reshape(pixels.shape), pixels), (row, column)
            listed("ND2", row, column, name, pixels[..., ::-1], um=0.43)

    name = "channels.nd2"
    frames = [np.stack([image("uint16", seed=z + 9 * c) for c in range(2)], axis=-1) for z in range(3)]
    zstack = {"eType": 4, "uLoopPars": {"uiCount": 3, "dZStep": 1.5, "dZLow": 0.0, "dZHigh": 3.0}, "uiNextLevelCount": 0}
    for compression in [2, 0]:
        name = f"channels{compression}.nd2"
        nd2_file(name, frames, 16, compression, [("DAPI", 1), ("Cy3", 1)], zstack, significant=12, padding=4 if compression == 2 else 0)
        right, sizes = found(name)
        assert sizes == {"Z": 3, "C": 2, "Y": HEIGHT, "X": WIDTH}, sizes
        for page, channel, (z, c) in [("auto", "auto", (0, 0)), ("3", "Cy3", (2, 1)), ("2", "2", (1, 1))]:
            assert np.array_equal(right[z, c], frames[z][..., c])
            listed("contents", "channels, planes and times", "ND2", name, right[z, c], page, channel, um=0.43)

    name = "lossy.nd2"
    nd2_file(name, [image("uint8").reshape(HEIGHT, WIDTH, 1)], 8, 1, [("Mono", 1)])
    listed("ND2", "lossy", "uint8", name, None)


# LIF

def lif_file(name, images):
    """images: (name, XML of channels and dimensions, bytes), and attachments."""
    elements = ""
    for number, (title, xml, data, *more) in enumerate(images):
        elements += (
            f'<Element Name="{title}" Visibility="1" UniqueID="{uuid.UUID(int=number)}"><Data><Image>'
            f"<ImageDescription>{xml}</ImageDescription>{''.join(more)}</Image></Data>"
            f'<Memory Size="{len(data)}" MemoryBlockID="MemBlock_{number}"/></Element>'
        )
    xml = (
        '<LMSDataContainerHeader Version="2"><Element Name="project" Visibility="1">'
        f"<Children>{elements}</Children></Element></LMSDataContainerHeader>"
    )
    text = xml.encode("utf-16-le")
    out = struct.pack("<II", 0x70, len(text) + 5) + b"\x2a" + struct.pack("<I", len(xml)) + text
    for number, (_, _, data, *_) in enumerate(images):
        block = f"MemBlock_{number}"
        text = block.encode("utf-16-le")
        out += struct.pack("<II", 0x70, len(text) + 14) + b"\x2a" + struct.pack("<Q", len(data)) + b"\x2a"
        out += struct.pack("<I", len(block)) + text + data
    (OUT / name).write_bytes(out)


def lif_description(dtype, shape, order, lut=("Gray", "Green", "Red"), um=0.5):
    """shape: counts along c, z, t, y and x; order: which of c, z and t goes by first behind x and y, or c before x."""
    c, z, t, y, x = shape
    size = np.dtype(dtype).itemsize
    steps, step = {}, size
    for axis in order:
        steps[axis] = step
        step *= {"c": c, "z": z, "t": t, "y": y, "x": x}[axis]
    kind = 1 if np.dtype(dtype).kind == "f" else 0
    channels = "".join(
        f'<ChannelDescription DataType="{kind}" ChannelTag="0" Resolution="{8 * size}" NameOfMeasuredQuantity="" Min="0" Max="255" '
        f'Unit="" LUTName="{lut[i % 3]}" IsLUTInverted="0" BytesInc="{i * steps["c"]}" BitInc="0"/>'
        for i in range(c)
    )
    def dimension(number, count, axis, length):
        return (
            f'<DimensionDescription DimID="{number}" NumberOfElements="{count}" Origin="0" Length="{length}" Unit="m" '
            f'BitInc="0" BytesInc="{steps[axis]}"/>'
        )
    dimensions = dimension(1, x, "x", um * 1e-6 * (x - 1)) + dimension(2, y, "y", um * 1e-6 * (y - 1))
    dimensions += dimension(3, z, "z", 1e-6 * z) if z > 1 else ""
    dimensions += dimension(4, t, "t", 1.0 * t) if t > 1 else ""
    return f"<Channels>{channels}</Channels><Dimensions>{dimensions}</Dimensions>"


def write_lif():
    from readlif.reader import LifFile

    def found(name, number, c, z, t):
        return np.asarray(LifFile(str(OUT / name)).get_image(number).get_frame(z=z, t=t, c=c))

    name = "images.lif"
    first = np.stack([[[image("uint8", seed=1 + c + 3 * z + 9 * t) for t in range(2)] for z in range(3)] for c in range(2)])
    second = image("uint16", 41, 57)[None, None, None]
    as_stored = first.transpose(2, 1, 0, 3, 4)  # t, z, c, y, x
    lif_file(name, [
        ("Series A", lif_description("uint8", first.shape[:1] + first.shape[1:3] + first.shape[3:], "xyczt"), as_stored.tobytes()),
        ("Series B", lif_description("uint16", second.shape, "xyczt"), second.tobytes()),
    ])
    for page, channel, where in [
        ("auto", "auto", (0, 0, 0, 0)), ("3", "Green", (0, 1, 2, 0)), ("5", "2", (0, 1, 1, 1)), ("Series B", "auto", (1, 0, 0, 0)),
    ]:
        number, c, z, t = where
        right = found(name, *where)
        mine = first[c, z, t] if number == 0 else second[0, 0, 0]
        assert np.array_equal(right, mine), where
        column = "uint16" if number else "uint8"
        listed("LIF", "none", column, name, right, page, channel, um=0.5)

    for order in ["xyzct", "xytzc"]:
        name = f"{order}.lif"
        stored = first.transpose([{"c": 0, "z": 1, "t": 2, "y": 3, "x": 4}[axis] for axis in reversed(order)])
        lif_file(name, [("A", lif_description("uint8", first.shape, order), stored.tobytes())])
        # readlif takes it that channels go by first, whatever the strides say.
        listed("LIF", "none", "uint8", name, first[1, 1, 0], "2", "2", um=0.5)

    # Tiles at places of the stage: the later one covers the earlier one.
    name = "mosaic.lif"
    tiles = [image("uint16", seed=m) for m in range(3)]
    places = [(0, 3), (WIDTH - 8, 0), (5, HEIGHT - 4)]
    canvas = np.zeros((2 * HEIGHT - 4, 2 * WIDTH - 8), "uint16")
    for tile, (x, y) in zip(tiles, places):
        canvas[y:y + HEIGHT, x:x + WIDTH] = tile
    tile = lambda m, x, y: f'<Tile FieldX="{m}" FieldY="0" PosX="{0.01 + x * 5e-7}" PosY="{0.02 + y * 5e-7}" PosZ="0"/>'
    scan = '<Attachment Name="TileScanInfo" Application="LAS AF" FlipX="0" FlipY="0" SwapXY="0">'
    scan += "".join(tile(m, *place) for m, place in enumerate(places)) + "</Attachment>"
    along = f'<DimensionDescription DimID="10" NumberOfElements="3" Origin="0" Length="0" Unit="" BitInc="0" BytesInc="{2 * HEIGHT * WIDTH}"/>'
    xml = lif_description("uint16", (1, 1, 1, HEIGHT, WIDTH), "xyczt").replace("</Dimensions>", along + "</Dimensions>")
    lif_file(name, [("M", xml, b"".join(tile.tobytes() for tile in tiles), scan)])
    for m, right in enumerate(LifFile(str(OUT / name)).get_image(0).get_iter_m()):
        assert np.array_equal(right, tiles[m])
    listed("contents", "mosaic of overlapping tiles", "LIF", name, canvas, um=0.5)

    # readlif reads neither 32 bit nor pixels that lie apart: what was written has to do.
    for dtype in ["uint8", "uint16", "uint32", "float16", "float32", "float64"]:
        name = f"{dtype}.lif"
        pixels = image(dtype)[None, None, None]
        lif_file(name, [("F", lif_description(dtype, pixels.shape, "xyczt"), pixels.tobytes())])
        listed("LIF", "none", dtype, name, pixels[0, 0, 0].astype("float32"), um=0.5)
    name = "apart.lif"
    pixels = image("uint8", samples=3)
    lif_file(name, [("RGB", lif_description("uint8", (3, 1, 1, HEIGHT, WIDTH), "cxyzt"), pixels.tobytes())])
    listed("contents", "channels of a pixel together", "LIF", name, pixels[..., 1], "auto", "2", um=0.5)


# OME-Zarr

def zarr_image(name, version, data, axes, chunks, um=0.25, channels=None, **options):
    import zarr

    path = OUT / name
    store = zarr.storage.LocalStore(str(path))
    group = zarr.create_group(store, zarr_format=2 if version == "0.4" else 3, overwrite=True)
    kinds = {"t": {"type": "time"}, "c": {"type": "channel"}}
    about = [{"name": axis, **kinds.get(axis, {"type": "space", "unit": "micrometer"})} for axis in axes]
    scale = [um if axis in "yx" else 1.0 for axis in axes]
    multiscale = {"axes": about, "name": "image", "datasets": [
        {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": scale}]}]}
    attributes = {"multiscales": [multiscale]}
    if channels:
        attributes["omero"] = {"channels": [{"label": label, "color": "FFFFFF", "window": {"start": 0, "end": 1, "min": 0, "max": 1}} for label in channels]}
    if version == "0.4":
        multiscale["version"] = "0.4"
        group.attrs.update(attributes)
    else:
        group.attrs.update({"ome": {"version": "0.5", **attributes}})
    # Chunks that hold nothing are left out.
    array = group.create_array("0", shape=data.shape, dtype=data.dtype, chunks=chunks, fill_value=0, **options)
    array[:] = data
    return zarr.open_group(str(path), mode="r")["0"]


def write_zarr():
    import zarr.codecs as codecs
    from numcodecs import LZ4, Blosc, BZ2, GZip, Zlib, Zstd

    two = {
        "none": None, "zlib": Zlib(5), "gzip": GZip(5), "Zstandard": Zstd(3), "LZ4": LZ4(),
        "blosc, lz4": Blosc("lz4", shuffle=Blosc.SHUFFLE), "blosc, zstd, bits apart": Blosc("zstd", shuffle=Blosc.BITSHUFFLE),
        "blosc, blosclz": Blosc("blosclz"), "blosc, zlib": Blosc("zlib"), "bzip2": BZ2(5),
    }
    three = {
        "none": None, "gzip": codecs.GzipCodec(level=5), "Zstandard": codecs.ZstdCodec(level=3),
        "blosc, lz4": codecs.BloscCodec(cname="lz4", shuffle="shuffle"),
        "blosc, zstd, bits apart": codecs.BloscCodec(cname="zstd", shuffle="bitshuffle"),
    }
    types = {"uint8": "<u1", "uint16": "<u2", "uint16, big-endian": ">u2", "int16": "<i2", "uint32": "<u4", "float32": "<f4",
             "float64": "<f8", "uint64": "<u8"}
    number = 0
    for version, kinds in [("0.4", two), ("0.5", three)]:
        for row, compressor in kinds.items():
            for column, dtype in types.items():
                if column != "uint8" and column != "uint16" and row not in ("none", "blosc, lz4"):
                    continue
                if version == "0.5" and "big" in column:
                    continue
                number += 1
                name = f"z{number}.ome.zarr"
                data = image(dtype, seed=number)
                data[HEIGHT // 4 : 3 * HEIGHT // 4, 8 : WIDTH - 9] = 0
                array = zarr_image(name, version, data, "yx", (16, 31), compressors=compressor)
                right = array[:]
                assert np.array_equal(right, data)
                refused = row == "bzip2" or column == "uint64"
                listed(f"OME-Zarr {version}", row, column, name, None if refused else right, um=None if refused else 0.25)
    for version in ["0.4", "0.5"]:
        data = np.stack([[[image("uint16", seed=t + 3 * c + 7 * z) for z in range(2)] for c in range(3)] for t in range(2)])
        name = f"five{version}.ome.zarr"
        array = zarr_image(name, version, data, "tczyx", (1, 1, 1, 32, 32), channels=["DAPI", "Cy3", "Cy5"])
        for page, channel, (t, c, z) in [("auto", "auto", (0, 0, 0)), ("4", "Cy5", (1, 2, 1)), ("2", "2", (0, 1, 1))]:
            listed("contents", "channels, planes and times", f"OME-Zarr {version}", name, array[t, c, z], page, channel, um=0.25)
    name = "shards.ome.zarr"
    data = np.stack([image("uint16", 130, 170, seed=c) for c in range(2)])
    array = zarr_image(name, "0.5", data, "cyx", (1, 16, 16), shards=(1, 64, 64))
    listed("contents", "shards", "OME-Zarr 0.5", name, array[1], "auto", "2", um=0.25)


def packed(folder):
    """The files of a folder one behind the other, as the fuzz target zarr takes them."""
    out = b""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name, content = str(path.relative_to(folder)).encode(), path.read_bytes()
            out += bytes([len(name)]) + name + struct.pack("<I", len(content)) + content
    return out


def write_corpora(to):
    """One file of every kind that is read, small, for fuzzers and for tests with damaged files."""
    for file, right in {line[3]: line[4] for line in LIST}.items():
        if right == "-" or (OUT / file).stat().st_size > 40_000:
            continue
        kind = file.rsplit(".", 1)[1]
        (to / kind).mkdir(exist_ok=True)
        content = packed(OUT / file) if kind == "zarr" else (OUT / file).read_bytes()
        (to / kind / f"whole-{file.split('.')[0]}").write_bytes(content)


if __name__ == "__main__":
    for write in [write_czi, write_nd2, write_lif, write_zarr]:
        write()
    if len(sys.argv) > 2:
        write_corpora(Path(sys.argv[2]))
    (OUT / "list.tsv").write_text("".join("\t".join(map(str, line)) + "\n" for line in LIST))
