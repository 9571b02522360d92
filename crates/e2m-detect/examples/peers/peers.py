"""Holds SEP, photutils and scikit-image's blob_log against the objects of e2m-detect: peers.py FOLDER

Every program gets the same difference and the same noise map, and the threshold at which it does best on each kind of pair.
A microbe counts as wanted if the best filter would find it at 6 standard deviations; objects that belong to fainter ones are neither
right nor wrong. Prints a table in Markdown.
"""

import csv
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

WANTED = 6.0
THRESHOLDS = [2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0]


def rows(path):
    with open(path, newline="") as file:
        return [[float(v) for v in row] for row in list(csv.reader(file))[1:]]


def score(truth, objects):
    """True positives, false ones, wanted: the brightest microbe chooses first."""
    objects = np.asarray(objects, float).reshape(-1, 2)
    taken = np.zeros(len(objects), bool)
    found = other = 0
    for x, y, _, ideal, reach in sorted(truth, key=lambda t: -t[2]):
        if not len(objects):
            break
        distance = np.hypot(objects[:, 0] - x, objects[:, 1] - y)
        distance[taken] = np.inf
        nearest = int(np.argmin(distance))
        if distance[nearest] <= reach:
            taken[nearest] = True
            if ideal >= WANTED:
                found += 1
            else:
                other += 1
    return found, len(objects) - found - other, sum(t[3] >= WANTED for t in truth)


def sep_objects(difference, noise):
    import sep

    sep.set_extract_pixstack(3_000_000)
    # At low thresholds noise hangs together in footprints of many peaks.
    sep.set_sub_object_limit(100_000)
    background = sep.Background(difference, bw=64, bh=64)
    rest = difference - background.back()
    kernel = np.array([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]])
    for threshold in [1.0, 1.5, *THRESHOLDS]:
        found = sep.extract(rest, threshold, err=noise, minarea=4, filter_kernel=kernel, deblend_cont=0.005)
        yield np.column_stack([found["x"], found["y"]])


def photutils_objects(difference, noise):
    from astropy.convolution import convolve
    from photutils.background import Background2D
    from photutils.segmentation import SourceCatalog, SourceFinder, make_2dgaussian_kernel

    rest = difference - Background2D(difference, 64).background
    smooth = convolve(rest, make_2dgaussian_kernel(3.0, size=5))
    for threshold in [1.0, 1.5, *THRESHOLDS[:5]]:
        found = SourceFinder(n_pixels=4, progress_bar=False)(smooth, threshold * noise)
        if found is None:
            yield np.zeros((0, 2))
        else:
            catalogue = SourceCatalog(rest, found, convolved_data=smooth)
            yield np.column_stack([catalogue.x_centroid, catalogue.y_centroid])


def blob_objects(difference, noise):
    from skimage.feature import blob_log

    significance = (difference - np.median(difference)) / noise
    blobs = blob_log(significance, min_sigma=0.8, max_sigma=6, num_sigma=8, threshold=0.6, overlap=0.5)
    from scipy.ndimage import gaussian_laplace

    strength = np.zeros(len(blobs))
    for sigma in np.unique(blobs[:, 2]):
        response = -gaussian_laplace(significance, sigma) * sigma**2
        of_sigma = blobs[:, 2] == sigma
        strength[of_sigma] = response[blobs[of_sigma, 0].astype(int), blobs[of_sigma, 1].astype(int)]
    for threshold in [0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 9.0]:
        yield blobs[strength >= threshold][:, [1, 0]]


PEERS = {"SEP": sep_objects, "photutils": photutils_objects, "blob_log": blob_objects}


def main(folder):
    pairs = sorted(p for p in Path(folder).iterdir() if (p / "truth.csv").exists())
    missing = {}
    scores = defaultdict(lambda: defaultdict(list))  # kind -> program -> one list of scores by threshold for each pair
    seconds = defaultdict(float)
    for pair in pairs:
        kind = pair.name.rsplit(" ", 1)[0]
        truth = rows(pair / "truth.csv")
        seconds["e2m-detect"] += float((pair / "seconds.txt").read_text())
        scores[kind]["e2m-detect"].append([score(truth, [r[:2] for r in rows(pair / "own.csv")])])
        everything = rows(pair / "own_all.csv")
        own = [[r[:2] for r in everything if r[3] >= t] for t in [3.5, 4, 4.5, 5, 5.5, 6, 7]]
        scores[kind]["e2m-detect, best"].append([score(truth, objects) for objects in own])
        difference = np.ascontiguousarray(np.load(pair / "difference.npy").astype(np.float64))
        noise = np.ascontiguousarray(np.load(pair / "noise.npy").astype(np.float64))
        for name, peer in PEERS.items():
            if name in missing:
                continue
            start = time.perf_counter()
            try:
                objects = list(peer(difference, noise))
            except ImportError as error:
                missing[name] = str(error)
                continue
            seconds[name] += (time.perf_counter() - start) / len(objects)
            scores[kind][name].append([score(truth, o) for o in objects])
    names = ["e2m-detect", "e2m-detect, best", *(n for n in PEERS if n not in missing)]
    print("| pairs | " + " | ".join(names) + " |")
    print("|---|" + "---|" * len(names))
    for kind, by_name in scores.items():
        cells = []
        for name in names:
            sums = np.sum(np.array(by_name[name]), axis=0)  # threshold x (found, wrong, wanted)
            if sums[0, 2] == 0:
                cells.append(f"{sums[:, 1].min()} false")
                continue
            f1 = 2 * sums[:, 0] / (sums[:, 0] + sums[:, 1] + sums[:, 2])
            cells.append(f"{f1.max():.3f}")
        print(f"| {kind} | " + " | ".join(cells) + " |")
    print("| seconds a pair | " + " | ".join(f"{seconds[n] / len(pairs):.2f}" if n in seconds else "" for n in names) + " |")
    for name, why in missing.items():
        print(f"\n{name} is not installed: {why}")


if __name__ == "__main__":
    main(sys.argv[1])
