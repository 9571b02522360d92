//! Which way up an image is stored.

use e2m_image::Size;

/// How the rows and columns of a file lie in the image (tag 274).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Orientation {
    /// The first row is the lowest.
    pub(crate) upside_down: bool,
    /// The first column is the rightmost; of columns that are rows, the lowest.
    pub(crate) mirrored: bool,
    /// What the rows of the file are.
    pub(crate) rows: StoredRows,
}

/// What the rows of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum StoredRows {
    /// Rows of the image.
    #[default]
    Rows,
    /// Columns of the image, from left to right.
    Columns,
    /// Columns of the image, from right to left.
    ColumnsFromRight,
}

impl Orientation {
    /// What a value of the tag means, and what there is to say of it.
    pub(crate) fn of_tag(value: u64) -> (Self, Option<String>) {
        use StoredRows::{Columns, ColumnsFromRight, Rows};
        let (upside_down, mirrored, rows, how) = match value {
            2 => (false, true, Rows, "mirrored"),
            3 => (true, true, Rows, "turned by 180 degrees"),
            4 => (true, false, Rows, "upside down"),
            5 => (false, false, Columns, "with rows for columns"),
            6 => (
                false,
                false,
                ColumnsFromRight,
                "turned by 90 degrees to the left",
            ),
            7 => (
                false,
                true,
                ColumnsFromRight,
                "with rows for columns and turned by 180 degrees",
            ),
            8 => (false, true, Columns, "turned by 90 degrees to the right"),
            _ => return (Self::default(), None),
        };
        let orientation = Self {
            upside_down,
            mirrored,
            rows,
        };
        let held = if orientation.is_transposed() {
            ", for which all of it is held in memory"
        } else {
            ""
        };
        let said = format!("stored {how} (orientation tag {value}), and read upright{held}");
        (orientation, Some(said))
    }

    pub(crate) fn is_upside_down(self) -> bool {
        self.upside_down
    }

    /// Whether the rows of the file are columns of the image.
    pub(crate) fn is_transposed(self) -> bool {
        self.rows != StoredRows::Rows
    }

    /// The size of the image, upright, that is stored in this size.
    pub(crate) fn upright(self, stored: Size) -> Size {
        if self.is_transposed() {
            return Size::new(stored.height, stored.width);
        }
        stored
    }

    /// The column of the image that row `y` of `rows` rows of the file is, where these are columns.
    pub(crate) fn column(self, y: usize, rows: usize) -> usize {
        match self.rows {
            StoredRows::ColumnsFromRight => rows - 1 - y,
            StoredRows::Rows | StoredRows::Columns => y,
        }
    }
}
