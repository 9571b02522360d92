//! Sizes, pixel types and the one-channel raw plane.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};
use serde::{Deserialize, Serialize};

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Size {
    /// A size of `width` columns and `height` rows.
    pub const fn new(width: usize, height: usize) -> Self {
        Self { width, height }
    }

    /// Number of pixels. `u64`, because a product of two `u32` image axes always fits.
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// The array shape `(height, width)`.
    pub const fn shape(self) -> (usize, usize) {
        (self.height, self.width)
    }

    /// The larger of the two on each axis.
    pub fn max(self, other: Self) -> Self {
        Self::new(self.width.max(other.width), self.height.max(other.height))
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} x {}", self.width, self.height)
    }
}

/// How the pixels of a raw image are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PixelType {
    /// Unsigned 8 bit integers.
    U8,
    /// Unsigned 16 bit integers.
    U16,
    /// 32 bit floats.
    F32,
}

impl PixelType {
    /// Bytes of one pixel.
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
            Self::F32 => 4,
        }
    }
}

impl std::fmt::Display for PixelType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::F32 => "f32",
        })
    }
}

/// One channel of a raw image in the type of its file, shape `(height, width)`.
///
/// A plane is the only thing of image size that e2m holds in memory: 0.75 GB for 30,000 x 25,000 pixels of 8 bit.
#[derive(Debug, Clone, PartialEq)]
pub enum Plane {
    /// 8 bit counts.
    U8(Array2<u8>),
    /// 16 bit counts.
    U16(Array2<u16>),
    /// Float counts.
    F32(Array2<f32>),
}

/// A borrowed plane: the view of an `ndarray` of any of the three pixel types.
///
/// What the algorithms take, so that other programs can hand in arrays of their own without a copy.
#[derive(Debug, Clone, Copy)]
pub enum PlaneView<'a> {
    /// 8 bit counts.
    U8(ArrayView2<'a, u8>),
    /// 16 bit counts.
    U16(ArrayView2<'a, u16>),
    /// Float counts.
    F32(ArrayView2<'a, f32>),
}

/// Runs `$body` with `$array` bound to the typed array of a [`Plane`] or the typed view of a [`PlaneView`].
macro_rules! with_plane {
    ($kind:ident, $plane:expr, $array:ident => $body:expr) => {
        match $plane {
            $crate::$kind::U8($array) => $body,
            $crate::$kind::U16($array) => $body,
            $crate::$kind::F32($array) => $body,
        }
    };
}
pub(crate) use with_plane;

impl Plane {
    /// A view of the whole plane.
    pub fn view(&self) -> PlaneView<'_> {
        match self {
            Self::U8(a) => PlaneView::U8(a.view()),
            Self::U16(a) => PlaneView::U16(a.view()),
            Self::F32(a) => PlaneView::F32(a.view()),
        }
    }

    /// Width and height.
    pub fn size(&self) -> Size {
        self.view().size()
    }

    /// The type of the pixels.
    pub fn pixel_type(&self) -> PixelType {
        self.view().pixel_type()
    }

    /// Memory of the pixels in bytes.
    pub fn bytes(&self) -> u64 {
        self.size().pixels() * self.pixel_type().bytes() as u64
    }
}

impl PlaneView<'_> {
    /// The same view for as long as this one is borrowed.
    pub fn view(&self) -> PlaneView<'_> {
        match self {
            Self::U8(a) => PlaneView::U8(a.view()),
            Self::U16(a) => PlaneView::U16(a.view()),
            Self::F32(a) => PlaneView::F32(a.view()),
        }
    }

    /// Width and height.
    pub fn size(&self) -> Size {
        let (height, width) = with_plane!(PlaneView, self, a => a.dim());
        Size::new(width, height)
    }

    /// The type of the pixels.
    pub fn pixel_type(&self) -> PixelType {
        match self {
            Self::U8(_) => PixelType::U8,
            Self::U16(_) => PixelType::U16,
            Self::F32(_) => PixelType::F32,
        }
    }

    /// A float copy of the rectangle whose top left pixel is (`x`, `y`); zero where it leaves the plane.
    pub fn window(&self, x: isize, y: isize, size: Size) -> Array2<f32> {
        let mut out = Array2::zeros(size.shape());
        let own = self.size();
        let (x0, x1) = overlap(x, size.width, own.width);
        let (y0, y1) = overlap(y, size.height, own.height);
        if x0 >= x1 || y0 >= y1 {
            return out;
        }
        let (ox, oy) = ((x0 as isize - x) as usize, (y0 as isize - y) as usize);
        let mut inside = out.slice_mut(s![oy..oy + (y1 - y0), ox..ox + (x1 - x0)]);
        with_plane!(PlaneView, self, a => copy_counts(a.slice(s![y0..y1, x0..x1]), inside.view_mut()));
        out
    }
}

impl<'a> From<&'a Plane> for PlaneView<'a> {
    fn from(plane: &'a Plane) -> Self {
        plane.view()
    }
}

impl<'a> From<ArrayView2<'a, u8>> for PlaneView<'a> {
    fn from(view: ArrayView2<'a, u8>) -> Self {
        Self::U8(view)
    }
}

impl<'a> From<ArrayView2<'a, u16>> for PlaneView<'a> {
    fn from(view: ArrayView2<'a, u16>) -> Self {
        Self::U16(view)
    }
}

impl<'a> From<ArrayView2<'a, f32>> for PlaneView<'a> {
    fn from(view: ArrayView2<'a, f32>) -> Self {
        Self::F32(view)
    }
}

/// Copies `counts` as floats to `out`, which has the same shape.
pub(crate) fn copy_counts<P: Copy + Into<f32>>(
    counts: ArrayView2<'_, P>,
    mut out: ArrayViewMut2<'_, f32>,
) {
    for (counts, mut out) in counts.rows().into_iter().zip(out.rows_mut()) {
        // Loops over slices become vector instructions, those over strides do not.
        match (counts.as_slice(), out.as_slice_mut()) {
            (Some(counts), Some(out)) => out
                .iter_mut()
                .zip(counts)
                .for_each(|(out, &count)| *out = count.into()),
            _ => out.zip_mut_with(&counts, |out, &count| *out = count.into()),
        }
    }
}

/// The part of `[start, start + length)` that lies in `[0, limit)`.
fn overlap(start: isize, length: usize, limit: usize) -> (usize, usize) {
    let end = start
        .saturating_add_unsigned(length)
        .clamp(0, limit as isize);
    (start.clamp(0, limit as isize) as usize, end as usize)
}

impl From<Array2<u8>> for Plane {
    fn from(array: Array2<u8>) -> Self {
        Self::U8(array)
    }
}

impl From<Array2<u16>> for Plane {
    fn from(array: Array2<u16>) -> Self {
        Self::U16(array)
    }
}

impl From<Array2<f32>> for Plane {
    fn from(array: Array2<f32>) -> Self {
        Self::F32(array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn window_is_zero_outside_the_plane() {
        let plane = Plane::from(array![[1u16, 2], [3, 4]]);
        assert_eq!(
            plane.view().window(-1, 1, Size::new(2, 2)),
            array![[0.0, 3.0], [0.0, 0.0]]
        );
        assert_eq!(plane.view().window(5, 5, Size::new(1, 1)), array![[0.0]]);
        assert_eq!(
            plane.view().window(0, 0, Size::new(2, 2)),
            array![[1.0, 2.0], [3.0, 4.0]]
        );
    }

    #[test]
    fn bytes_follow_the_type() {
        assert_eq!(Plane::from(Array2::<u8>::zeros((3, 5))).bytes(), 15);
        assert_eq!(Plane::from(Array2::<f32>::zeros((3, 5))).bytes(), 60);
    }
}
