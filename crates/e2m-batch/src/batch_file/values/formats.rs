//! Formats and compression of checkpoints.

use crate::batch_file::setting::words;
use e2m_io::CheckpointCompression;
use e2m_pipeline::{CheckpointFormats, KeptCheckpoints};

words!(CheckpointFormats {
    "tiff" => Self::Tiff,
    "fits" => Self::Fits,
    "both" => Self::Both,
});

words!(CheckpointCompression {
    "none" => Self::None,
    "deflate" => Self::Deflate,
});

words!(KeptCheckpoints {
    "all" => Self::All,
    "aligned" => Self::Aligned,
    "none" => Self::None,
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch_file::setting::Setting;
    use crate::batch_file::setting::tests::{read, round_trip};

    #[test]
    fn words_are_written_as_they_are_read() {
        round_trip::<CheckpointFormats>("\"both\"");
        round_trip::<CheckpointCompression>("\"deflate\"");
        round_trip::<KeptCheckpoints>("\"aligned\"");
        assert_eq!(read::<CheckpointFormats>("\"TIFF\""), None);
        assert_eq!(
            CheckpointFormats::expected(),
            "\"tiff\" or \"fits\" or \"both\""
        );
    }
}
