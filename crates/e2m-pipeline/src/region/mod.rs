//! Parts of the images of a task at full resolution: what `e2m zoom` shows, and what any viewer asks for.
//!
//! [`TaskImages`] opens a task by its record. [`TaskImages::read`] gives the pixels of a [`StageImage`] within a [`Region`] of the
//! canvas. They come from the checkpoint where it was kept, and otherwise from the raw files through the warp on record, as far as an
//! image can be made in that way. Only the rows that are asked for are read. Nothing is written, and no lock is taken.
//!
//! | module | what it does |
//! |---|---|
//! | `images` | the images by name |
//! | `task` | which record, which file, and whether it can be trusted |
//! | `source` | pixels from a checkpoint, a raw file, or a raw file through a warp |
//! | `place` | a region of the canvas, an object of the catalogue, the worst tile |
//! | `blur` | a Gaussian over what was read |

mod blur;
mod error;
mod images;
mod place;
mod source;
mod task;
#[cfg(test)]
mod tests;

pub use blur::{blur_reach_px, blurred};
pub use error::RegionError;
pub use images::{NoSuchImage, StageImage};
pub use place::{ObjectPlace, Region};
pub use task::{PixelOrigin, RegionPixels, TaskImages};
