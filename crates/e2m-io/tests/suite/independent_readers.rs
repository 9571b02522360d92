//! Checkpoints open in the programs that people use, and those programs' files open here.

use e2m_image::{BandSink, BandSource, Size};
use e2m_io::{
    CheckpointCompression, CheckpointError, CheckpointFormat, CheckpointReader, CheckpointWriter,
    Facts,
};
use ndarray::Array2;
use std::path::Path;

const SIZE: Size = Size::new(23, 37);

fn pixels() -> Array2<f32> {
    Array2::from_shape_fn(SIZE.shape(), |(y, x)| (y * 100 + x) as f32 / 7.0 - 20.0)
}

/// The facts of `04_difference_difference_manual…` of the reference tree, and some that test the limits.
fn facts() -> Facts {
    let mut facts = Facts::new();
    let note = format!("{}end", "long '' text & more ".repeat(20));
    facts
        .set("SAMPLE", "T1500", "Sample name")
        .and_then(|f| f.set("DYE", "DAPI", "Dye/channel name"))
        .and_then(|f| f.set("STAGE", "04_difference", "Pipeline stage"))
        .and_then(|f| f.set("SCALE", 1.42, "Scale factor (manual)"))
        .and_then(|f| f.set("SCALEK", "percentile_p50", "Scale kind"))
        .and_then(|f| f.set("PAD", 500, "pad"))
        .and_then(|f| f.set("SAI", true, "save_all_intermediates"))
        .and_then(|f| f.set("SP", 50.0, "scale_percentile"))
        .and_then(|f| f.set("SDL", 1e-7, "stopdelta"))
        .and_then(|f| {
            f.set(
                "IACC",
                1.0023844987154007,
                "Interior alignment accuracy estimate (px)",
            )
        })
        .and_then(|f| f.set("W12", -0.000_123_456_789_012_345_67, "Warp post to pre"))
        .and_then(|f| f.set("NOTE", note, "A long text"))
        .and_then(|f| f.set("VERSION", "0.1.0", "e2m version"))
        .expect("facts");
    facts
}

fn write(
    path: &Path,
    format: CheckpointFormat,
    compression: CheckpointCompression,
    big: Option<bool>,
) {
    let mut writer = CheckpointWriter::create_with(path, SIZE, &facts(), format, compression, big)
        .expect("creates");
    writer.write_band(pixels().view()).expect("writes");
    writer.finish().expect("finishes");
}

#[test]
fn tifffile_and_astropy_read_what_was_written() {
    use CheckpointCompression::{Deflate, None as Plain};
    use CheckpointFormat::{Fits, Tiff};
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name);
    write(&path("plain.tiff"), Tiff, Plain, None);
    write(&path("deflate.tiff"), Tiff, Deflate, None);
    write(&path("big.tiff"), Tiff, Plain, Some(true));
    write(&path("bigdeflate.tiff"), Tiff, Deflate, Some(true));
    write(&path("image.fits"), Fits, Plain, None);
    let raw: Vec<u8> = pixels().iter().flat_map(|v| v.to_le_bytes()).collect();
    std::fs::write(path("pixels.raw"), raw).expect("writes");
    let pad = |card: &str| format!("{card:<80}");
    let golden = [
        pad("SIMPLE  =                    T / conforms to FITS standard"),
        pad("BITPIX  =                  -32 / array data type"),
        pad("NAXIS   =                    2 / number of array dimensions"),
        pad("NAXIS1  =                   23"),
        pad("NAXIS2  =                   37"),
        pad("EXTEND  =                    T"),
        pad("SAMPLE  = 'T1500   '           / Sample name"),
        pad("DYE     = 'DAPI    '           / Dye/channel name"),
        pad("STAGE   = '04_difference'      / Pipeline stage"),
        pad("SCALE   =                 1.42 / Scale factor (manual)"),
        pad("SCALEK  = 'percentile_p50'     / Scale kind"),
        pad("PAD     =                  500 / pad"),
        pad("SAI     =                    T / save_all_intermediates"),
        pad("SP      =                 50.0 / scale_percentile"),
        pad("SDL     =                1E-07 / stopdelta"),
        pad("IACC    =   1.0023844987154007 / Interior alignment accuracy estimate (px)"),
    ];
    let golden = serde_json::to_string(&golden).expect("JSON");
    std::fs::write(path("golden.json"), golden).expect("writes");
    if let Some(files) = crate::common::python("check_checkpoints.py", &[folder.path()]) {
        assert_eq!(files.lines().count(), 5, "{files}");
    }
}

#[test]
fn what_tifffile_and_astropy_write_is_read() {
    let folder = tempfile::tempdir().expect("folder");
    if crate::common::python("write_checkpoints.py", &[folder.path()]).is_none() {
        return;
    }
    for name in [
        "onestrip.tiff",
        "shaped.tiff",
        "strips.tiff",
        "big.tiff",
        "bigendian.tiff",
        "deflate.tiff",
        "plain.fits",
        "checksum.fits",
    ] {
        let mut reader = CheckpointReader::open(&folder.path().join(name)).expect(name);
        let mut found = Array2::zeros(reader.size().shape());
        reader.read_band(0, found.view_mut()).expect(name);
        assert_eq!(found, pixels(), "{name}");
        reader.verify().expect(name);
        if name.ends_with("fits") {
            assert_eq!(reader.facts().get_text("SAMPLE"), Some("T1500"));
            assert_eq!(reader.facts().get_int("PAD"), Some(500));
            assert_eq!(reader.facts().get_float("IACC"), Some(1.0023844987154007));
            assert_eq!(reader.facts().get_text("LONG").map(str::len), Some(200));
            assert_eq!(reader.facts().warp(), None);
        }
    }
    for name in [
        "double.fits",
        "cube.fits",
        "extension.fits",
        "scaled.fits",
        "u16.tiff",
        "rgb.tiff",
    ] {
        let error = CheckpointReader::open(&folder.path().join(name)).expect_err(name);
        assert!(
            matches!(error, CheckpointError::NotFloat { .. }),
            "{name}: {error}"
        );
        assert!(error.to_string().contains(name), "{error}");
    }
    let mut broken = CheckpointReader::open(&folder.path().join("broken.fits")).expect("opens");
    let error = broken.verify().expect_err("a pixel was changed");
    assert!(matches!(error, CheckpointError::Checksum { .. }), "{error}");
}
