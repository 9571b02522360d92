//! Leica LIF: memory blocks of samples as they are, at strides that the XML tells.

use super::contents::Chosen;
use super::guard::{EXPORT, guarded, input};
use super::place::{Place, Tile};
use super::{Store, Stored, size_of};
use crate::tiff::{ChunkLayout, SampleKind, TiffProblem};
use openreadout_core::model::{ImageInfo, LsEntry};
use openreadout_core::{FormatReader, PixelType};
use openreadout_lif::LifReader;
use serde_json::Value;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// A file whose XML has been read.
pub(super) struct Opened {
    pub(super) images: Vec<ImageInfo>,
    file: Arc<File>,
    entries: Vec<LsEntry>,
    refused: Vec<Option<String>>,
}

/// The axes of an image: how many there are along it, and bytes from one to the next.
struct Axes<'a>(&'a [Value]);

impl Axes<'_> {
    fn of(&self, name: &str) -> (u64, u64) {
        let found = self.0.iter().find(|axis| axis["axis"] == *name);
        let number = |key: &str| found.and_then(|axis| axis[key].as_u64());
        (
            number("count").unwrap_or(1).max(1),
            number("bytes_inc").unwrap_or(0),
        )
    }

    /// An axis that no plane is chosen along.
    fn strange(&self) -> Option<&str> {
        let known = ["x", "y", "z", "t", "lambda", "mosaic"];
        let names = self
            .0
            .iter()
            .filter(|axis| axis["count"].as_u64() > Some(1));
        let mut names = names.filter_map(|axis| axis["axis"].as_str());
        names.find(|name| !known.contains(name))
    }
}

impl Opened {
    pub(super) fn open(path: &Path, file: &Arc<File>) -> Result<Self, TiffProblem> {
        let input = input(path, file)?;
        let (info, entries, refused) = guarded(|| {
            let dataset = LifReader.open_input(&input)?;
            let info = dataset.info()?;
            let numbers = 0..info.images.len() as u32;
            let refused = numbers
                .map(|number| dataset.pixels_refused(number))
                .collect();
            Ok((info, dataset.entries()?, refused))
        })?;
        Ok(Self {
            images: info.images,
            file: Arc::clone(file),
            entries,
            refused,
        })
    }

    /// Whether images or memory blocks are not all there.
    fn is_cut(&self, file_bytes: u64) -> bool {
        self.entries.iter().any(|entry| {
            let ends_at = entry
                .offset
                .zip(entry.size)
                .map(|(at, n)| at.saturating_add(n));
            match &*entry.kind {
                "image" => entry.offset.is_none(),
                "block" => ends_at.is_none_or(|ends_at| ends_at > file_bytes),
                _ => false,
            }
        })
    }

    pub(super) fn stored(&self, chosen: &Chosen, file_bytes: u64) -> Result<Stored, TiffProblem> {
        let image = &self.images[chosen.image];
        let size = size_of(image)?;
        let unsupported = |found: String| TiffProblem::Unsupported {
            found,
            advice: EXPORT,
        };
        if let Some(what) = self.refused.get(chosen.image).cloned().flatten() {
            return Err(unsupported(what));
        }
        let number = chosen.image as u32;
        let of = |kind: &str| {
            let kind = kind.to_owned();
            let own = self.entries.iter().filter(move |e| e.image == Some(number));
            own.filter(move |entry| entry.kind == kind)
        };
        let block = of("image").next();
        let (details, offset) = block
            .and_then(|block| Some((&block.details, block.offset?)))
            .ok_or_else(|| TiffProblem::damaged("the memory block of the image is not in it"))?;
        let list = |name: &str| details[name].as_array().map_or(&[][..], Vec::as_slice);
        let (axes, channels) = (Axes(list("dimensions")), list("channels"));
        if let Some(axis) = axes.strange() {
            return Err(unsupported(format!("an image along {axis}")));
        }
        let bits = |channel: &Value| channel["bits"].as_u64().unwrap_or(0).div_ceil(8);
        let kind = match (image.pixel_type, channels.first().map(bits)) {
            (PixelType::Float, Some(2)) => Some(SampleKind::F16),
            _ => None,
        };
        if channels
            .iter()
            .any(|c| Some(bits(c)) != channels.first().map(bits))
        {
            return Err(unsupported("channels of different bit depth".to_owned()));
        }
        let sample = match kind {
            Some(_) => 2,
            None => image.pixel_type.bytes_per_sample() as u64,
        };
        let (spectral, along_spectrum) = axes.of("lambda");
        let channel = u64::from(chosen.plane.c);
        let channel_at = channels
            .get((channel / spectral) as usize)
            .and_then(|channel| channel["bytes_inc"].as_u64());
        let within = [
            channel_at,
            (channel % spectral).checked_mul(along_spectrum),
            u64::from(chosen.plane.z).checked_mul(axes.of("z").1),
            u64::from(chosen.plane.t).checked_mul(axes.of("t").1),
        ];
        let within = within
            .into_iter()
            .try_fold(0_u64, |sum, part| sum.checked_add(part?))
            .ok_or_else(|| TiffProblem::damaged("the plane lies beyond all files"))?;
        let mut tiles = Vec::new();
        let mut tile = [size.width, size.height];
        for entry in of("tile") {
            let number = |key: &str| entry.details[key].as_u64().unwrap_or(0) as usize;
            tile = [number("width"), number("height")];
            let missing = || TiffProblem::damaged("a tile of the image is not in it");
            tiles.push(Tile {
                offset: entry.offset.ok_or_else(missing)?.saturating_add(within),
                x: number("x_px"),
                y: number("y_px"),
            });
        }
        let ((columns, pixel), (_, row)) = (axes.of("x"), axes.of("y"));
        if tiles.is_empty() {
            tiles.push(Tile {
                offset: offset.saturating_add(within),
                x: 0,
                y: 0,
            });
        }
        let pixel = pixel.max(sample);
        let is_mosaic = tiles.len() > 1;
        let place = Place {
            file: Arc::clone(&self.file),
            tiles,
            tile,
            width: size.width,
            pixel_bytes: sample as usize,
            strides: [pixel, row.max(columns.saturating_mul(pixel))],
            blue_first: None,
            stream: None,
        };
        place.check(file_bytes)?;
        let last = within.saturating_add(place.span());
        if !is_mosaic
            && block
                .and_then(|block| block.size)
                .is_some_and(|all| last > all)
        {
            return Err(TiffProblem::damaged(
                "the plane is longer than the memory block that it lies in",
            ));
        }
        Ok(Stored {
            chunks: ChunkLayout::Strips { rows: 1 },
            decoder_bytes: place.reading_bytes(),
            coding: None,
            store: Store::Rows(place),
            kind,
            cut: self.is_cut(file_bytes).then_some("memory blocks are missing"),
            remarks: match is_mosaic {
                true => vec![
                    "its tiles are laid side by side where the stage was; they are neither registered nor blended"
                        .to_owned(),
                ],
                false => Vec::new(),
            },
        })
    }
}
