//! A disk without room is reported, and nothing stays on it.

#![expect(clippy::print_stdout, reason = "a test that did not run should say so")]

use e2m_image::{BandSink, Size};
use e2m_io::{CheckpointCompression, CheckpointFormat, CheckpointWriter, Facts};
use ndarray::Array2;
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in memory with room for 20 MB; it is there as long as this value is.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` for whoever may not mount anything.
    fn mount(at: &Path) -> Option<Self> {
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=20m", "e2m-test"])
            .arg(at)
            .output();
        mount
            .is_ok_and(|output| output.status.success())
            .then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.0).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            println!("{} is still mounted", self.0.display());
        }
    }
}

/// The system's error at the bottom of another.
fn kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let sources = std::iter::successors(Some(error), |error| (*error).source());
    sources
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .map(io::Error::kind)
        .last()
}

fn write(path: &Path, size: Size, format: CheckpointFormat) -> Result<(), Box<dyn Error>> {
    let how = CheckpointCompression::None;
    let mut writer = CheckpointWriter::create(path, size, &Facts::new(), format, how)?;
    let band = Array2::from_elem((100, size.width), 1.5);
    for _ in 0..size.height / 100 {
        writer.write_band(band.view())?;
    }
    writer.finish()?;
    Ok(())
}

#[test]
fn a_disk_without_room_is_told_and_stays_clean() {
    let folder = tempfile::tempdir().expect("folder");
    let mounted = SmallDisk::mount(folder.path());
    let Some(disk) = e2m_testing::prerequisite("the right to mount a file system", mounted) else {
        return;
    };
    let path = disk.0.join("image");
    let left = || std::fs::read_dir(&disk.0).expect("lists").count();
    for format in [CheckpointFormat::Tiff, CheckpointFormat::Fits] {
        // Full long before the end, and only at the very end.
        for size in [Size::new(2000, 6000), Size::new(2000, 2700)] {
            let error = write(&path, size, format).expect_err("there is no room");
            let found = kind(error.as_ref());
            assert_eq!(found, Some(io::ErrorKind::StorageFull), "{error}");
            assert_eq!(left(), 0, "{format} {size}");
        }
        write(&path, Size::new(2000, 2400), format).expect("there is room");
        std::fs::remove_file(&path).expect("removes");
    }
}
