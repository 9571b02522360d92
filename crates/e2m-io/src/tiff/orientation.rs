//! Which way up an image is stored.

/// How the rows and columns of a file lie in the image (tag 274).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Orientation {
    /// The first row is the lowest.
    pub(crate) upside_down: bool,
    /// The first column is the rightmost.
    pub(crate) mirrored: bool,
}

impl Orientation {
    /// What a value of the tag means, and what there is to say of it. What is stored turned by 90 degrees is left as it is.
    pub(crate) fn of_tag(value: u64) -> (Self, Option<String>) {
        let flips = |upside_down, mirrored| Self {
            upside_down,
            mirrored,
        };
        let said = |how: &str| {
            Some(format!(
                "stored {how} (orientation tag {value}), and read upright"
            ))
        };
        match value {
            2 => (flips(false, true), said("mirrored")),
            3 => (flips(true, true), said("turned by 180 degrees")),
            4 => (flips(true, false), said("upside down")),
            5..=8 => (
                Self::default(),
                Some(format!(
                    "the orientation tag {value} says that it is stored turned by 90 degrees; it is read as it is stored"
                )),
            ),
            _ => (Self::default(), None),
        }
    }

    pub(crate) fn is_upside_down(self) -> bool {
        self.upside_down
    }
}
