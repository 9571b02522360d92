//! What earlier runs left: the manifests of a task, whatever their parameters.

use crate::manifest::{CheckpointRecord, InputRecord, Inputs, Manifest};
use e2m_io::{CheckpointFormat, CheckpointReader, FileIdentity, TaskPaths};
use std::path::Path;

/// The manifests in a task's folder.
#[derive(Debug, Default)]
pub(crate) struct History {
    manifests: Vec<Manifest>,
}

/// A checkpoint that can be used.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// Vouched for by a manifest.
    Recorded(&'a Manifest, CheckpointRecord),
    /// Written by the Python program: an image, and nothing is known about how it was made.
    Foreign,
}

impl History {
    /// Reads all manifests of a task. A folder that is not there has none.
    pub(crate) fn read(task_dir: &Path) -> Self {
        let mut paths: Vec<_> = std::fs::read_dir(task_dir)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.starts_with("e2m_task") && name.ends_with(".json")
            })
            .collect();
        paths.sort();
        Self {
            manifests: paths
                .iter()
                .filter_map(|path| Manifest::read(path))
                .collect(),
        }
    }

    /// What is known about a raw file that has not changed since it was read last: same place on the disk, same length,
    /// same times.
    pub(crate) fn known_input(&self, path: &str, identity: &FileIdentity) -> Option<&InputRecord> {
        let all = self
            .manifests
            .iter()
            .flat_map(|m| [&m.inputs.post, &m.inputs.pre]);
        all.filter(|input| input.path == path)
            .find(|input| input.identity() == *identity)
    }

    /// The manifest of exactly this file name suffix and these raw files.
    pub(crate) fn manifest_for(
        &self,
        inputs: &Inputs,
        params: &crate::Params,
    ) -> Option<&Manifest> {
        self.manifests
            .iter()
            .find(|m| m.inputs.same_content(inputs) && m.params == *params)
    }

    /// The checkpoint with this stem and suffix, if it is whole and was made from `inputs`; TIFF is looked at first.
    /// Otherwise, why not: `None` if there is no file at all.
    pub(crate) fn checkpoint(
        &self,
        paths: &TaskPaths,
        stem: &str,
        suffix: &str,
        wanted: &Wanted<'_>,
    ) -> Result<Option<(CheckpointFormat, Found<'_>)>, String> {
        let mut refused = None;
        for format in [CheckpointFormat::Tiff, CheckpointFormat::Fits] {
            let path = paths.checkpoint_path(format, stem, suffix);
            if !path.exists() {
                continue;
            }
            match self.judge(paths.dir(), &path, wanted) {
                Ok(found) => return Ok(Some((format, found))),
                Err(reason) => refused = refused.or(Some(format!("{}: {reason}", path.display()))),
            }
        }
        refused.map_or(Ok(None), Err)
    }

    /// Like [`History::checkpoint`] for one format.
    pub(crate) fn checkpoint_in(
        &self,
        paths: &TaskPaths,
        format: CheckpointFormat,
        stem: &str,
        suffix: &str,
        wanted: &Wanted<'_>,
    ) -> Option<CheckpointRecord> {
        let path = paths.checkpoint_path(format, stem, suffix);
        match self.judge(paths.dir(), &path, wanted) {
            Ok(Found::Recorded(_, record)) => Some(record),
            _ => None,
        }
    }

    fn judge(
        &self,
        task_dir: &Path,
        path: &Path,
        wanted: &Wanted<'_>,
    ) -> Result<Found<'_>, String> {
        let reader = CheckpointReader::open(path).map_err(|error| error.to_string())?;
        use e2m_image::BandSource as _;
        let size = reader.size();
        if size != wanted.canvas {
            return Err(format!("it is {size} px, the canvas is {}", wanted.canvas));
        }
        if reader.facts().get_text("VERSION").is_none() {
            return if wanted.accept_foreign {
                Ok(Found::Foreign)
            } else {
                Err("it was not written by e2m and says nothing about how it was made".to_owned())
            };
        }
        let relative = relative_path(task_dir, path);
        let identity = FileIdentity::of(path).map_err(|error| error.to_string())?;
        let record = |m: &Manifest| m.checkpoints.iter().find(|c| c.path == relative).cloned();
        let recorded: Vec<(&Manifest, CheckpointRecord)> = self
            .manifests
            .iter()
            .filter_map(|m| Some((m, record(m)?)))
            .collect();
        if recorded.is_empty() {
            return Err("no manifest knows it".to_owned());
        }
        let same_inputs: Vec<_> = recorded
            .into_iter()
            .filter(|(m, _)| m.inputs.same_content(wanted.inputs))
            .collect();
        if same_inputs.is_empty() {
            return Err("it was made from other raw files".to_owned());
        }
        let same_params = |m: &Manifest| {
            let values = |params: &crate::Params| {
                params
                    .non_default(wanted.stage)
                    .map(|(s, v)| (s.name, v))
                    .collect::<Vec<_>>()
            };
            values(&m.params) == values(wanted.params)
        };
        let Some((manifest, record)) = same_inputs.into_iter().find(|(m, _)| same_params(m)) else {
            return Err("it was made with other parameters".to_owned());
        };
        if record.bytes != identity.bytes || record.modified != identity.modified {
            // Touched since: only its content can tell whether it is still what was written.
            let mut reader = reader;
            let hash = reader.verify().map_err(|error| error.to_string())?;
            if hash != record.hash {
                return Err("its pixels are not those that were written".to_owned());
            }
        }
        Ok(Found::Recorded(manifest, record))
    }
}

/// What a checkpoint has to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) canvas: e2m_image::Size,
    pub(crate) inputs: &'a Inputs,
    pub(crate) params: &'a crate::Params,
    pub(crate) stage: u8,
    /// Whether an image of the Python program will do.
    pub(crate) accept_foreign: bool,
}

/// A path below the task's folder, with forward slashes on every system.
pub(crate) fn relative_path(task_dir: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(task_dir).unwrap_or(path);
    let parts: Vec<_> = relative
        .components()
        .map(|c| c.as_os_str().to_string_lossy().into_owned())
        .collect();
    parts.join("/")
}
