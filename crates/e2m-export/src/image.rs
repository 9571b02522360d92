//! What a file shows.

use e2m_image::Size;

/// An image of several channels, as its file will describe it.
#[derive(Debug, Clone, PartialEq)]
pub struct OmeImage {
    /// What viewers call it.
    pub name: String,
    /// Columns and rows of every channel, px.
    pub size: Size,
    /// Micrometres that a pixel is wide and high, where they are known.
    pub pixel_um: Option<[f64; 2]>,
    /// A text for people.
    pub description: String,
    /// Named values for programs, in their order: a map annotation of the image.
    pub annotations: Vec<(String, String)>,
    /// The channels, in the order of their images.
    pub channels: Vec<Channel>,
    /// How tiles are stored.
    pub compression: Compression,
}

impl OmeImage {
    /// An image without channels, deflated, of which nothing else is known.
    pub fn new(name: &str, size: Size) -> Self {
        Self {
            name: name.to_owned(),
            size,
            pixel_um: None,
            description: String::new(),
            annotations: Vec::new(),
            channels: Vec::new(),
            compression: Compression::Deflate,
        }
    }
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// What viewers call it.
    pub name: String,
    /// What viewers draw it in.
    pub colour: Colour,
    /// How its smaller levels are made.
    pub pyramid: Pyramid,
}

impl Channel {
    /// A channel.
    pub fn new(name: impl Into<String>, colour: Colour, pyramid: Pyramid) -> Self {
        let name = name.into();
        Self {
            name,
            colour,
            pyramid,
        }
    }
}

/// An opaque colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    /// Red, green and blue, 0 to 255.
    pub rgb: [u8; 3],
}

impl Colour {
    /// Green.
    pub const GREEN: Self = Self { rgb: [0, 255, 0] };
    /// Magenta, which is white together with green: two images that agree are grey.
    pub const MAGENTA: Self = Self { rgb: [255, 0, 255] };
    /// White.
    pub const WHITE: Self = Self {
        rgb: [255, 255, 255],
    };
    /// Yellow.
    pub const YELLOW: Self = Self { rgb: [255, 255, 0] };
    /// Cyan.
    pub const CYAN: Self = Self { rgb: [0, 255, 255] };

    /// The number that OME-XML has for it: red in the highest byte, opacity in the lowest, as a signed 32 bit integer.
    pub(crate) fn code(self) -> i32 {
        let [red, green, blue] = self.rgb;
        i32::from_be_bytes([red, green, blue, 255])
    }
}

/// How four pixels of a level become one of the next.
///
/// Pixels without a finite value (NaN, infinite) take no part; where none of the four has one, the pixel is NaN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pyramid {
    /// Their mean: what a microscope with less magnification would show. For images.
    Mean,
    /// The largest: an object of a few bright pixels stays as bright at every level, and noise looks higher the further one zooms
    /// out. For differences.
    Maximum,
}

impl Pyramid {
    /// In a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Maximum => "maximum",
        }
    }
}

/// How tiles are stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compression {
    /// Deflate without a predictor: the floating-point predictor would save a tenth more, but Bio-Formats does not know it.
    #[default]
    Deflate,
    /// As they are: faster to write where the disk is, and larger by a third to four fifths.
    None,
}

impl Compression {
    /// In a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deflate => "deflate",
            Self::None => "none",
        }
    }
}
