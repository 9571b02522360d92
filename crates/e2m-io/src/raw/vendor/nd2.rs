//! Nikon ND2: frames of interleaved channels, as they are or in a zlib stream each.

use super::contents::Chosen;
use super::guard::{EXPORT, guarded, input};
use super::place::{Place, Tile};
use super::{Store, Stored, size_of};
use crate::section::read_exact_at;
use crate::tiff::{ChunkLayout, TiffProblem};
use openreadout_core::FormatReader;
use openreadout_core::model::{ImageInfo, LsEntry};
use openreadout_nd2::meta::{loops_from_lv, planes_from_lv};
use openreadout_nd2::{Attributes, CHUNK_MAGIC_BYTES, FrameLayout, Nd2Reader};
use serde_json::Value;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// A frame begins with the time it was taken.
const TIME_BYTES: u64 = 8;

/// A file whose list of chunks has been read.
pub(super) struct Opened {
    pub(super) images: Vec<ImageInfo>,
    file: Arc<File>,
    chunks: Vec<LsEntry>,
    metadata: Value,
    is_unfinished: bool,
}

/// How frames are compressed.
const LOSSLESS: i64 = 0;
const NONE: i64 = 2;

impl Opened {
    pub(super) fn open(path: &Path, file: &Arc<File>) -> Result<Self, TiffProblem> {
        let input = input(path, file)?;
        let (info, chunks, metadata, is_unfinished) = guarded(|| {
            let dataset = Nd2Reader.open_input(&input)?;
            Ok((
                dataset.info()?,
                dataset.entries()?,
                dataset.vendor_metadata()?,
                dataset.write_state().is_some(),
            ))
        })?;
        Ok(Self {
            images: info.images,
            file: Arc::clone(file),
            chunks,
            metadata,
            is_unfinished,
        })
    }

    /// What a chunk holds, which has one name since version 3 and had another before.
    fn metadata(&self, name: &str, old_name: &str) -> Option<&Value> {
        let found = self.metadata.get(name);
        found.or_else(|| self.metadata.get(old_name))
    }

    pub(super) fn stored(&self, chosen: &Chosen, file_bytes: u64) -> Result<Stored, TiffProblem> {
        let image = &self.images[chosen.image];
        let size = size_of(image)?;
        let attributes = self.metadata("ImageAttributesLV!", "ImageAttributes!");
        let attributes = attributes
            .and_then(Attributes::from_lv)
            .ok_or_else(|| TiffProblem::damaged("its image attributes cannot be read"))?;
        let stream = match attributes.compression.unwrap_or(NONE) {
            NONE => false,
            LOSSLESS => true,
            code => {
                return Err(TiffProblem::Unsupported {
                    found: format!("lossy compression of ND2 frames (eCompression {code})"),
                    advice: EXPORT,
                });
            }
        };
        let sample = image.pixel_type.bytes_per_sample();
        let (first, samples) = self.samples_of(chosen.plane.c, attributes.components)?;
        let pixel = u64::from(attributes.components) * sample as u64;
        let row = match attributes.row_bytes {
            0 => pixel * size.width as u64,
            row => row.into(),
        };
        if row < pixel * size.width as u64 || samples != image.samples_per_pixel {
            return Err(TiffProblem::damaged(format!(
                "its rows of {} pixels of {pixel} bytes are {row} bytes long",
                size.width
            )));
        }
        let number = self.frame_of(chosen, &attributes);
        let [start, length] = self.frame(number, attributes.frame_count)?;
        let within = u64::from(first) * sample as u64;
        let place = Place {
            file: Arc::clone(&self.file),
            tiles: vec![Tile {
                offset: if stream { within } else { start + within },
                x: 0,
                y: 0,
            }],
            tile: [size.width, size.height],
            width: size.width,
            pixel_bytes: samples as usize * sample,
            strides: [pixel, row],
            blue_first: (samples == 3).then_some(sample),
            stream: stream.then_some([start, length]),
        };
        place.check(file_bytes)?;
        let needed = row.saturating_mul(size.height as u64);
        if !stream && length < needed {
            return Err(TiffProblem::damaged(format!(
                "frame {} has {length} bytes, and its rows need {needed}",
                number + 1
            )));
        }
        Ok(Stored {
            chunks: ChunkLayout::Strips {
                rows: if stream { size.height } else { 1 },
            },
            decoder_bytes: place.reading_bytes(),
            coding: stream.then(|| "deflate".to_owned()),
            store: Store::Rows(place),
            kind: None,
            cut: self
                .is_unfinished
                .then_some("its list of chunks is missing"),
            remarks: Vec::new(),
        })
    }

    /// The first sample of a channel among those of a pixel, and how many it has.
    fn samples_of(&self, channel: u32, components: u32) -> Result<(u32, u32), TiffProblem> {
        let seq = self.metadata("ImageMetadataSeqLV|0!", "ImageMetadataSeq|0!");
        let planes = seq.map(planes_from_lv).unwrap_or_default();
        let counts: Vec<u32> = planes.iter().map(|plane| plane.component_count).collect();
        let all = counts.iter().map(|&n| u64::from(n)).sum::<u64>();
        let (first, samples) = if !counts.is_empty() && all == u64::from(components) {
            let before = counts.iter().take(channel as usize).sum();
            (before, counts.get(channel as usize).copied().unwrap_or(0))
        } else {
            (channel, 1)
        };
        match samples {
            1 | 3 if first + samples <= components.max(1) => Ok((first, samples)),
            _ => Err(TiffProblem::Unsupported {
                found: format!("a channel of {samples} components"),
                advice: EXPORT,
            }),
        }
    }

    fn frame_of(&self, chosen: &Chosen, attributes: &Attributes) -> u32 {
        let experiment = self.metadata("ImageMetadataLV!", "ImageMetadata!");
        let loops = experiment.map(loops_from_lv).unwrap_or_default();
        let frames = match attributes.frame_count {
            // An interrupted acquisition: those that were written count.
            0 => self.chunks.iter().filter(|c| c.kind == "frame").count() as u32,
            frames => frames,
        };
        let plane = chosen.plane;
        FrameLayout::from_loops(&loops, frames).frame_index(chosen.image as u32, plane.t, plane.z)
    }

    /// Where the samples of a frame begin, and how many bytes they have.
    fn frame(&self, number: u32, frames: u32) -> Result<[u64; 2], TiffProblem> {
        let name = format!("ImageDataSeq|{number}!");
        let found = self.chunks.iter().find(|chunk| chunk.name == name);
        let offset = found.and_then(|chunk| chunk.offset).ok_or_else(|| {
            TiffProblem::damaged(format!(
                "frame {} of {frames} is not in it: the acquisition was interrupted, or the file copied in part",
                u64::from(number) + 1
            ))
        })?;
        let mut head = [0; 16];
        read_exact_at(&self.file, &mut head, offset)?;
        let word = |at: usize| head[at..].first_chunk().copied().unwrap_or_default();
        let (magic, name_length) = (word(0), u32::from_le_bytes(word(4)));
        let length = head[8..].first_chunk().copied().unwrap_or_default();
        let length = u64::from_le_bytes(length);
        let mut found = vec![0; name_length.min(256) as usize];
        read_exact_at(&self.file, &mut found, offset.saturating_add(16))?;
        if magic != CHUNK_MAGIC_BYTES || !found.starts_with(name.as_bytes()) {
            return Err(TiffProblem::damaged(format!(
                "frame {} is not where its list of chunks says (byte {offset})",
                u64::from(number) + 1
            )));
        }
        let start = offset
            .saturating_add(16 + TIME_BYTES)
            .saturating_add(name_length.into());
        Ok([start, length.saturating_sub(TIME_BYTES)])
    }
}
