"""Aligns real pairs by other programs and by e2m: peers.py PAIRS E2M [OUT.json]

PAIRS holds `pairs.json` and `belong/NAME/*_PreStain_*.tif`, `*_PostStain_*.tif`; `H` of a pair sends post px to pre px. Every program
gets both images whole. An alignment is right if its mean error over the image is at most the tolerance of the family: 1 px, 2 px where
things move or have relief, 3.5 px across colours, whose own shift blurs the truth so much. e2m also says what it thinks of its result;
one that it calls failed is not counted as right. Prints a table in Markdown, and seconds.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import tifffile


def grey(path):
    """The first page as a plane of float32; colours are added up."""
    image = tifffile.imread(path, key=0).astype(np.float32)
    return image.sum(axis=2) if image.ndim == 3 else image


def bytes_of(image):
    """8 bit between percentiles 0.5 and 99.5, for what takes nothing else."""
    low, high = np.percentile(image, (0.5, 99.5))
    return np.clip((image - low) * 255 / max(high - low, 1e-6), 0, 255).astype(np.uint8)


def same_size(pre, post):
    """Both images on one frame, for programs that ask for it: places stay what they are."""
    height, width = (max(a, b) for a, b in zip(pre.shape, post.shape))
    grown = [np.pad(i, ((0, height - i.shape[0]), (0, width - i.shape[1])), mode="edge") for i in (pre, post)]
    return grown


def sift_ecc(pre, post):
    """OpenCV: SIFT, ratio test, RANSAC, then ECC from there."""
    import cv2

    a, b = bytes_of(post), bytes_of(pre)
    sift = cv2.SIFT_create(5000)
    (ka, da), (kb, db) = sift.detectAndCompute(a, None), sift.detectAndCompute(b, None)
    if da is None or db is None or len(ka) < 4 or len(kb) < 4:
        return None
    matches = [m for m, *rest in cv2.BFMatcher().knnMatch(da, db, k=2) if rest and m.distance < 0.8 * rest[0].distance]
    if len(matches) < 4:
        return None
    source = np.float32([ka[m.queryIdx].pt for m in matches])
    target = np.float32([kb[m.trainIdx].pt for m in matches])
    warp, _ = cv2.findHomography(source, target, cv2.RANSAC, 3.0)
    if warp is None:
        return None
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 100, 1e-6)
    try:
        _, warp = cv2.findTransformECC(a, b, warp.astype(np.float32), cv2.MOTION_HOMOGRAPHY, criteria, None, 5)
    except cv2.error:
        pass  # ECC has not converged: what SIFT found stands.
    return lambda points: cv2.perspectiveTransform(points[None].astype(np.float64), warp.astype(np.float64))[0]


def ants_affine(pre, post):
    """ANTs: rigid, then affine, by mutual information."""
    import ants

    # Arrays are x, y for ANTs, so that a physical point is (x, y) in px.
    fixed, moving = (ants.from_numpy(np.ascontiguousarray(i.T)) for i in (post, pre))
    found = ants.registration(fixed, moving, type_of_transform="Affine", random_seed=1)
    transform = ants.read_transform(found["fwdtransforms"][0])
    return lambda points: np.array([transform.apply_to_point([float(x), float(y)]) for x, y in points])


def stackreg(pre, post):
    """StackReg: affine, pyramid of least squares."""
    from pystackreg import StackReg

    pre, post = same_size(pre, post)
    register = StackReg(StackReg.AFFINE)
    register.register(post, pre)
    matrix = register.get_matrix()
    return lambda points: points @ matrix[:2, :2].T + matrix[:2, 2]


def elastix_affine(pre, post):
    """elastix: its affine parameter map."""
    import itk

    fixed, moving = (itk.image_from_array(np.ascontiguousarray(i)) for i in (post, pre))
    parameters = itk.ParameterObject.New()
    parameters.AddParameterMap(parameters.GetDefaultParameterMap("rigid"))
    parameters.AddParameterMap(parameters.GetDefaultParameterMap("affine"))
    _, result = itk.elastix_registration_method(fixed, moving, parameter_object=parameters, log_to_console=False)

    def one(step, points):
        values = [float(v) for v in step["TransformParameters"]]
        centre = np.array([float(v) for v in step["CenterOfRotationPoint"]])
        if step["Transform"][0] == "EulerTransform":
            cos, sin = np.cos(values[0]), np.sin(values[0])
            matrix, shift = np.array([[cos, -sin], [sin, cos]]), np.array(values[1:3])
        else:
            matrix, shift = np.array(values[:4]).reshape(2, 2), np.array(values[4:6])
        return (points - centre) @ matrix.T + centre + shift

    maps = [result.GetParameterMap(i) for i in range(result.GetNumberOfParameterMaps())]

    def whole(points):
        # The last one is applied first to a point of the fixed image, then those it starts from.
        for step in maps:
            points = one(step, points)
        return points

    return whole


PEERS = {
    "OpenCV, SIFT and ECC": sift_ecc,
    "ANTs, affine": ants_affine,
    "StackReg, affine": stackreg,
    "elastix, affine": elastix_affine,
}


def tolerance(family):
    if "cross-channel" in family:
        return 3.5
    return 2.0 if "lapse" in family or "relief" in family else 1.0


def grid(shape):
    ys, xs = np.meshgrid(np.linspace(0, shape[0] - 1, 9), np.linspace(0, shape[1] - 1, 9), indexing="ij")
    return np.column_stack([xs.ravel(), ys.ravel()])


def through(matrix, points):
    sent = np.column_stack([points, np.ones(len(points))]) @ np.asarray(matrix, float).T
    return sent[:, :2] / sent[:, 2:]


def own(program, folders):
    """e2m on all pairs in one batch: warp from post px to pre px, verdict and seconds of each."""
    pad, found = 20, {}
    with tempfile.TemporaryDirectory() as place:
        raw = Path(place, "raw")
        raw.mkdir()
        for name, folder in folders.items():
            raw.joinpath(name).symlink_to(folder.resolve())
        batch = Path(place, "batch.toml")
        batch.write_text(f'raw_dir = "raw"\noutput_dir = "out"\nto_stage = 3\ncheckpoints = "none"\n[params]\npad = {pad}\n')
        subprocess.run([program, batch], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        for path in Path(place, "out").glob("*/*/e2m_task*.json"):
            record = json.loads(path.read_text())
            seconds = sum(s["seconds"] for s in record["stages"] if s["stage"] in (2, 3))
            warps = record["warps"]
            warp = warps.get("interior") or warps.get("icp")
            verdict = (record.get("alignment") or {}).get("verdict")
            found[record["sample"]] = (warp, warps.get("deformation"), pad, verdict, seconds)
    return found


def main(pairs, program, out=None):
    pairs = Path(pairs)
    facts = json.loads((pairs / "pairs.json").read_text())
    wanted = {n: f for n, f in facts.items() if f["cls"] == "belong" and f.get("H")}
    folders = {n: pairs / "belong" / n for n in wanted}
    results = defaultdict(dict)  # program -> pair -> (error or none, seconds, verdict or none)
    missing = {}
    for name, (warp, _, pad, verdict, seconds) in own(program, folders).items():
        post = grey(next(folders[name].glob("*_PostStain_*")))
        points = grid(post.shape)
        truth = through(wanted[name]["H"], points)
        error = None
        if warp is not None:
            # The warp in the record sends canvas px to raw px of pre.
            error = float(np.hypot(*(through(warp, points + pad) - truth).T).mean())
        results["e2m"][name] = (error, seconds, verdict)
    for name, fact in wanted.items():
        pre, post = (grey(next(folders[name].glob(f"*_{stain}Stain_*"))) for stain in ("Pre", "Post"))
        points = grid(post.shape)
        truth = through(fact["H"], points)
        for peer, align in PEERS.items():
            if peer in missing:
                continue
            start = time.perf_counter()
            try:
                send = align(pre, post)
                error = None if send is None else float(np.hypot(*(send(points) - truth).T).mean())
            except ImportError as why:
                missing[peer] = str(why)
                continue
            except Exception as why:  # A program that gives up on a pair has not aligned it.
                print(f"{peer} on {name}: {type(why).__name__}", file=sys.stderr)
                error = None
            results[peer][name] = (error, time.perf_counter() - start, None)
    table(wanted, results, missing)
    if out:
        Path(out).write_text(json.dumps(results, indent=1))


def table(wanted, results, missing):
    families = defaultdict(list)
    for name, fact in wanted.items():
        families[fact["family"].split(" ", 1)[1]].append(name)
    programs = ["e2m", *(p for p in PEERS if p in results)]

    def right(program, name):
        error, _, verdict = results[program].get(name, (None, 0, None))
        failed = program == "e2m" and verdict not in ("pass", "suspect")
        return error is not None and error <= tolerance(wanted[name]["family"]) and not failed

    print("| family | pairs | " + " | ".join(programs) + " |")
    print("|---|---:|" + "---:|" * len(programs))
    for family, names in sorted(families.items()):
        print(f"| {family} | {len(names)} | " + " | ".join(str(sum(right(p, n) for n in names)) for p in programs) + " |")
    print(f"| **all** | {len(wanted)} | " + " | ".join(str(sum(right(p, n) for n in wanted)) for p in programs) + " |")

    def median(values):
        return f"{np.median(values):.2f}" if len(values) else ""

    errors = [median([results[p][n][0] for n in wanted if right(p, n)]) for p in programs]
    print("| median error of the right ones, px | | " + " | ".join(errors) + " |")
    print("| median seconds a pair | | " + " | ".join(median([r[1] for r in results[p].values()]) for p in programs) + " |")
    passed = [n for n in wanted if results["e2m"].get(n, (None, 0, None))[2] == "pass"]
    print(f"\ne2m passes {len(passed)}, of which {sum(right('e2m', n) for n in passed)} are right.")
    for name, why in missing.items():
        print(f"\n{name} is not installed: {why}")


if __name__ == "__main__":
    os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "2")
    main(*sys.argv[1:])
