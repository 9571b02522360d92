"""Opens checkpoints with tifffile and astropy, strictly, and compares them with what was written.

usage: check_checkpoints.py FOLDER

FOLDER holds *.tiff and *.fits, all with the pixels of pixels.raw (float32, little endian, 23 x 37), and golden.json with
the FITS cards that have to be there.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import tifffile
from astropy.io import fits

warnings.simplefilter("error")
folder = Path(sys.argv[1])
pixels = np.fromfile(folder / "pixels.raw", "<f4").reshape(37, 23)
golden = json.loads((folder / "golden.json").read_text())

for path in sorted(folder.glob("*.tiff")):
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        assert len(tiff.pages) == 1 and page.dtype == np.float32, path
        assert np.array_equal(page.asarray(), pixels), path
        assert tiff.is_bigtiff == path.stem.startswith("big"), path
        facts = json.loads(page.description)
        assert facts["SAMPLE"] == "T1500" and facts["PAD"] == 500 and facts["SP"] == 50.0, facts
        assert page.software.startswith("e2m "), page.software
    print(path.name)

for path in sorted(folder.glob("*.fits")):
    with fits.open(path, checksum=True) as hdus:
        hdus.verify("exception")
        assert len(hdus) == 1
        header = hdus[0].header
        assert np.array_equal(hdus[0].data, pixels), path
        cards = [card.image for card in header.cards]
        times = [card for card in cards if not card.startswith("CREATED")]
        for card in golden:
            assert card in times, f"{card!r} not in {cards}"
        positions = [times.index(card) for card in golden]
        assert positions == sorted(positions), cards
        # What astropy would write itself is what is there.
        rewritten = fits.Card(header.cards["CREATED"].keyword, header["CREATED"], header.comments["CREATED"]).image
        assert rewritten in cards, rewritten
        for card in header.cards:
            if card.keyword.startswith("W") or card.keyword in ("", "NOTE"):
                continue
            fresh = fits.Card(card.keyword, card.value, card.comment).image
            assert fresh == card.image, (fresh, card.image)
        assert header["NOTE"] == "long '' text & more " * 20 + "end", header["NOTE"]
        assert header["W12"] == -0.00012345678901234567
        assert "COMMENT" not in header
    print(path.name)
