//! Zeiss CZI: subblocks, placed on a canvas per scene.

use super::Stored;
use super::contents::Chosen;
use super::guard::{EXPORT, guarded, input};
use super::regions::{Regions, band_rows};
use super::{Store, size_of};
use crate::tiff::{ChunkLayout, TiffProblem, check_proportion};
use openreadout_core::FormatReader;
use openreadout_core::model::ImageInfo;
use openreadout_core::source::Input;
use openreadout_czi::{CompressionId, CziFile, CziReader, DirectoryEntry, SEGMENT_HEADER_LEN};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Decoded subblocks that the reader keeps.
const CACHE_BYTES: u64 = 64 << 20;
/// Of subblocks that it decodes at once; at least one.
const AT_ONCE_BYTES: u64 = 256 << 20;

/// A file whose directory of subblocks has been read.
pub(super) struct Opened {
    pub(super) images: Vec<ImageInfo>,
    input: Input,
    subblocks: Vec<DirectoryEntry>,
    remarks: Vec<String>,
}

impl Opened {
    pub(super) fn open(path: &Path, file: &Arc<File>) -> Result<Self, TiffProblem> {
        let input = input(path, file)?;
        let info = guarded(|| CziReader.open_input(&input)?.info())?;
        let directory = guarded(|| CziFile::open(path))?;
        let remarks = check_directory(&directory)?;
        let mut subblocks = directory.entries;
        subblocks.retain(DirectoryEntry::is_level0);
        Ok(Self {
            images: info.images,
            input,
            subblocks,
            remarks,
        })
    }

    pub(super) fn stored(&self, chosen: &Chosen, file_bytes: u64) -> Result<Stored, TiffProblem> {
        let image = &self.images[chosen.image];
        let size = size_of(image)?;
        self.check(file_bytes)?;
        let absent = image.extra.get("absent_channels");
        if absent
            .and_then(Value::as_array)
            .is_some_and(|absent| absent.iter().any(|c| *c == chosen.plane.c))
        {
            return Err(TiffProblem::damaged(format!(
                "channel {} has no pixels in this image",
                chosen.plane.c + 1
            )));
        }
        let largest = self.subblocks.iter().map(decoded_bytes).max().unwrap_or(0);
        check_proportion::held(size, largest, file_bytes)?;
        let side = |name: char| {
            let of = |block: &DirectoryEntry| block.dim(name).map_or(0, |d| d.stored_size);
            self.subblocks.iter().map(of).max().unwrap_or(0) as usize
        };
        let codings: BTreeSet<String> = self
            .subblocks
            .iter()
            .filter_map(|block| coding(block.compression))
            .collect();
        let row_bytes = image.size_x as u64
            * u64::from(image.samples_per_pixel)
            * image.pixel_type.bytes_per_sample() as u64;
        let height = band_rows(size.height, side('Y').max(1), row_bytes);
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
        let in_band = (size.width.div_ceil(side('X').max(1)) as u64 + 1) * 2;
        let at_once = threads
            .min(in_band)
            .min((AT_ONCE_BYTES / largest.max(1)).max(1));
        // Compressed and decoded, and what a decoder makes of them in between.
        let copies = if codings.is_empty() { 1 } else { 4 };
        let all = self
            .subblocks
            .iter()
            .fold(0_u64, |sum, block| sum.saturating_add(decoded_bytes(block)));
        Ok(Stored {
            store: Store::Tiles(Regions {
                reader: &CziReader,
                input: self.input.clone(),
                image: chosen.image as u32,
                plane: chosen.plane,
            }),
            chunks: ChunkLayout::Tiles {
                width: side('X').clamp(1, size.width),
                height,
            },
            decoder_bytes: largest
                .saturating_mul(at_once * copies)
                .saturating_add(CACHE_BYTES.min(all)),
            coding: (!codings.is_empty())
                .then(|| codings.into_iter().collect::<Vec<_>>().join(" and ")),
            kind: None,
            cut: None,
            remarks: self.remarks.clone(),
        })
    }

    /// Fails where subblocks are of another file, are compressed in a way that is not read, or lie beyond the end.
    fn check(&self, file_bytes: u64) -> Result<(), TiffProblem> {
        let all = self.subblocks.len();
        for (number, block) in self.subblocks.iter().enumerate() {
            if block.file_part != 0 {
                return Err(TiffProblem::Unsupported {
                    found: "a CZI document of several files".to_owned(),
                    advice: "save it as one file in ZEN, or export the image as OME-TIFF",
                });
            }
            if let CompressionId::JpegLossless
            | CompressionId::CameraRaw(_)
            | CompressionId::SystemRaw(_)
            | CompressionId::Unknown(_) = block.compression
            {
                let found = match block.compression {
                    CompressionId::JpegLossless => "lossless JPEG in CZI".to_owned(),
                    CompressionId::CameraRaw(code) | CompressionId::SystemRaw(code) => {
                        format!("raw data of a camera in CZI (compression {code})")
                    }
                    other => format!("CZI compression {}", other.name()),
                };
                return Err(TiffProblem::Unsupported {
                    found,
                    advice: EXPORT,
                });
            }
            // The least that a subblock takes: its header, and its samples where they are stored as they are.
            let samples = match block.compression {
                CompressionId::Uncompressed => decoded_bytes(block),
                _ => 0,
            };
            let ends_at = (block.file_position)
                .saturating_add(SEGMENT_HEADER_LEN)
                .saturating_add(samples);
            if ends_at > file_bytes {
                return Err(TiffProblem::Truncated {
                    part: format!("subblock {} of {all}", number + 1),
                    ends_at,
                    file_bytes,
                });
            }
        }
        Ok(())
    }
}

/// Fails where subblocks are not listed in the file: those that are found without the list may not be all. Answers with what else is odd.
fn check_directory(file: &CziFile) -> Result<Vec<String>, TiffProblem> {
    let begins_at = file.header.directory_position;
    if begins_at == 0 {
        return Err(TiffProblem::damaged(
            "its list of subblocks was never written; the acquisition was interrupted",
        ));
    }
    let ends_at = begins_at.saturating_add(SEGMENT_HEADER_LEN);
    if ends_at > file.file_len {
        return Err(TiffProblem::Truncated {
            part: "its list of subblocks".to_owned(),
            ends_at,
            file_bytes: file.file_len,
        });
    }
    let said = file.problems.iter().map(|(_, what)| what);
    if let Some(what) = said
        .clone()
        .find(|what| what.contains("subblock directory"))
    {
        return Err(TiffProblem::damaged(what.clone()));
    }
    Ok(said
        .map(|what| format!("something in it is odd: {what}"))
        .collect())
}

/// Bytes of the samples of a subblock.
fn decoded_bytes(block: &DirectoryEntry) -> u64 {
    let pixel = u64::from(block.pixel_type.bytes_per_pixel());
    block.dimensions.iter().fold(pixel, |bytes, dimension| {
        bytes.saturating_mul(match dimension.dimension {
            'X' | 'Y' => dimension.stored_size.into(),
            'Z' | 'C' | 'T' => dimension.size.max(1).into(),
            _ => 1,
        })
    })
}

/// How subblocks are compressed; nothing where they are not.
fn coding(compression: CompressionId) -> Option<String> {
    Some(match compression {
        CompressionId::Uncompressed => return None,
        CompressionId::Zstd0 | CompressionId::Zstd1 => "Zstandard".to_owned(),
        CompressionId::Lzw => "LZW".to_owned(),
        CompressionId::Jpeg => "JPEG".to_owned(),
        CompressionId::JpegXr => "JPEG XR".to_owned(),
        other => other.name(),
    })
}
