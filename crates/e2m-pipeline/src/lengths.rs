//! Whether the files of a task can have their names: known before the first stage, and not after an hour of it.

use crate::artifact::{ArtifactKind, artifacts};
use crate::params::suffix;
use crate::stage::Stage;
use crate::task::TaskSpec;
use e2m_io::{TaskPaths, name_bytes_on_the_way};
use std::path::{Path, PathBuf};

/// Bytes of a path that Linux and macOS take at most: `PATH_MAX` of Linux without the zero at its end. macOS has 1,023, which
/// the limit of FITS files keeps.
const LONGEST_PATH: usize = 4095;
/// The same for CFITSIO, which keeps names in 1,025 bytes and wants two of them for itself.
const LONGEST_FITS_PATH: usize = 1023;
/// What a file system takes for the name of a file or folder where it does not say.
pub const USUAL_LONGEST_NAME: usize = 255;

/// A name or path that the system will not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TooLong {
    /// The name of a sample or dye, which is that of a folder.
    #[error(
        "the {what} {name:?} has {bytes} bytes, and the disk of output_dir takes names of {limit} at most; rename it"
    )]
    Folder {
        /// `sample` or `dye`.
        what: &'static str,
        /// The name.
        name: String,
        /// Its length.
        bytes: usize,
        /// The longest.
        limit: usize,
    },
    /// The name of a file, which ends in the parameters that differ from their defaults.
    #[error(
        "the file {name} would have a name of {bytes} bytes, and the disk of output_dir takes {limit} at most; \
         {} of them are the parameters that differ from their defaults ({suffix}): leave some of them at their defaults, \
         or write them with fewer digits", suffix.len()
    )]
    File {
        /// The name.
        name: String,
        /// Its length, that of its temporary if that is longer.
        bytes: usize,
        /// The longest.
        limit: usize,
        /// The part of it that is made of parameters.
        suffix: String,
    },
    /// A whole path.
    #[error(
        "the path {} would have {bytes} bytes, and {} {limit} at most; \
         shorten output_dir, which takes {output_dir_bytes} of them, or the names of sample and dye",
        path.display(), who(*is_fits)
    )]
    Path {
        /// The file.
        path: PathBuf,
        /// Its length, that of its temporary if that is longer.
        bytes: usize,
        /// The longest.
        limit: usize,
        /// Whether it is a FITS file.
        is_fits: bool,
        /// The length of the path of output_dir.
        output_dir_bytes: usize,
    },
}

fn who(is_fits: bool) -> &'static str {
    if is_fits {
        "CFITSIO, which writes FITS files, takes"
    } else {
        "the system takes"
    }
}

/// Checks every file that a task will make, under its own name and under that which it has while it is written.
/// `longest_name` is what the disk of output_dir takes for one name, bytes.
///
/// # Errors
/// The first that is too long: of a file name the longest there is.
pub fn check_lengths(spec: &TaskSpec, longest_name: usize) -> Result<(), TooLong> {
    for (what, name) in [("sample", &spec.sample), ("dye", &spec.dye)] {
        if name.len() > longest_name {
            return Err(TooLong::Folder {
                what,
                name: name.clone(),
                bytes: name.len(),
                limit: longest_name,
            });
        }
    }
    // Names that lead elsewhere are refused by others.
    let Ok(paths) = TaskPaths::new(&spec.output_dir, &spec.sample, &spec.dye) else {
        return Ok(());
    };
    let files = files(spec, &paths);
    let by_name = files.iter().max_by_key(|path| name_bytes(path));
    if let Some(path) = by_name.filter(|path| name_bytes(path) > longest_name) {
        return Err(TooLong::File {
            name: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            bytes: name_bytes(path),
            limit: longest_name,
            suffix: suffix(&spec.params, spec.to_stage),
        });
    }
    for (is_fits, limit) in [(true, LONGEST_FITS_PATH), (false, LONGEST_PATH)] {
        let of_kind = files
            .iter()
            .filter(|path| !is_fits || has_ending(path, "fits"));
        let longest = of_kind.max_by_key(|path| path_bytes(path));
        if let Some(path) = longest.filter(|path| path_bytes(path) > limit) {
            return Err(TooLong::Path {
                path: path.clone(),
                bytes: path_bytes(path),
                limit,
                is_fits,
                output_dir_bytes: spec.output_dir.as_os_str().len(),
            });
        }
    }
    Ok(())
}

/// The files of a task: what its stages make, and its record.
fn files(spec: &TaskSpec, paths: &TaskPaths) -> Vec<PathBuf> {
    let made = artifacts(&spec.params, spec.checkpoint_format, spec.checkpoints).into_iter();
    let made = made.filter(|artifact| artifact.stage <= spec.to_stage);
    let of_artifact = made.flat_map(|artifact| {
        let formats = artifact.checkpoint_formats();
        let files = artifact.paths_below(paths, &spec.params).into_iter();
        let is_image = matches!(artifact.kind, ArtifactKind::Image(_));
        files.filter(move |file| {
            let endings = formats.iter().map(|format| format.extension());
            !is_image
                || endings
                    .into_iter()
                    .any(|ending| has_ending(Path::new(file), ending))
        })
    });
    let record = paths.manifest_path(&suffix(&spec.params, Stage::LAST));
    let record = std::iter::once(record).chain([paths.lock_path()]);
    of_artifact
        .map(|below| paths.dir().join(below))
        .chain(record)
        .collect()
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension()
        .is_some_and(|extension| extension == ending)
}

/// The longest name that a file has in its life.
fn name_bytes(path: &Path) -> usize {
    let name = path.file_name().unwrap_or_default();
    name_bytes_on_the_way(name).max(name.len())
}

fn path_bytes(path: &Path) -> usize {
    let folder = path.parent().map_or(0, |folder| folder.as_os_str().len());
    folder + 1 + name_bytes(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Params;
    use crate::task::CheckpointFormats;
    use e2m_io::CheckpointCompression;

    fn task(output_dir: &str, sample: &str, params: Params) -> TaskSpec {
        TaskSpec {
            sample: sample.into(),
            dye: "DAPI".into(),
            post: "post.tif".into(),
            pre: "pre.tif".into(),
            output_dir: output_dir.into(),
            params,
            checkpoints: crate::task::KeptCheckpoints::All,
            checkpoint_format: CheckpointFormats::Tiff,
            checkpoint_compression: CheckpointCompression::None,
            from_stage: Stage::Pad,
            to_stage: Stage::LAST,
            force: false,
            redraw: false,
        }
    }

    fn many_params() -> Params {
        Params {
            boundary_smooth: 123,
            boundary_width: 123,
            stopit: 12_345,
            angle_range: 123.456_7,
            angle_step: 1.234_567,
            scale_min: 0.812_345,
            scale_max: 1.212_345,
            scale_step: 0.012_345_6,
            down_scale: 0.312_345,
            max_translation: 212.345_6,
            max_rotation: 5.123_45,
            max_scale_delta: 0.212_345,
            max_scale_diff: 0.151_234,
            stopdelta: 1.234_56e-7,
            interior_blur_base: 8.123_45,
            interior_max_correction: 512.345,
            interior_min_inlier_ratio: 0.412_345,
            scale_percentile: Some(51.234_5),
            manual_scale: Some(1.234_56),
            ..Params::default()
        }
    }

    #[test]
    fn what_is_too_long_is_named_and_what_to_shorten() {
        let usual = task("/data/out", "CD070", Params::default());
        assert_eq!(check_lengths(&usual, USUAL_LONGEST_NAME), Ok(()));
        let said = |task: &TaskSpec, longest| {
            check_lengths(task, longest)
                .expect_err("too long")
                .to_string()
        };
        let text = said(&task("/data/out", "CD070", many_params()), 255);
        assert!(
            text.contains("leave some of them at their defaults"),
            "{text}"
        );
        assert!(text.contains("_difference_percentile"), "{text}");
        let text = said(&task("/data/out", &"ä".repeat(100), Params::default()), 143);
        assert!(
            text.starts_with("the sample \"ää") && text.contains("has 200 bytes"),
            "{text}"
        );
        let deep = format!("/{}", "deep/".repeat(200));
        let text = said(&task(&deep, "CD070", Params::default()), 255);
        assert!(
            text.contains("CFITSIO")
                && text.contains("shorten output_dir, which takes 1001 of them"),
            "{text}"
        );
        // On a disk with short names the temporary is the longest.
        let text = said(&task("/data/out", "CD070", Params::default()), 40);
        assert!(text.contains("04_difference_difference"), "{text}");
    }

    #[test]
    fn stages_that_are_not_run_need_no_names() {
        let mut task = task(&format!("/{}", "deep/".repeat(200)), "s", Params::default());
        task.to_stage = Stage::Coarse;
        assert_eq!(check_lengths(&task, 255), Ok(()));
    }
}
