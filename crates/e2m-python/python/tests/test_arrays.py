"""Alignment, scale and detection on arrays."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import e2m


def texture(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    def cell(n: float, p: float) -> np.ndarray:
        return np.sin(np.sin(x * 0.031 * n + p) * np.cos(y * 0.027 * n - p) * 37.3)

    return 128.0 + 40.0 * cell(1.0, 0.3) + 30.0 * cell(2.3, 1.7)


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    """Pre is post turned by three degrees and 1.3 times fainter; post has three microbes."""
    y, x = np.mgrid[0:480, 0:600].astype(np.float64)
    u, v = turned(x, y)
    post = 1.3 * texture(u, v)
    for column, row in [(200, 150), (320, 260), (420, 330)]:
        post += 300.0 * np.exp(-0.5 * ((x - column) ** 2 + (y - row) ** 2) / 2.25)
    noise = np.random.default_rng(3).normal(0, 1.0, (2, 480, 600))
    return (post + noise[0]).astype(np.float32), (texture(x, y) + noise[1]).astype(np.float32)


def turned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cos, sin = np.cos(np.radians(3.0)), np.sin(np.radians(3.0))
    return cos * (x - 300) - sin * (y - 240) + 300, sin * (x - 300) + cos * (y - 240) + 240


@pytest.fixture(scope="module")
def alignment(pair) -> e2m.Alignment:
    return e2m.align(*pair)


def test_a_known_warp_is_found_and_judged(alignment):
    points = np.array([[100.0, 100.0], [500.0, 120.0], [300.0, 400.0]])
    expected = np.stack(turned(points[:, 0], points[:, 1]), axis=1)
    found = alignment.apply(points)
    assert np.abs(found - expected).max() < 0.1
    warp = alignment.warp
    assert warp.shape == (3, 3) and warp.dtype == np.float64
    if not alignment.is_deformed:
        homogeneous = np.column_stack([points, np.ones(3)]) @ warp.T
        assert np.allclose(homogeneous[:, :2] / homogeneous[:, 2:], found)
    assert alignment.verdict == "pass" and alignment.reasons == []
    assert alignment.residual_median_px < 0.2 and alignment.estimated_accuracy_px < 0.1
    residuals = alignment.residuals
    lengths = np.hypot(residuals["dx"], residuals["dy"])
    assert np.median(lengths) == pytest.approx(alignment.residual_median_px, abs=0.02)
    assert 0.5 < alignment.overlap_fraction <= 1 and alignment.correlation > 0.9
    assert "pass" in repr(alignment)
    assert alignment._repr_html_().count("data:image/png;base64,") == 2


def test_every_type_and_layout_gives_the_same(pair):
    post, pre = (np.rint(image[100:400, 100:450]) for image in pair)
    assert post.max() > 255
    expected = e2m.align(post.astype(np.float32), pre.astype(np.float32))
    for convert in (
        lambda image: image.astype(np.uint16),
        lambda image: image.astype(np.float64),
        lambda image: image.astype(">u2"),
        lambda image: np.asfortranarray(image.astype(np.float32)),
    ):
        assert np.array_equal(e2m.align(convert(post), convert(pre)).warp, expected.warp)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_arrays_are_not_copied():
    script = """
import numpy as np
import e2m

def peak():
    # Not ru_maxrss, which begins with that of the process that started this one.
    lines = open("/proc/self/status").read().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])

image = np.full((3000, 3000), 7, np.float32)
image[::2] = 9
image.setflags(write=False)
e2m.scale(image[:500, :500], image[:500, :500], "percentile")
before = peak()
assert e2m.scale(image, image, "percentile").value == 1.0
print((peak() - before) / image.nbytes)
before = peak()
e2m.scale(image.astype(np.float64), image, "percentile")
print((peak() - before) / image.nbytes)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    borrowed, converted = (float(line) for line in done.stdout.split())
    assert borrowed < 0.5, "an image of 36 MB was copied"
    assert converted > 2, "float64 takes two images, and its float32 copy another"


def test_an_image_is_warped_scaled_and_searched(pair, alignment):
    post, pre = pair
    aligned = alignment.warp_image(pre)
    assert aligned.shape == post.shape == alignment.post_shape
    assert np.array_equal(aligned, alignment.warp_image(pre.astype(np.float64)))

    scale = e2m.scale(post, aligned)
    assert scale.value == pytest.approx(1.3, rel=0.02) and scale.std_error < 0.05
    assert scale.verdict in ("pass", "suspect") and "moffat" in repr(scale) and float(scale) == scale.value
    inside = (aligned > 0) & (post > 0)
    ratios = (post[inside] / aligned[inside]).astype(np.float32)
    median = e2m.scale(post, aligned, "percentile", percentile=50)
    assert median.value == pytest.approx(float(np.percentile(ratios, 50)), rel=1e-6)
    manual = e2m.scale(post, aligned, "manual", value=1.3, post_black=2.0)
    difference = manual.difference(post, aligned)
    expected = post.astype(np.float64) - 2.0 - 1.3 * aligned.astype(np.float64)
    assert difference.dtype == np.float32 and np.allclose(difference, expected, atol=1e-4)

    mask = np.where(inside, 0, 3).astype(np.uint8)
    found = e2m.detect(post, aligned, scale, mask=mask, alignment=alignment)
    assert found.dtype == e2m.CATALOGUE_DTYPE
    microbes = found[found["counts"]]
    for column, row in [(200, 150), (320, 260), (420, 330)]:
        distance = np.hypot(microbes["x_px"] - column, microbes["y_px"] - row)
        nearest = microbes[int(distance.argmin())]
        assert distance.min() < 0.3 and nearest["flux"] == pytest.approx(300 * 2 * np.pi * 2.25, rel=0.1)
    assert found.facts["microbes"] == len(microbes)
    assert len(e2m.detect(post, aligned, 1.3, mask=mask, detect_sigma=80)) <= 3


def test_what_cannot_be_used_says_so(pair, alignment):
    post, pre = pair
    with pytest.raises(e2m.ArrayError, match=r"post has the shape \[480, 600, 3\]; an image of one channel"):
        e2m.align(np.zeros((480, 600, 3), np.uint8), pre)
    with pytest.raises(ValueError, match="both have to be one"):
        e2m.scale(post, pre[:100])
    with pytest.raises(e2m.ArrayError, match="only what lies pixel on pixel with pre"):
        alignment.warp_image(pre[:100])
    with pytest.raises(e2m.ArrayError, match="the mask has another shape"):
        e2m.detect(post, pre, 1.3, mask=np.zeros((3, 3), np.uint8))
    with pytest.raises(e2m.AlignmentError, match="the pre image is blank"):
        e2m.align(post, np.ones_like(pre))
    with pytest.raises(e2m.AlignmentError, match="alignment needs at least"):
        e2m.align(post[:8, :8], pre[:8, :8])
    with pytest.raises(e2m.BatchFileError, match="coarse_method is sift"):
        e2m.align(post, pre, coarse_method="sift")
    with pytest.raises(e2m.ScaleError, match="has to be given"):
        e2m.scale(post, pre, "manual")
    with pytest.raises(e2m.ScaleError, match="it must be \"moffat\""):
        e2m.scale(post, pre, "mean")


def test_options_are_parameters(pair):
    found = e2m.align(*pair, coarse_method="features", subpixel=False, local_correction="off")
    assert found.coarse_method == "features"
    assert found.estimated_accuracy_px is None and not found.is_deformed


def test_other_threads_go_on_and_a_token_stops(pair):
    counted = 0
    done = threading.Event()

    def count() -> None:
        nonlocal counted
        while not done.is_set():
            counted += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    began = time.monotonic()
    e2m.align(*pair)
    lasted = time.monotonic() - began
    done.set()
    thread.join()
    assert counted > 100 * lasted

    token = e2m.CancelToken()
    token.cancel()
    for call in (
        lambda: e2m.align(*pair, cancel=token),
        lambda: e2m.scale(pair[0], pair[0], cancel=token),
        lambda: e2m.detect(pair[0], pair[0], 1.0, cancel=token),
    ):
        with pytest.raises(e2m.Cancelled):
            call()
