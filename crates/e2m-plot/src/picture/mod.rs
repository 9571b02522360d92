//! The pictures, one file each.

mod residual;

pub use residual::{ResidualArrow, ResidualPicture, draw_registration_residual};
