//! Files that cannot be read are refused with a sentence that names the file; nothing panics, nothing is allocated for
//! sizes that cannot be.

use e2m_io::{ChannelChoice, ColourKind, RawError, RawImage, TiffProblem, survey};
use std::path::{Path, PathBuf};

/// Builds small classic little-endian TIFFs, right or wrong.
#[derive(Clone)]
struct Tiff {
    tags: Vec<(u16, u16, Vec<u32>)>,
    data: Vec<u8>,
}

const SHORT: u16 = 3;
const LONG: u16 = 4;

impl Tiff {
    /// Grey, 8 bit, one strip.
    fn grey(width: u32, height: u32, data: Vec<u8>) -> Self {
        let length = data.len() as u32;
        let tags = vec![
            (256, LONG, vec![width]),
            (257, LONG, vec![height]),
            (258, SHORT, vec![8]),
            (259, SHORT, vec![1]),
            (262, SHORT, vec![1]),
            (273, LONG, vec![8]),
            (277, SHORT, vec![1]),
            (278, LONG, vec![height]),
            (279, LONG, vec![length]),
        ];
        Self { tags, data }
    }

    fn set(mut self, tag: u16, kind: u16, values: &[u32]) -> Self {
        self.tags.retain(|(t, _, _)| *t != tag);
        self.tags.push((tag, kind, values.to_vec()));
        self.tags.sort_by_key(|(t, _, _)| *t);
        self
    }

    fn without(mut self, tag: u16) -> Self {
        self.tags.retain(|(t, _, _)| *t != tag);
        self
    }

    /// Header, pixels at byte 8, directory, longer values.
    fn bytes(&self) -> Vec<u8> {
        let directory = 8 + self.data.len().next_multiple_of(2);
        let mut bytes = b"II\x2a\0".to_vec();
        bytes.extend((directory as u32).to_le_bytes());
        bytes.extend(&self.data);
        bytes.resize(directory, 0);
        bytes.extend((self.tags.len() as u16).to_le_bytes());
        let behind = directory + 2 + 12 * self.tags.len() + 4;
        let mut longer: Vec<u8> = Vec::new();
        for (tag, kind, values) in &self.tags {
            let size = if *kind == SHORT { 2 } else { 4 };
            let value: Vec<u8> = values
                .iter()
                .flat_map(|v| v.to_le_bytes().into_iter().take(size))
                .collect();
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend((values.len() as u32).to_le_bytes());
            if value.len() <= 4 {
                let mut slot = [0; 4];
                slot[..value.len()].copy_from_slice(&value);
                bytes.extend(slot);
            } else {
                bytes.extend(((behind + longer.len()) as u32).to_le_bytes());
                longer.extend(value);
            }
        }
        bytes.extend([0; 4]);
        bytes.extend(longer);
        bytes
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("folder"))
    }

    fn put(&self, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join("S1_PreStain_DAPI.tif");
        std::fs::write(&path, bytes).expect("writes");
        path
    }

    fn error(&self, bytes: &[u8]) -> TiffProblem {
        let error = read(&self.put(bytes)).expect_err("cannot be read");
        assert!(
            error.to_string().contains("S1_PreStain_DAPI.tif"),
            "{error}"
        );
        error.problem
    }
}

/// Everything that can be done with a file.
fn read(path: &Path) -> Result<ChannelChoice, RawError> {
    let image = RawImage::open(path)?;
    let choice = image.choose_alone()?;
    let plane = image.load_plane(&choice)?;
    assert_eq!(plane.size(), image.info().size);
    survey(path, 16)?;
    Ok(choice)
}

#[test]
fn what_is_not_a_tiff_is_told_by_its_looks() {
    let folder = Folder::new();
    for (content, looks) in [
        (&b""[..], "an empty file"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
        (b"ZISRAWFILE\0\0\0\0\0\0", "the file is damaged"),
        (b"\x89HDF\r\n\x1a\n", "perhaps Imaris"),
        (b"SIMPLE  =                    T", "a FITS file"),
        (b"sample,dye\n1,2\n", "a text file"),
        (&[0; 100], "filled with zeros"),
        (b"\x01\x02\x03\x04", "01 02 03 04"),
        (b"I", "text"),
        (b"II\x2b\0", "truncated"),
        (b"II\x2a\0", "truncated"),
        (b"MM\0\x2b\0\x04\0\0\0\0\0\0\0\0\0\0", "TIFF header"),
        (b"II\x2a\0\0\0\0\0", "did not finish"),
    ] {
        let problem = folder.error(content).to_string();
        assert!(problem.contains(looks), "{problem}");
    }
}

#[test]
fn a_missing_file_and_a_folder_are_named() {
    let folder = Folder::new();
    let error = RawImage::open(&folder.0.path().join("none.tif"))
        .expect_err("missing")
        .to_string();
    assert!(error.contains("none.tif"), "{error}");
    let error = RawImage::open(folder.0.path())
        .expect_err("a folder")
        .to_string();
    assert!(error.contains("directory"), "{error}");
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let folder = Folder::new();
    let data: Vec<u8> = (0..200 * 300).map(|i| (i % 251) as u8).collect();
    let whole = Tiff::grey(200, 300, data).bytes();
    read(&folder.put(&whole)).expect("the whole file");
    // Behind the last tag there is only the link to a next image.
    for cut in (0..whole.len() - 4).step_by(499) {
        let problem = folder.error(&whole[..cut]);
        let is_named = match &problem {
            TiffProblem::Truncated {
                ends_at,
                file_bytes,
                ..
            } => ends_at > file_bytes && *file_bytes == cut as u64,
            TiffProblem::NotTiff { .. } => cut < 8,
            _ => false,
        };
        assert!(is_named, "cut at {cut}: {problem}");
    }
}

#[test]
fn pixels_beyond_the_end_are_told_with_their_place() {
    let folder = Folder::new();
    let tiff = Tiff::grey(100, 100, vec![1; 10_000]).set(273, LONG, &[4000]);
    let problem = folder.error(&tiff.bytes()).to_string();
    assert!(
        problem.contains("strip 1 of 1 ends at byte 14000"),
        "{problem}"
    );
    let problem = folder
        .error(&Tiff::grey(100, 100, vec![1; 9_000]).bytes())
        .to_string();
    assert!(
        problem.contains("too few") || problem.contains("truncated"),
        "{problem}"
    );
}

#[test]
fn absurd_sizes_are_refused_before_memory_is_taken() {
    let folder = Folder::new();
    for (width, height) in [
        (u32::MAX, u32::MAX),
        (u32::MAX, 1),
        (1, u32::MAX),
        (1 << 18, 1 << 18),
        (0, 5),
        (5, 0),
        (0, 0),
    ] {
        for compression in [1, 5, 7, 8, 32773] {
            let tiff = Tiff::grey(width, height, vec![0; 64]).set(259, SHORT, &[compression]);
            folder.error(&tiff.bytes());
            let tiles = tiff
                .set(322, LONG, &[width])
                .set(323, LONG, &[height])
                .set(324, LONG, &[8])
                .set(325, LONG, &[64]);
            folder.error(&tiles.bytes());
        }
    }
}

#[test]
fn unsupported_kinds_are_named_with_what_to_do() {
    let folder = Folder::new();
    let tiff = || Tiff::grey(4, 4, vec![0; 1024]);
    for (bad, says) in [
        (tiff().set(258, SHORT, &[1]), "1 bit unsigned integer"),
        (tiff().set(258, SHORT, &[24]), "24 bit unsigned integer"),
        (
            tiff().set(258, SHORT, &[64]).set(339, SHORT, &[2]),
            "64 bit signed integer",
        ),
        (
            tiff().set(258, SHORT, &[64]).set(339, SHORT, &[6]),
            "64 bit complex",
        ),
        (
            tiff().set(259, SHORT, &[50001]).set(258, SHORT, &[32]),
            "32 bit unsigned integer samples in WebP",
        ),
        (
            tiff().set(259, SHORT, &[34887]),
            "LERC compression (Compression 34887)",
        ),
        (tiff().set(259, SHORT, &[6]), "old-style JPEG"),
        (tiff().set(259, SHORT, &[9999]), "TIFF compression 9999"),
        (tiff().set(262, SHORT, &[5]), "CMYK"),
        (tiff().set(262, SHORT, &[6]), "outside JPEG"),
        (
            tiff()
                .set(277, SHORT, &[5])
                .set(258, SHORT, &[8; 5])
                .set(262, SHORT, &[2]),
            "SamplesPerPixel 5",
        ),
        (
            tiff().set(277, SHORT, &[2]).set(258, SHORT, &[8, 16]),
            "differs between channels",
        ),
        (
            tiff().set(284, SHORT, &[9]).set(277, SHORT, &[2]),
            "planar configuration 9",
        ),
        (
            tiff().set(259, SHORT, &[8]).set(317, SHORT, &[3]),
            "predictor 3",
        ),
    ] {
        let problem = folder.error(&bad.bytes());
        assert!(
            matches!(problem, TiffProblem::Unsupported { .. }),
            "{problem}"
        );
        let text = problem.to_string();
        assert!(text.contains(says) && text.contains("save "), "{text}");
    }
}

#[test]
fn contradictions_are_damage() {
    let folder = Folder::new();
    let tiff = || Tiff::grey(4, 4, vec![0; 16]);
    for bad in [
        tiff().without(256),
        tiff().without(273),
        tiff().set(278, LONG, &[0]),
        tiff().set(278, LONG, &[1]),  // four strips, one offset
        tiff().set(262, SHORT, &[3]), // a palette without colours
        tiff()
            .set(322, LONG, &[0])
            .set(323, LONG, &[16])
            .set(324, LONG, &[8])
            .set(325, LONG, &[16]),
        tiff().set(256, 5, &[4]), // a fraction for a width
        tiff().set(259, SHORT, &[8]).without(279),
        tiff().set(259, SHORT, &[8]).set(279, LONG, &[0]),
        tiff().set(259, SHORT, &[8]), // zeros are no deflate
        tiff().set(259, SHORT, &[7]), // nor JPEG
    ] {
        let problem = folder.error(&bad.bytes());
        assert!(
            matches!(
                problem,
                TiffProblem::Damaged { .. } | TiffProblem::Truncated { .. }
            ),
            "{problem}"
        );
    }
}

#[test]
fn one_pixel_and_all_zeros_are_images() {
    let folder = Folder::new();
    let choice = read(&folder.put(&Tiff::grey(1, 1, vec![7]).bytes())).expect("one pixel");
    assert_eq!(choice.kind, ColourKind::Grey);
    read(&folder.put(&Tiff::grey(40, 30, vec![0; 1200]).bytes())).expect("zeros");
    let rgb = Tiff::grey(10, 10, vec![0; 300])
        .set(258, SHORT, &[8, 8, 8])
        .set(262, SHORT, &[2])
        .set(277, SHORT, &[3]);
    let choice = read(&folder.put(&rgb.bytes())).expect("black RGB");
    assert_eq!(choice.to_string(), "grey");
}

#[test]
fn tags_that_are_often_missing_are_not_needed() {
    let folder = Folder::new();
    let bare = Tiff::grey(10, 10, vec![3; 100])
        .without(277)
        .without(278)
        .without(279)
        .without(262)
        .without(259);
    let choice = read(&folder.put(&bare.bytes())).expect("reads");
    assert_eq!(choice.kind, ColourKind::Grey);
}

#[test]
fn random_bytes_in_a_header_never_panic() {
    let folder = Folder::new();
    let rgb = Tiff::grey(20, 20, (0..1200).map(|i| (i % 256) as u8).collect())
        .set(258, SHORT, &[8, 8, 8])
        .set(262, SHORT, &[2])
        .set(277, SHORT, &[3]);
    let tiles = rgb
        .clone()
        .set(322, LONG, &[16])
        .set(323, LONG, &[16])
        .set(324, LONG, &[8, 200, 300, 400])
        .set(325, LONG, &[768; 4]);
    let mut state = 1_u64;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let mut readable = 0;
    for (kind, compression) in (0..5).flat_map(|c| [(&rgb, c), (&tiles, c)]) {
        let codes = [1, 5, 7, 8, 32773];
        let base = kind.clone().set(259, SHORT, &[codes[compression]]).bytes();
        for _ in 0..400 {
            let mut bytes = base.clone();
            for _ in 0..1 + random() % 3 {
                let at = if random() % 4 == 0 {
                    random() % base.len()
                } else {
                    1208 + random() % (base.len() - 1208)
                };
                bytes[at] = random() as u8;
            }
            readable += usize::from(read(&folder.put(&bytes)).is_ok());
        }
    }
    assert!(readable > 100, "only {readable} files could be read at all");
}
