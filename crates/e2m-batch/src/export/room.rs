//! Whether the disk has room for an export, before it begins.

use super::prepared::ChannelFile;
use crate::human;
use e2m_export::{OmeImage, estimated_bytes};
use e2m_image::BandSource;
use e2m_io::CheckpointReader;
use e2m_resources::Disk;
use std::path::Path;

/// Refuses an export for which the disk has too little room, as far as a part of each image tells.
///
/// # Errors
/// The sentence for the user.
pub(super) fn check(path: &Path, image: &OmeImage, files: &[ChannelFile]) -> Result<(), String> {
    // A disk that does not tell is asked by writing.
    let Ok(disk) = Disk::of(path) else {
        return Ok(());
    };
    let mut sources = files
        .iter()
        .map(|channel| CheckpointReader::open(&channel.file.path))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    let mut sources: Vec<&mut dyn BandSource> = sources
        .iter_mut()
        .map(|source| source as &mut dyn BandSource)
        .collect();
    let needed = estimated_bytes(path, image, &mut sources).map_err(|error| error.to_string())?;
    match lack(needed, disk.free_bytes) {
        None => Ok(()),
        Some(lack) => Err(format!(
            "the disk of {} has too little room: about {} are needed and {} are free, so {lack} bytes are missing",
            disk.existing.display(),
            human::bytes(needed),
            human::bytes(disk.free_bytes)
        )),
    }
}

/// How many bytes are missing, if any are.
fn lack(needed: u64, free: u64) -> Option<u64> {
    needed.checked_sub(free).filter(|lack| *lack > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_does_not_fit_is_missing() {
        assert_eq!(lack(10, 10), None);
        assert_eq!(lack(10, 11), None);
        assert_eq!(lack(12, 10), Some(2));
    }
}
