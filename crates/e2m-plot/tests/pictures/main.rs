//! What a picture shows is where it has to be, judged by its pixels alone.

#[path = "../../src/decoded.rs"]
mod decoded;
mod headline;
mod heatmaps;
mod histograms;
mod images;
mod odd;

use decoded::Decoded;
use e2m_image::Size;
use e2m_plot::{
    BrightnessHistogram, Contour, DifferenceHistogramPicture, DifferenceImagePicture,
    DifferencePreview, DifferenceSummary, ExcessHeatmapPicture, FineAlignmentPicture,
    JointHistogram, Levels, MoffatProfile, Outline, PairStatistics, PrePostHeatmapPicture,
    PrePostHistogramsPicture, Preview, RatioHistogramPicture, RatioPeak, RegistrationPicture,
    ScaleLine, ScaleMethod, Title, draw_difference_histogram, draw_difference_image,
    draw_excess_heatmap, draw_fine_alignment, draw_pre_post_heatmap, draw_pre_post_histograms,
    draw_ratio_histogram, draw_registration,
};
use ndarray::Array2;
use std::ops::Range;

const WHITE: [u8; 3] = [255; 3];
const INK: [u8; 3] = [20; 3];
const IDENTITY: [u8; 3] = [30, 144, 255];
const MOFFAT: [u8; 3] = [0x00, 0xcc, 0x88];

fn title() -> Title {
    Title {
        sample: "CD070".into(),
        dye: "SybrGld".into(),
        ..Title::default()
    }
}

/// The inside of a frame of a picture, found by its long dark lines.
struct Panel {
    picture: Decoded,
    columns: Range<usize>,
    rows: Range<usize>,
}

impl Panel {
    /// Of the only frame, or the first of several above each other.
    fn of(png: &[u8]) -> Self {
        Self::of_nth(png, 0)
    }

    fn of_nth(png: &[u8], n: usize) -> Self {
        let picture = Decoded::of(png);
        let mut lines = Vec::new();
        for y in 0..picture.height() {
            let dark: Vec<bool> = (0..picture.width)
                .map(|x| picture.pixel(x, y) == INK)
                .collect();
            let mut x = 0;
            while x < dark.len() {
                let run = dark[x..].iter().take_while(|d| **d).count();
                if run > picture.width / 3 {
                    lines.push((y, x, x + run));
                }
                x += run.max(1);
            }
        }
        // A line is several rows thick; a frame has one above and one below.
        let thick: Vec<&[(usize, usize, usize)]> = lines.chunk_by(|a, b| b.0 - a.0 <= 2).collect();
        let (above, below) = (thick[2 * n], thick[2 * n + 1]);
        let hair = above.len();
        Self {
            columns: above[0].1 + hair..above[0].2 - hair,
            rows: above[0].0 + hair..below[0].0,
            picture,
        }
    }

    /// The colour at shares of the way right and up.
    fn at(&self, right: f64, up: f64) -> [u8; 3] {
        let along = |share: f64, range: &Range<usize>| {
            range.start + ((share * range.len() as f64) as usize).min(range.len() - 1)
        };
        let y = self.rows.end + self.rows.start - 1 - along(up, &self.rows);
        self.picture.pixel(along(right, &self.columns), y)
    }

    /// Shares at which pixels of a colour lie.
    fn places(&self, colour: [u8; 3]) -> Vec<(f64, f64)> {
        let mut places = Vec::new();
        for y in self.rows.clone() {
            for x in self.columns.clone() {
                if self.picture.pixel(x, y) == colour {
                    let right = (x - self.columns.start) as f64 + 0.5;
                    let up = (self.rows.end - y) as f64 - 0.5;
                    let (width, height) = (self.columns.len() as f64, self.rows.len() as f64);
                    places.push((right / width, up / height));
                }
            }
        }
        places
    }
}

/// Statistics of pixels with the given (aligned pre, post), each so often.
fn counted(pairs: &[(f32, f32, usize)]) -> PairStatistics {
    let pixels = |of: &dyn Fn(&(f32, f32, usize)) -> f32| -> Vec<f32> {
        pairs
            .iter()
            .flat_map(|pair| std::iter::repeat_n(of(pair), pair.2))
            .collect()
    };
    let (pre, post) = (pixels(&|p| p.0), pixels(&|p| p.1));
    let n = post.len();
    let frame = Outline::upright(0.0, 0.0, n as f64, 1.0);
    let mut statistics = PairStatistics::new(Levels::COUNTS, frame, frame);
    let row = |values| Array2::from_shape_vec((1, n), values).expect("one row");
    statistics.add_band(0, row(post).view(), row(pre).view());
    statistics
}

fn joint(pairs: &[(f32, f32, usize)]) -> JointHistogram {
    counted(pairs).finish().0
}
