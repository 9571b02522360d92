//! A valid file of about 1 MB of each kind.

use crate::damage::Random;
use crate::tiff::{GREY, Packing, Recipe};
use e2m_fuzz::{FileInMemory, ReadOutcome};
use e2m_image::{BandSink, Size};
use e2m_io::{
    CheckpointCompression, CheckpointFormat, CheckpointWriter, Facts, RawError, RawImage,
};
use ndarray::Array2;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

/// A valid file.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// What reads it, all of it and several times.
    pub(crate) target: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// Where it says what it is.
    pub(crate) structure: Vec<Range<usize>>,
    /// Reads no more than a part of it.
    pub(crate) quick: fn(&[u8]) -> ReadOutcome,
    /// Of so many files with a flip in their structure one is read whole, of those with a flip elsewhere three; decoding all of
    /// them would take minutes.
    pub(crate) whole_every: usize,
    /// Whether it cannot be read once it is cut.
    pub(crate) is_binary: bool,
}

/// Makes the file of a kind, given its name.
type Make = fn(&'static str) -> Kind;

/// All of them: names, and what makes a file.
pub(crate) const KINDS: [(&str, Make); 15] = [
    ("tiff plain", |name| raw(name, 10, GREY)),
    ("tiff big", |name| {
        raw(name, 10, Recipe { big: true, ..GREY })
    }),
    ("tiff tiled", |name| {
        raw(
            name,
            10,
            Recipe {
                tile: Some(128),
                height: 890,
                ..GREY
            },
        )
    }),
    ("tiff planar", |name| {
        raw(
            name,
            10,
            Recipe {
                planar: true,
                samples: 3,
                height: 340,
                ..GREY
            },
        )
    }),
    ("tiff lzw", |name| raw(name, 20, packed(Packing::Lzw, 1300))),
    ("tiff deflate", |name| {
        raw(name, 20, packed(Packing::Deflate, 1500))
    }),
    ("tiff packbits", |name| {
        raw(name, 20, packed(Packing::PackBits, 560))
    }),
    ("tiff jpeg", |name| {
        raw(
            name,
            40,
            Recipe {
                samples: 3,
                ..packed(Packing::Jpeg, 2200)
            },
        )
    }),
    ("checkpoint plain", |name| {
        checkpoint(
            name,
            CheckpointFormat::Tiff,
            CheckpointCompression::None,
            500,
        )
    }),
    ("checkpoint deflate", |name| {
        checkpoint(
            name,
            CheckpointFormat::Tiff,
            CheckpointCompression::Deflate,
            1280,
        )
    }),
    ("fits", |name| {
        checkpoint(
            name,
            CheckpointFormat::Fits,
            CheckpointCompression::None,
            500,
        )
    }),
    ("batch file", |name| {
        text(name, "batch_file", batch_file(), 100)
    }),
    ("manifest", |name| text(name, "manifest", manifest(), 50)),
    ("suffix", |name| text(name, "suffix", suffix(), 1)),
    ("worker protocol", |name| {
        text(name, "worker_protocol", worker_protocol(), 20)
    }),
];

/// A grey image of `height` rows whose strips are packed.
const fn packed(packing: Packing, height: usize) -> Recipe {
    Recipe {
        packing,
        height,
        ..GREY
    }
}

/// A section with noise beside black glass, which compresses as those of a microscope do.
fn raw(name: &'static str, whole_every: usize, recipe: Recipe) -> Kind {
    let mut random = Random::new(7);
    let noise: Vec<u8> = (0..1 << 16).map(|_| (random.next() % 11) as u8).collect();
    let (bytes, structure) = recipe.build(|x, y, sample| {
        let (dx, dy) = (x as f64 - 500.0, y as f64 - 500.0);
        let section = if dx.hypot(dy) < 450.0 {
            90.0 + 40.0 * (dx * 0.05).sin()
        } else {
            2.0
        };
        let at = (y.wrapping_mul(7919) ^ x.wrapping_mul(104_729)).wrapping_add(sample * 31);
        section as u8 / (1 + sample as u8) + noise[at % noise.len()]
    });
    Kind {
        name,
        target: "tiff",
        bytes,
        structure,
        quick: quick_raw,
        whole_every,
        is_binary: true,
    }
}

/// The header.
fn quick_raw(bytes: &[u8]) -> ReadOutcome {
    let file = FileInMemory::of("CD070_PostStain_DAPI.tif", bytes);
    let read = || -> Result<(), RawError> { RawImage::open(file.path()).map(|_| ()) };
    named(&file, ReadOutcome::from(read()))
}

fn named(file: &FileInMemory, outcome: ReadOutcome) -> ReadOutcome {
    if let ReadOutcome::Refused(error) = &outcome {
        assert!(file.is_named_in(error), "{error}");
    }
    outcome
}

fn checkpoint(
    name: &'static str,
    format: CheckpointFormat,
    compression: CheckpointCompression,
    side: usize,
) -> Kind {
    let file = FileInMemory::of("seed", &[]);
    let mut facts = Facts::new();
    facts
        .set("SAMPLE", "CD070", "Sample name")
        .and_then(|facts| facts.set("STAGE", "01_padded_post", "Stage"))
        .and_then(|facts| facts.set("SCALE", 1.25, "scale"))
        .expect("facts");
    let size = Size::new(side, side);
    let mut random = Random::new(3);
    let image = Array2::from_shape_fn((side, side), |(y, x)| {
        let glass =
            (x as f64 - side as f64 / 2.0).hypot(y as f64 - side as f64 / 2.0) > 0.4 * side as f64;
        if glass {
            0.0
        } else {
            100.0 + (random.next() % 64) as f32 / 4.0
        }
    });
    let mut writer =
        CheckpointWriter::create(file.path(), size, &facts, format, compression).expect("creates");
    writer.write_band(image.view()).expect("writes");
    writer.finish().expect("finishes");
    let bytes = std::fs::read(file.path()).expect("reads");
    let structure = match format {
        CheckpointFormat::Fits => std::iter::once(0..2880).collect(),
        // The directory and what follows it lie behind the pixels.
        CheckpointFormat::Tiff => vec![0..8, bytes.len() - 400..bytes.len()],
    };
    let (target, quick): (_, fn(&[u8]) -> ReadOutcome) = match format {
        CheckpointFormat::Fits => ("fits", quick_fits),
        CheckpointFormat::Tiff => ("tiff", quick_tiff),
    };
    Kind {
        name,
        target,
        bytes,
        structure,
        quick,
        whole_every: 20,
        is_binary: true,
    }
}

fn quick_fits(bytes: &[u8]) -> ReadOutcome {
    opened("01_padded_post.fits", bytes)
}

fn quick_tiff(bytes: &[u8]) -> ReadOutcome {
    opened("01_padded_post.tiff", bytes)
}

/// A checkpoint's header and facts.
fn opened(name: &str, bytes: &[u8]) -> ReadOutcome {
    let file = FileInMemory::of(name, bytes);
    named(
        &file,
        ReadOutcome::from(e2m_io::CheckpointReader::open(file.path()).map(|_| ())),
    )
}

fn text(name: &'static str, target: &'static str, bytes: Vec<u8>, whole_every: usize) -> Kind {
    let quick: fn(&[u8]) -> ReadOutcome = match target {
        "batch_file" => |bytes| quick_text("batch_file", bytes),
        "manifest" => |bytes| quick_text("manifest", bytes),
        "suffix" => |bytes| quick_text("suffix", bytes),
        _ => |bytes| quick_text("worker_protocol", bytes),
    };
    let structure = std::iter::once(0..bytes.len().min(4000)).collect();
    Kind {
        name,
        target,
        bytes,
        structure,
        quick,
        whole_every,
        is_binary: false,
    }
}

/// The beginning, as it is.
fn quick_text(target: &str, bytes: &[u8]) -> ReadOutcome {
    let target = e2m_fuzz::target(target).expect("a target");
    (target.run)(&bytes[..bytes.len().min(8000)])
}

/// All keys, and overrides up to 1 MB.
fn batch_file() -> Vec<u8> {
    let mut text = String::from(
        "raw_dir = \"raw\"\noutput_dir = \"processed\"\nsamples = [\"CD070\", \"CD063\"]\ndyes = \"all\"\n\
         strict_dyes = false\nfrom_stage = 1\nto_stage = 4\ncheckpoint_format = \"both\"\n\n[execution]\n\
         parallel = true\nn_workers = 4\nmemory_limit = \"4GB\"\n\n[resources]\npeak_factor = 6.0\n\n[params]\n\
         pad = 500\nscale_min = 0.9\nmanual_scale = 1.42\n\n",
    );
    let mut number = 0;
    while text.len() < 1_000_000 {
        number += 1;
        let width = 10 + number % 20;
        let _ = writeln!(
            text,
            "[[override]]\nsample = \"CD{number:05}\"\ndye = \"DAPI\"\nparams = {{ boundary_width = {width} }}\n"
        );
    }
    text.into_bytes()
}

/// A real one, with more pictures than any has.
fn manifest() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/damaged/manifest.json");
    let text = std::fs::read_to_string(path).expect("a manifest");
    let mut pictures = String::from("\"pictures\": [\n");
    let mut number = 0;
    while text.len() + pictures.len() < 1_000_000 {
        number += 1;
        let _ = writeln!(
            pictures,
            "{{\"kind\": \"registration\", \"variant\": \"v{number}\", \"path\": \"pipeline_output/registration_{number}.png\"}},"
        );
    }
    let (before, after) = text.split_once("\"pictures\": [").expect("pictures");
    format!("{before}{pictures}{after}").into_bytes()
}

/// No suffix is longer: a parameter stands in it once.
fn suffix() -> Vec<u8> {
    let text = "_pad500_ue0_bw20_bs12_rs0_ar30_astep0.5_ss0_smin0.9_smax1.2_sstep0.025_ms0_ds0.5_mtr300_mrot10_msd0.3_msdf0.2\
                _sai1_fecc1_sit900_sdl1e-07_cmfeatures_iecc0_iblur6.5_imc300_imir0.3_spx0_sp50_msc1.42";
    text.as_bytes().to_vec()
}

/// What a worker says of a task that reports very often.
fn worker_protocol() -> Vec<u8> {
    let mut text = String::from("{\"hello\":{\"protocol\":1,\"version\":\"0.1.0\"}}\n");
    let mut number = 0;
    while text.len() < 1_000_000 {
        number += 1;
        let share = f64::from(number) / 7.0;
        let _ = writeln!(
            text,
            "{{\"progress\":{{\"id\":1,\"event\":{{\"stage\":{},\"share\":{share},\"notes\":[null,true,\"a b\"]}}}}}}",
            number % 4 + 1
        );
    }
    text.push_str("{\"reply\":{\"id\":1,\"value\":{\"status\":\"complete\"},\"stopped\":false}}\n");
    text.into_bytes()
}
