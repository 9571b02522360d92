//! How long an export will be, from a part of each image.

use crate::error::ExportError;
use crate::file::check;
use crate::image::{Compression, OmeImage};
use crate::levels::level_sizes;
use crate::tiles::{Codec, TILE_PX, write_tiles};
use e2m_image::{BandSource, PixelType};
use ndarray::Array2;
use std::path::Path;

/// About how many bytes [`write_ome_tiff`](crate::write_ome_tiff) or [`write_ome_zarr`](crate::write_ome_zarr) will write at `path`:
/// every tile is taken to be like those in the middle rows of the full resolution, which are compressed for it.
///
/// Margins without pixels make it too large, levels of maxima, which compress worse than what they are made of, a little too small.
/// Of each source a row of tiles is read, 512 rows.
///
/// # Errors
/// What does not fit together, as when it is written; what sources say.
pub fn estimated_bytes(
    path: &Path,
    image: &OmeImage,
    sources: &mut [&mut dyn BandSource],
) -> Result<u64, ExportError> {
    check(path, image, sources)?;
    let all: u64 = level_sizes(image.size)
        .iter()
        .map(|size| size.pixels())
        .sum();
    if image.compression == Compression::None {
        return Ok(4 * all * image.channels.len() as u64);
    }
    let mut bytes = 0;
    for (channel, source) in image.channels.iter().zip(sources) {
        let rows = TILE_PX.min(image.size.height);
        let mut band = Array2::zeros((rows, image.size.width));
        source
            .read_band((image.size.height - rows) / 2, band.view_mut())
            .map_err(|source| ExportError::Source {
                path: path.to_owned(),
                channel: channel.name.clone(),
                source,
            })?;
        let mut compressed = 0_u64;
        let pixels = band.as_slice().unwrap_or_default();
        let codec = (Codec::NativeZlib, PixelType::F32);
        write_tiles(pixels, image.size.width, codec, |_, tile| {
            compressed += tile.map_or(0, |bytes| bytes.len() as u64);
            Ok(())
        })
        .map_err(|source| ExportError::Io {
            action: "write",
            path: path.to_owned(),
            source,
        })?;
        let per_pixel = compressed as f64 / band.len() as f64;
        bytes += (per_pixel * all as f64) as u64;
    }
    Ok(bytes)
}
