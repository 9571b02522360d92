//! A plane as it is compared with another one: without its defects.

use super::Defects;
use crate::{Plane, PlaneView, Size};
use ndarray::{Array2, ArrayView2};

/// A borrowed plane together with its defects, which its windows do not show.
#[derive(Debug, Clone, Copy)]
pub struct MendedView<'a> {
    plane: PlaneView<'a>,
    defects: Option<&'a Defects>,
}

impl<'a> MendedView<'a> {
    /// `plane` without `defects`.
    pub fn new(plane: PlaneView<'a>, defects: &'a Defects) -> Self {
        Self {
            plane,
            defects: (!defects.is_empty()).then_some(defects),
        }
    }

    /// Width and height.
    pub fn size(&self) -> Size {
        self.plane.size()
    }

    /// A float copy of the rectangle whose top left pixel is (`x`, `y`); zero where it leaves the plane.
    pub fn window(&self, x: isize, y: isize, size: Size) -> Array2<f32> {
        let mut window = self.plane.window(x, y, size);
        if let Some(defects) = self.defects {
            defects.mend(x, y, &mut window);
        }
        window
    }
}

impl<'a> From<PlaneView<'a>> for MendedView<'a> {
    fn from(plane: PlaneView<'a>) -> Self {
        Self {
            plane,
            defects: None,
        }
    }
}

impl<'a> From<&'a Plane> for MendedView<'a> {
    fn from(plane: &'a Plane) -> Self {
        plane.view().into()
    }
}

impl<'a> From<ArrayView2<'a, u8>> for MendedView<'a> {
    fn from(view: ArrayView2<'a, u8>) -> Self {
        PlaneView::from(view).into()
    }
}

impl<'a> From<ArrayView2<'a, u16>> for MendedView<'a> {
    fn from(view: ArrayView2<'a, u16>) -> Self {
        PlaneView::from(view).into()
    }
}

impl<'a> From<ArrayView2<'a, f32>> for MendedView<'a> {
    fn from(view: ArrayView2<'a, f32>) -> Self {
        PlaneView::from(view).into()
    }
}
