//! Drawing: a surface with shapes and text, axes, and the parts pictures are put together from.
//!
//! Nothing here knows what a picture shows. Screen coordinates are px from the top left corner of the page, `x` right,
//! `y` down, pixel edges on integers.

pub(crate) mod axis;
pub(crate) mod bar;
pub(crate) mod clip;
pub(crate) mod colour;
pub(crate) mod crop;
pub(crate) mod encode;
pub(crate) mod frame;
pub(crate) mod image;
pub(crate) mod legend;
pub(crate) mod number;
pub(crate) mod page;
pub(crate) mod panels;
pub(crate) mod scale_bar;
pub(crate) mod sheet;
pub(crate) mod stack;
pub(crate) mod steps;
pub(crate) mod surface;
pub(crate) mod text;
