//! A drawn picture read back, for tests.

use std::io::Cursor;

/// The pixels of a PNG.
pub(crate) struct Decoded {
    pub(crate) width: usize,
    pixels: Vec<[u8; 3]>,
}

impl Decoded {
    pub(crate) fn of(png: &[u8]) -> Self {
        let mut reader = png::Decoder::new(Cursor::new(png))
            .read_info()
            .expect("a PNG");
        let mut bytes = vec![0; reader.output_buffer_size().expect("fits")];
        let info = reader.next_frame(&mut bytes).expect("whole");
        assert_eq!(info.color_type, png::ColorType::Rgb);
        Self {
            width: info.width as usize,
            pixels: bytes.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect(),
        }
    }

    pub(crate) fn height(&self) -> usize {
        self.pixels.len() / self.width
    }

    pub(crate) fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        self.pixels[y * self.width + x]
    }
}
