//! What the examples in docs/pictures show. Who draws them anew (`cargo xtask pictures`) looks whether this still holds.

use e2m_plot::PictureKind;

/// What is to be seen on the clean, the hard and the failed example of a picture.
pub(super) fn seen(kind: PictureKind) -> [&'static str; 3] {
    match kind {
        PictureKind::Registration => [
            "The outlines coincide after the alignment (dashed is where pre was), and post − pre is red throughout: post \
             is brighter everywhere.",
            "Turned by 12°, pre is in its place now: the outlines coincide, and post − pre shows patches that took up the \
             stain, but no grain twice.",
            "The outlines meet on the right and part on the left, and inside them grains are red and blue at random: no \
             position of this pre fits.",
        ],
        PictureKind::FineAlignment => [
            "The coarse alignment was right already: ICP moved the outline by 0.04 px, and all three lie on top of each \
             other.",
            "ICP moved the outline by 0.8 px, from where it kept a distance (dashed) to where it follows that of post.",
            "On the left the outline of pre leaves that of post by some 250 px; the fit was not kept, because only a \
             quarter of its points lie near the other outline.",
        ],
        PictureKind::RegistrationResidual => [
            "The median is 0.005 px and all 33 tiles were measured; the one long arrow, at the rim, stands for 0.13 px.",
            "The median is 0.24 px, and the arrows have no common direction: noise and stain; the crosses lie outside the \
             section, where there is nothing to compare.",
            "27 of 32 tiles fit no better than a wrong place does (crosses), and the other 5 are off by 20 px in the \
             median, each elsewhere: this is what ended the task.",
        ],
        PictureKind::PrePostHeatmap => [
            "A narrow, straight ridge of slope 1.3, and above it the thin cloud of the microbes.",
            "Noise and uneven light broaden the ridge, a second one above it is rock that took up stain, and dust lies \
             along the axes and far below the diagonal.",
            "There is no ridge: how bright post is says nothing about pre; along the axes, section lies on bare \
             background.",
        ],
        PictureKind::ExcessHeatmap => [
            "The Moffat line (1.3001) lies under that of the median ratio (1.3003), both on the crest; the one given by \
             hand (1.42) is too steep.",
            "The line (1.285: what uneven light leaves of 1.3 on the typical part of the section) runs through a ridge that \
             bleaching and that light have broadened; the hill above it is diffuse stain.",
            "There is no crest for the line to run along, so its slope (1.19) means nothing.",
        ],
        PictureKind::PrePostHistograms => [
            "Post reaches further to the bright side, and nothing is cut off at 255 counts; the peak at the left is the \
             bare background.",
            "Noise broadens the peak of the bare background; in aligned pre it is narrower, because interpolation \
             averages noise.",
            "Nothing looks wrong: two sections of like rock have like histograms, so this picture cannot tell whether an \
             alignment holds.",
        ],
        PictureKind::RatioHistogram => [
            "One slender peak at 1.3001 ± 0.0002; the spikes at ½, 1, 1½, 2 and 3 in the upper part are ratios of small \
             whole counts in the dark background.",
            "The line stands at the top of the peak, 1.285 ± 0.003; the small hill at 1.03 is bleached rock, and that of \
             triangles at 1.6 only its mirror image.",
            "A hill from 0.3 to 5 instead of a peak, and a standard error of 0.11, five hundred times that of the clean \
             pair.",
        ],
        PictureKind::DifferenceHistogram => [
            "The peak at zero is the bare background, the hill from 5 to 40 counts the rock, and the long thin tail to \
             the right the stain.",
            "The second hill, at 45 counts, is stain in the rock, and dust on pre makes a tail to the left; the 19,286 \
             pixels of post only are background where noise left pre at zero.",
            "Tens of thousands of pixels differ by 50 counts either way, and 414,181 have signal in post only.",
        ],
        PictureKind::DifferenceImage => [
            "The microbes are separate red dots on black ground; what is left of the edges of grains is about \
             one count.",
            "Red areas are rock that took up stain, blue ones are bleached or were lit less in post; dust is red where \
             post has it and blue where pre does; the small dots are microbes.",
            "Grains are red and blue at random, and what pre does not cover is red: no dot here can be told to be a \
             microbe.",
        ],
        PictureKind::Microbes => [
            "The circles stand on the section, where the red dots of the difference image are.",
            "Microbes are found among stain and dust; where the stain soaked in unevenly fewer of them stand out.",
            "What is circled are parts of grains that differ: no circle here can be told to be a microbe.",
        ],
        PictureKind::MicrobeGallery => [
            "Post and difference show a spot, and aligned pre the rock alone.",
            "Spots stand in the difference alone, fainter ones on ground that is left over of the stain.",
            "Post and pre show different grains: what stands out is the rock.",
        ],
        PictureKind::MicrobeDensity => [
            "Colonies make some cells denser than others.",
            "Cells with uneven stain are denser: part of what is counted there is stain.",
            "The density is that of the grains, and says nothing about microbes.",
        ],
        PictureKind::MicrobeFluxes => [
            "Nearly all microbes are brighter than what half are found of.",
            "Noise takes away faint ones, and stain adds bright ones.",
            "The bars are those of grains.",
        ],
        PictureKind::MicrobeSizes => [
            "Dots make the hill, rods the tail.",
            "Stain adds lengths of tens of pixels.",
            "There is no hill: grains have any length.",
        ],
        PictureKind::SignificanceHistogram => [
            "The pixels without microbes follow the normal curve, and the microbes are the tail to the right.",
            "The curve is followed near the middle, and stain and dust widen both sides a little.",
            "The pixels without microbes leave the curve on both sides: what is left over is the rock itself.",
        ],
    }
}

/// The same of the comparison.
pub(super) fn compared() -> [&'static str; 3] {
    [
        "Rim and grains go on across the line.",
        "Rim and grains go on although light and stain differ; fibres and blobs of dust are in one image only.",
        "The rim nearly meets at the line, but no grain goes on: the rocks differ.",
    ]
}

/// The same of the close-ups.
pub(super) fn close_ups() -> [&'static str; 3] {
    [
        "Grains go on across the line, and a microbe is on the side of post only.",
        "Grains go on across the line, though noise and stain hide the faint ones.",
        "Nothing goes on across the line: the rocks differ.",
    ]
}

/// The difference images of the clean pair with more scales: variant, and what is to be seen.
pub(super) const MORE_SCALES: [(&str, &str); 2] = [
    (
        "percentile_p50",
        "The median of all ratios, 1.3003, does as well here, because few pixels took up stain.",
    ),
    (
        "manual",
        "1.42 by hand is too much: the whole section is blue, and the microbes have become smaller and fewer.",
    ),
];
