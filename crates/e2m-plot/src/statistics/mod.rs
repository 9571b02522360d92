//! Statistics that pictures are drawn from, gathered from row bands in memory that does not grow with the image.
//!
//! All of them are counts or extremes, so neither the height of the bands nor the number of threads can change a result.

mod brightness;
mod difference;
mod joint;
mod levels;
mod outline;
mod pair;
mod preview;

pub use brightness::BrightnessHistogram;
pub(crate) use difference::ZERO_DIFFERENCE;
pub use difference::{DifferenceClass, DifferenceHistogram};
pub use joint::{JointGrid, JointHistogram};
pub use levels::Levels;
pub use outline::Outline;
pub use pair::PairStatistics;
pub use preview::{DifferencePreview, DifferenceSummary};
