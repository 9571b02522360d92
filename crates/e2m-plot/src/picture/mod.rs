//! The pictures, one file each, and one table of their kinds with what to look for on each: for the report and the
//! documentation.

mod cell_noise;
mod close_ups;
mod comparison;
mod difference_histogram;
mod difference_image;
mod fine_alignment;
mod heatmap;
mod histograms;
mod microbe_density;
mod microbe_gallery;
mod microbe_histogram;
mod microbes;
mod ratio_histogram;
mod registration;
mod residual;
mod scale_line;
mod significance_histogram;
mod slow_mean;
mod zoom;

pub use close_ups::{CloseUp, CloseUpsImages, CloseUpsPicture, draw_close_ups};
pub use comparison::{ComparisonImages, ComparisonPicture, draw_comparison};
pub use difference_histogram::{DifferenceHistogramPicture, draw_difference_histogram};
pub use difference_image::{DifferenceImagePicture, draw_difference_image};
pub use fine_alignment::{FineAlignmentPicture, draw_fine_alignment};
pub use heatmap::{
    ExcessHeatmapPicture, PrePostHeatmapPicture, draw_excess_heatmap, draw_pre_post_heatmap,
};
pub use histograms::{PrePostHistogramsPicture, draw_pre_post_histograms};
pub use microbe_density::{MicrobeDensityPicture, draw_microbe_density};
pub use microbe_gallery::{GalleryCrop, GalleryGroup, MicrobeGalleryPicture, draw_microbe_gallery};
pub use microbe_histogram::{MicrobeHistogramPicture, MicrobeQuantity, draw_microbe_histogram};
pub use microbes::{MicrobePlace, MicrobesPicture, draw_microbes};
pub use ratio_histogram::{MoffatProfile, RatioHistogramPicture, RatioPeak, draw_ratio_histogram};
pub use registration::{Contour, RegistrationPicture, draw_registration};
pub use residual::{ResidualArrow, ResidualPicture, draw_registration_residual};
pub use scale_line::{ScaleLine, ScaleMethod};
pub use significance_histogram::{SignificanceHistogramPicture, draw_significance_histogram};
pub use zoom::{Painted, ZoomPanel, ZoomPicture, ZoomShows, ZoomStretch, draw_blink, draw_zoom};

/// A kind of picture, in the order in which one looks at them: alignment first, then brightness, then the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PictureKind {
    /// [`draw_registration`](crate::draw_registration).
    Registration,
    /// [`draw_fine_alignment`](crate::draw_fine_alignment).
    FineAlignment,
    /// [`draw_registration_residual`](crate::draw_registration_residual).
    RegistrationResidual,
    /// [`draw_pre_post_heatmap`](crate::draw_pre_post_heatmap).
    PrePostHeatmap,
    /// [`draw_excess_heatmap`](crate::draw_excess_heatmap).
    ExcessHeatmap,
    /// [`draw_pre_post_histograms`](crate::draw_pre_post_histograms).
    PrePostHistograms,
    /// [`draw_ratio_histogram`](crate::draw_ratio_histogram).
    RatioHistogram,
    /// [`draw_difference_histogram`](crate::draw_difference_histogram).
    DifferenceHistogram,
    /// [`draw_difference_image`](crate::draw_difference_image).
    DifferenceImage,
    /// [`draw_microbes`](crate::draw_microbes).
    Microbes,
    /// [`draw_microbe_gallery`](crate::draw_microbe_gallery).
    MicrobeGallery,
    /// [`draw_microbe_density`](crate::draw_microbe_density).
    MicrobeDensity,
    /// [`draw_microbe_histogram`](crate::draw_microbe_histogram) of the fluxes.
    MicrobeFluxes,
    /// [`draw_microbe_histogram`](crate::draw_microbe_histogram) of the lengths.
    MicrobeSizes,
    /// [`draw_significance_histogram`](crate::draw_significance_histogram).
    SignificanceHistogram,
}

/// A picture explained to those who read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureGuide {
    /// What its file name begins with.
    pub stem: &'static str,
    /// A heading.
    pub title: &'static str,
    /// What is on it, one sentence.
    pub shows: &'static str,
    /// What a good one looks like, one sentence.
    pub good: &'static str,
    /// What a bad one looks like, and what that means, one sentence.
    pub bad: &'static str,
}

/// The two images of [`draw_comparison`](crate::draw_comparison), which are no single picture, explained likewise.
pub const COMPARISON_GUIDE: PictureGuide = PictureGuide {
    stem: "comparison",
    title: "Post and aligned pre",
    shows: "The same frame of both, each in its own range of brightness, to be swiped or blinked.",
    good: "Nothing moves: when the images alternate the rock stays where it is, and only what took up the stain comes \
           and goes.",
    bad: "Veins, grains or the rim jump to and fro, or break at the dividing line, everywhere or in one part only: what \
          jumps is left over in the difference image.",
};

/// The two images of [`draw_close_ups`](crate::draw_close_ups), explained likewise.
pub const CLOSE_UPS_GUIDE: PictureGuide = PictureGuide {
    stem: "close_ups",
    title: "Close-ups of post and aligned pre",
    shows: "The strongest microbes, two places of the section that were drawn by chance, and the tile with the longest residual, pixel by \
            pixel, to be swiped or blinked.",
    good: "Grains and edges stay where they are to the pixel, also on the tile with the longest residual, and the microbes are on \
           post alone.",
    bad: "Everything in a square steps to one side: the alignment is wrong there by as much as the bar tells; or the strongest \
          microbes are as bright on aligned pre, which makes them grains or dirt.",
};

/// Every picture explained, in the order of [`PictureKind`].
const PICTURE_GUIDES: [PictureGuide; 15] = [
    PictureGuide {
        stem: "registration",
        title: "Coarse alignment",
        shows: "Post and pre as they were taken, both laid over each other after the coarse alignment (post green, pre \
                magenta, both alike grey), and post − pre.",
        good: "The section is grey in the overlay, its outlines run on top of each other all around, and the structure of \
               the rock is gone from post − pre or has one colour throughout.",
        bad: "The outlines part or cross, grains have green and magenta edges, or post − pre shows every vein twice, red on \
              one side and blue on the other: pre lies in the wrong place, is turned, or shows another section.",
    },
    PictureGuide {
        stem: "fine_alignment",
        title: "Refined outline",
        shows: "The outline of pre before and after it was fitted to that of post (ICP), whole and where it moved most.",
        good: "In the close-up the refined outline of pre follows that of post closely, nearer than the coarse one, \
               which has moved a little everywhere.",
        bad: "The refined outline leaves post's by far more than a line's width, or has moved far at one place only: \
              the rim is torn, broken off or cut by the frame, so trust the residuals rather than the outline.",
    },
    PictureGuide {
        stem: "registration_residual",
        title: "Residual displacement",
        shows: "How far aligned pre still is from post on tiles that took no part in the fit, as magnified arrows.",
        good: "The median stated above the picture is a small part of a pixel, and the arrows point in all directions \
               without order: that is noise, however long the magnification makes them.",
        bad: "Neighbouring arrows agree (all one way, a swirl, or away from one point), the median nears 1 px, or most \
              tiles are crosses: structure will be left over in the difference image.",
    },
    PictureGuide {
        stem: "pre_post_heatmap",
        title: "Brightness of post against pre",
        shows: "How many pixels have each pair of brightness, aligned pre to the right and post upwards.",
        good: "One narrow, straight ridge leaves the corner at the lower left, that is the background, and a thin cloud \
               stands above it, that is what took up the stain.",
        bad: "The ridge is a broad blob or splits in two (badly aligned, or lit unevenly), bends (a black level or \
              saturation), or ends in a dense line at the upper or right edge (overexposed).",
    },
    PictureGuide {
        stem: "excess_heatmap",
        title: "Excess of post over pre",
        shows: "The same above the diagonal, less its mirror image below, with a line for each scale.",
        good: "The Moffat line runs along the crest of the ridge from end to end, and nearly all of the cloud above lies \
               on its upper left.",
        bad: "The line runs beside the crest, or the crest bends away from it: too steep a line takes stained microbes \
              away with the background, too flat a line leaves background behind.",
    },
    PictureGuide {
        stem: "pre_post_histograms",
        title: "Brightness of each image",
        shows: "How many pixels have each brightness, in raw pre, raw post and aligned pre.",
        good: "Both images fill a good part of the axis, their curves have like shapes, and that of post reaches \
               further to the bright side.",
        bad: "A tall bar at the bright end (overexposed: what is cut off there cannot be subtracted), everything in the \
              first few levels (underexposed), or curves of altogether different shapes (another section or exposure).",
    },
    PictureGuide {
        stem: "ratio_histogram",
        title: "Ratio of post to pre, and the scale",
        shows: "How many pixels have each ratio post / aligned pre, the fitted profile, and the scales.",
        good: "There is one slender peak, the profile (black) follows it, the Moffat line stands at its top, and to the \
               right it exceeds the mirrored left wing (triangles) where microbes are.",
        bad: "There are two peaks, a broad or lopsided hill, or a line beside the top: the scale does not describe the \
              background, so compare the difference image or give a scale by hand.",
    },
    PictureGuide {
        stem: "difference_histogram",
        title: "Post − pre, unscaled",
        shows: "How many pixels differ by how many counts before any scale is applied.",
        good: "A hill at or right of zero holds the background, and a long thin tail to the right holds what took up the \
               stain.",
        bad: "There is as long a tail to the left as to the right (badly aligned, or the stain took brightness away), \
              or many pixels are signal in post only (pre does not cover the section).",
    },
    PictureGuide {
        stem: "difference_image",
        title: "Difference image",
        shows: "post − scale × aligned pre: red where post is brighter, blue where pre is, black where there is nothing but \
                noise.",
        good: "The section is near black, and separate red dots stand on it: the microbes.",
        bad: "Edges with red on one side and blue on the other (badly aligned), a section red or blue as a whole (wrong \
              scale), or a slow change of colour across it (uneven light).",
    },
    PictureGuide {
        stem: "microbes",
        title: "Microbes",
        shows: "Every object of the catalogue as a circle on post, in another colour where it does not count as a microbe.",
        good: "The circles lie on the section, where one expects microbes, and hardly any are not counted.",
        bad: "Circles follow veins, grains or the rim (badly aligned), fill one part evenly (uneven light), or stand \
              beside the section: the list holds traces of the subtraction.",
    },
    PictureGuide {
        stem: "microbe_gallery",
        title: "Gallery of microbes",
        shows: "Post, aligned pre and difference around the brightest microbes, those at the threshold and some drawn at random, \
                at full resolution with their numbers.",
        good: "Each is a compact spot in post and in the difference, and aligned pre shows nothing at its place.",
        bad: "Spots have a blue side (badly aligned), lie on an edge of the rock, or are there in pre as well: such objects are no \
              microbes, and a higher detect_sigma leaves out the faint ones among them.",
    },
    PictureGuide {
        stem: "microbe_density",
        title: "Density of microbes",
        shows: "How many microbes there are per area of section, in cells of 256 px.",
        good: "Cells differ where microbes live in colonies, and follow neither the light nor the grains of the rock.",
        bad: "The density follows the rim, the brightness of the rock or the corners of the frame: what is counted there is left \
              over from the subtraction, or microbes are missed where it is dark.",
    },
    PictureGuide {
        stem: "microbe_fluxes",
        title: "Flux of microbes",
        shows: "How many microbes have which flux, and the share of microbes of the median size that is found at each.",
        good: "Most microbes are brighter than where the line reaches the upper edge, so that hardly any are missed.",
        bad: "The bars are cut off where the line falls: there are fainter ones that are not found, and counts of samples can be \
              compared from the flux on that is found in both.",
    },
    PictureGuide {
        stem: "microbe_sizes",
        title: "Length of microbes",
        shows: "How many microbes have which length at half maximum, the point spread taken off.",
        good: "There is one hill at the length of the microbes that one expects, and a tail of rods and of those that touch.",
        bad: "Most have no length at all (noise, hot pixels) or tens of pixels (uneven stain).",
    },
    PictureGuide {
        stem: "significance_histogram",
        title: "Significance against the normal curve",
        shows: "How many pixels of the section stand out by how many standard deviations, with and without microbes, and \
                the normal curve.",
        good: "Pixels without microbes follow the normal curve on both sides, and all section leaves it on the right only.",
        bad: "All section leaves the curve on the left as far as on the right, or pixels without microbes lie beside it: what is \
              significant by the numbers is less so in truth, and more microbes are none than expected.",
    },
];

impl PictureKind {
    /// All of them, in their order.
    pub const ALL: [Self; 15] = [
        Self::Registration,
        Self::FineAlignment,
        Self::RegistrationResidual,
        Self::PrePostHeatmap,
        Self::ExcessHeatmap,
        Self::PrePostHistograms,
        Self::RatioHistogram,
        Self::DifferenceHistogram,
        Self::DifferenceImage,
        Self::Microbes,
        Self::MicrobeGallery,
        Self::MicrobeDensity,
        Self::MicrobeFluxes,
        Self::MicrobeSizes,
        Self::SignificanceHistogram,
    ];

    /// What there is to say about it.
    pub fn guide(self) -> &'static PictureGuide {
        &PICTURE_GUIDES[self as usize]
    }

    /// The kind whose file names begin with this stem, before any variant and suffix.
    pub fn from_stem(stem: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.guide().stem == stem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_order_of_the_enum() {
        assert!(PictureKind::ALL.is_sorted());
        for kind in PictureKind::ALL {
            assert_eq!(PictureKind::from_stem(kind.guide().stem), Some(kind));
            // `PrePostHeatmap` is `pre_post_heatmap`.
            let words = kind.guide().stem.split('_').collect::<String>();
            assert_eq!(format!("{kind:?}").to_lowercase(), words);
        }
        assert_eq!(PictureKind::from_stem("registration_"), None);
    }

    #[test]
    fn every_text_is_one_sentence() {
        let kinds = PictureKind::ALL.map(|kind| *kind.guide());
        for guide in kinds.iter().chain([&COMPARISON_GUIDE, &CLOSE_UPS_GUIDE]) {
            for text in [guide.shows, guide.good, guide.bad] {
                assert!(text.ends_with('.') && !text.contains("  "), "{text}");
                assert_eq!(text.matches(". ").count(), 0, "{text}");
            }
        }
    }
}
