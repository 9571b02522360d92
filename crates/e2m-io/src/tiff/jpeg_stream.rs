//! What a JPEG stream says of itself before its first scan: how it is coded, and in which colours.
//!
//! The colours of a JPEG in a TIFF are said twice, by the tag and by the stream, and some writers (Bio-Formats, QuPath) leave a
//! JFIF marker, which means YCbCr, in files whose tag says RGB. What a stream says was written with its pixels, so it is believed.

/// The facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JpegStream {
    /// The marker of its frame: 0xc0 baseline, 0xc1 extended, 0xc2 progressive, 0xc3 lossless, and so on.
    pub(crate) frame: u8,
    /// Bits of a sample.
    pub(crate) bits: u8,
    pub(crate) width: usize,
    /// 0 where it is only known at the end of the scan.
    pub(crate) height: usize,
    pub(crate) components: usize,
    /// Whether the colours are YCbCr, as far as the stream says so.
    pub(crate) said: Option<Said>,
}

/// What says how the colours of a stream are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    /// YCbCr, or else as they are.
    pub(crate) ycbcr: bool,
    /// What says so.
    pub(crate) by: &'static str,
}

/// The marker of a lossless frame.
pub(crate) const LOSSLESS: u8 = 0xc3;

impl JpegStream {
    /// Reads markers up to the first scan; `None` where that does not come or is not understood.
    pub(crate) fn of(stream: &[u8]) -> Option<Self> {
        let mut found: Option<Self> = None;
        let (mut jfif, mut adobe) = (false, None);
        let mut at = 0;
        loop {
            // Markers may be filled up with 0xff.
            while *stream.get(at)? != 0xff {
                at += 1;
            }
            while *stream.get(at)? == 0xff {
                at += 1;
            }
            let marker = stream[at];
            at += 1;
            if matches!(marker, 0x00 | 0x01 | 0xd0..=0xd9) {
                continue;
            }
            let length = usize::from(u16::from_be_bytes([*stream.get(at)?, *stream.get(at + 1)?]));
            let body = stream.get(at + 2..at + length.max(2))?;
            at += length.max(2);
            match marker {
                0xe0 if body.starts_with(b"JFIF\0") => jfif = true,
                0xee if body.starts_with(b"Adobe") => adobe = body.get(11).copied(),
                0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                    found = Some(Self::of_frame(marker, body)?);
                }
                0xda => break,
                _ => {}
            }
        }
        let mut found = found?;
        if found.components == 3 {
            let said = |ycbcr, by| Some(Said { ycbcr, by });
            found.said = match adobe {
                Some(1) => said(true, "an Adobe marker that says YCbCr"),
                Some(0) => said(false, "an Adobe marker that says RGB"),
                _ if jfif => said(true, "a JFIF marker, which stands for YCbCr"),
                _ => found.said,
            };
        }
        Some(found)
    }

    fn of_frame(marker: u8, body: &[u8]) -> Option<Self> {
        let [bits, h1, h2, w1, w2, components, ..] = *body else {
            return None;
        };
        let each = body.get(6..)?.as_chunks::<3>().0;
        let names: Vec<u8> = each.iter().map(|component| component[0]).collect();
        let said = |ycbcr, by| Some(Said { ycbcr, by });
        let said = match (&*names, each) {
            (b"RGB", _) => said(false, "components that are named R, G and B"),
            // Nobody halves the resolution of two colours.
            (_, [luma, first, second]) if luma[1] != first[1] || luma[1] != second[1] => {
                said(true, "two components of lower resolution, so YCbCr")
            }
            _ => None,
        };
        Some(Self {
            frame: marker,
            bits,
            width: u16::from_be_bytes([w1, w2]).into(),
            height: u16::from_be_bytes([h1, h2]).into(),
            components: components.into(),
            said,
        })
    }

    /// Whether colours have to be converted to RGB, where a tag says what holds if the stream says nothing.
    pub(crate) fn is_ycbcr(&self, tag_says_so: bool) -> bool {
        self.components == 3 && self.said.map_or(tag_says_so, |said| said.ycbcr)
    }

    /// How it is coded, in words.
    pub(crate) fn coding(&self) -> String {
        let process = match self.frame {
            0xc0 => "baseline",
            0xc1 => "extended sequential",
            0xc2 => "progressive",
            LOSSLESS => "lossless",
            0xc9..=0xcf => "arithmetic-coded",
            _ => "hierarchical",
        };
        format!("{process} JPEG of {} bit", self.bits)
    }

    /// Whether there is a decoder for it.
    pub(crate) fn is_read(&self) -> bool {
        match self.frame {
            0xc0..=0xc2 => self.bits == 8,
            LOSSLESS => (2..=16).contains(&self.bits) && matches!(self.components, 1 | 3),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(segments: &[(u8, &[u8])], components: &[[u8; 3]]) -> Vec<u8> {
        let mut frame = vec![8, 0, 16, 0, 32, components.len() as u8];
        frame.extend(components.concat());
        let all = segments
            .iter()
            .copied()
            .chain([(0xc0, &*frame), (0xda, &[])]);
        let mut bytes = vec![0xff, 0xd8];
        for (marker, body) in all {
            bytes.extend([0xff, marker]);
            bytes.extend((body.len() as u16 + 2).to_be_bytes());
            bytes.extend(body);
        }
        bytes
    }

    const EQUAL: [[u8; 3]; 3] = [[1, 0x11, 0], [2, 0x11, 0], [3, 0x11, 0]];
    const JFIF: (u8, &[u8]) = (0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    const ADOBE: (u8, &[u8]) = (0xee, b"Adobe\0\x64\0\0\0\0\0");

    #[test]
    fn a_stream_is_believed_before_a_tag() {
        let ycbcr = |segments: &[_], components: &[_], tag| {
            let found = JpegStream::of(&stream(segments, components)).expect("a stream");
            assert_eq!((found.width, found.height, found.bits), (32, 16, 8));
            found.is_ycbcr(tag)
        };
        for tag in [false, true] {
            assert_eq!(ycbcr(&[], &EQUAL, tag), tag);
            assert!(ycbcr(&[JFIF], &EQUAL, tag));
            assert!(!ycbcr(&[ADOBE, JFIF], &EQUAL, tag));
            let named = [[b'R', 0x11, 0], [b'G', 0x11, 0], [b'B', 0x11, 0]];
            assert!(!ycbcr(&[], &named, tag));
            let halved = [[1, 0x22, 0], [2, 0x11, 0], [3, 0x11, 0]];
            assert!(ycbcr(&[], &halved, tag));
            assert!(!ycbcr(&[JFIF], &EQUAL[..1], tag));
        }
    }

    #[test]
    fn what_is_no_stream_is_none() {
        let whole = stream(&[JFIF], &EQUAL);
        for length in 0..whole.len() - 3 {
            assert_eq!(JpegStream::of(&whole[..length]), None, "{length}");
        }
        assert_eq!(JpegStream::of(&[0xff; 99]), None);
    }
}
