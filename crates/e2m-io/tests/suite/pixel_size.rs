//! How large a pixel is, in images that e2m writes.

use e2m_image::{BandSink as _, Size};
use e2m_io::{
    CheckpointCompression, CheckpointFormat, CheckpointReader, CheckpointWriter, Facts, RawImage,
};
use ndarray::Array2;

#[test]
fn other_programs_learn_how_large_a_pixel_is() {
    let folder = tempfile::tempdir().expect("folder");
    let pixels = Array2::<f32>::from_elem((7, 9), 1.5);
    let kinds = [
        (CheckpointFormat::Tiff, CheckpointCompression::None),
        (CheckpointFormat::Tiff, CheckpointCompression::Deflate),
        (CheckpointFormat::Fits, CheckpointCompression::None),
    ];
    for um in [[0.325, 0.33], [0.05, 4.0], [0.1, 1.0 / 3.0]] {
        let mut facts = Facts::new();
        facts.set_um_per_px(um).expect("finite");
        for (format, compression) in kinds {
            let path = folder.path().join(format!("image.{format}"));
            let size = Size::new(9, 7);
            let mut writer = CheckpointWriter::create(&path, size, &facts, format, compression)
                .expect("creates");
            writer.write_band(pixels.view()).expect("writes");
            writer.finish().expect("finishes");
            let reader = CheckpointReader::open(&path).expect("opens");
            assert_eq!(reader.facts().um_per_px(), Some(um), "{format}");
            if format == CheckpointFormat::Tiff {
                // As any reader of TIFFs finds it, which does not know the facts.
                let size = RawImage::open(&path).expect("a TIFF").info().pixel_size;
                let read = size.expect("a size").um;
                let off = [0, 1].map(|axis| (read[axis] / um[axis] - 1.0).abs());
                assert!(
                    off.iter().all(|off| *off < 1e-6),
                    "{compression:?}: {read:?}, {um:?}"
                );
            }
        }
    }
    let mut facts = Facts::new();
    assert!(facts.set_um_per_px([f64::NAN, 1.0]).is_err());
    assert_eq!(Facts::new().um_per_px(), None);
}
