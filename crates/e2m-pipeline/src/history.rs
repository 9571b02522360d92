//! What earlier runs left: the manifests of a task, whatever their parameters.

use crate::artifact::pixels_of;
use crate::manifest::{CheckpointRecord, InputRecord, Inputs, Manifest};
use crate::params::Params;
use crate::stage::Stage;
use crate::task::CheckpointFormats;
use e2m_image::BandSource as _;
use e2m_io::{CheckpointFormat, CheckpointReader, FileIdentity, TaskPaths};
use std::cell::Cell;
use std::path::Path;

/// The manifests in a task's folder.
#[derive(Debug, Default)]
pub(crate) struct History {
    manifests: Vec<Manifest>,
}

/// A checkpoint that can be used.
#[derive(Debug)]
pub(crate) enum UsableCheckpoint<'a> {
    /// Vouched for by a manifest; the records of all formats it is there in.
    Recorded(&'a Manifest, Vec<(CheckpointFormat, CheckpointRecord)>),
    /// Written by the Python program: an image, and nothing is known about how it was made.
    Legacy(CheckpointFormat),
}

/// How closely files are looked at before they are trusted.
#[derive(Debug)]
pub(crate) enum Evidence {
    /// Names, lengths and times; no pixel is read. A file of the right length is taken for what was written.
    Cheap {
        /// Set where a file has other times than those on record, so that a run will have to read it.
        touched: Cell<bool>,
    },
    /// Files with other times than those on record are read, and their hash tells.
    Full,
}

impl Evidence {
    /// Names, lengths and times.
    pub(crate) fn cheap() -> Self {
        Self::Cheap {
            touched: Cell::new(false),
        }
    }

    /// Whether a file was believed that has other times than those on record.
    pub(crate) fn is_touched(&self) -> bool {
        match self {
            Self::Cheap { touched } => touched.get(),
            Self::Full => false,
        }
    }
}

/// The answer to the question for a checkpoint.
#[derive(Debug, Default)]
pub(crate) struct Lookup<'a> {
    /// The checkpoint, if it can be used.
    pub(crate) found: Option<UsableCheckpoint<'a>>,
    /// Files of its name that cannot be used, with the reason.
    pub(crate) refused: Vec<String>,
}

/// Why one file is trusted.
enum CheckpointTrust<'a> {
    Recorded(&'a Manifest, CheckpointRecord),
    Legacy,
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

    /// All of them.
    pub(crate) fn manifests(&self) -> &[Manifest] {
        &self.manifests
    }

    /// What is known about a raw file of this name and length, whatever its times.
    pub(crate) fn alike_input(&self, path: &str, identity: &FileIdentity) -> Option<&InputRecord> {
        let all = self
            .manifests
            .iter()
            .flat_map(|m| [&m.inputs.post, &m.inputs.pre]);
        all.filter(|input| input.path == path)
            .find(|input| input.bytes == identity.bytes)
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

    /// The manifest of exactly these parameters and raw files.
    pub(crate) fn manifest_for(&self, inputs: &Inputs, params: &Params) -> Option<&Manifest> {
        self.manifests
            .iter()
            .find(|m| m.inputs.same_content(inputs) && m.params == *params)
    }

    /// Looks for the checkpoint with this stem and suffix in both formats, TIFF first. One that a manifest vouches for
    /// goes before an image of the Python program.
    pub(crate) fn checkpoint(
        &self,
        paths: &TaskPaths,
        stem: &str,
        suffix: &str,
        wanted: &Wanted<'_>,
    ) -> Lookup<'_> {
        let mut lookup = Lookup::default();
        let mut legacy = None;
        let mut recorded: Option<(&Manifest, Vec<_>)> = None;
        for &format in CheckpointFormats::Both.list() {
            let path = paths.checkpoint_path(format, stem, suffix);
            if !path.exists() {
                continue;
            }
            match self.judge(paths.dir(), &path, wanted) {
                Ok(CheckpointTrust::Recorded(manifest, record)) => {
                    recorded
                        .get_or_insert((manifest, Vec::new()))
                        .1
                        .push((format, record));
                }
                Ok(CheckpointTrust::Legacy) => {
                    legacy = legacy.or(Some(UsableCheckpoint::Legacy(format)));
                }
                Err(reason) => lookup.refused.push(format!("{}: {reason}", path.display())),
            }
        }
        lookup.found = recorded
            .map(|(manifest, records)| UsableCheckpoint::Recorded(manifest, records))
            .or(legacy);
        lookup
    }

    fn judge(
        &self,
        task_dir: &Path,
        path: &Path,
        wanted: &Wanted<'_>,
    ) -> Result<CheckpointTrust<'_>, String> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut reader =
            CheckpointReader::open_as(path, pixels_of(&name)).map_err(|error| error.to_string())?;
        let size = reader.size();
        if size != wanted.canvas {
            return Err(format!("it is {size} px, the canvas is {}", wanted.canvas));
        }
        let relative = relative_path(task_dir, path);
        let record = |m: &Manifest| m.checkpoints.iter().find(|c| c.path == relative).cloned();
        let recorded: Vec<_> = self
            .manifests
            .iter()
            .filter_map(|m| Some((m, record(m)?)))
            .collect();
        if recorded.is_empty() {
            return match reader.facts().get_text("VERSION") {
                Some(_) => Err("no manifest knows it".to_owned()),
                None if wanted.accept_legacy => Ok(CheckpointTrust::Legacy),
                None => Err(
                    "it was not written by e2m and says nothing about how it was made".to_owned(),
                ),
            };
        }
        let candidates = wanted.made_alike(recorded)?;
        let identity = FileIdentity::of(path).map_err(|error| error.to_string())?;
        let untouched = |c: &CheckpointRecord| c.identity() == identity;
        if let Some((manifest, record)) = candidates.iter().find(|(_, record)| untouched(record)) {
            return Ok(CheckpointTrust::Recorded(manifest, record.clone()));
        }
        let as_long = |(_, record): &&(&Manifest, CheckpointRecord)| record.bytes == identity.bytes;
        if let Evidence::Cheap { touched } = wanted.evidence
            && let Some((manifest, record)) = candidates.iter().find(as_long)
        {
            touched.set(true);
            return Ok(CheckpointTrust::Recorded(manifest, record.clone()));
        }
        // Touched since: only its content can tell whether it is still what was written.
        let hash = reader.verify().map_err(|error| error.to_string())?;
        let same = candidates
            .into_iter()
            .find(|(_, record)| record.hash == hash);
        let (manifest, record) = same.ok_or("its pixels are not those that were written")?;
        Ok(CheckpointTrust::Recorded(
            manifest,
            record.with_identity(identity),
        ))
    }
}

/// What a checkpoint has to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) canvas: e2m_image::Size,
    /// The raw files; `None` where one is not known to be that of any earlier run.
    pub(crate) inputs: Option<&'a Inputs>,
    pub(crate) params: &'a Params,
    pub(crate) stage: Stage,
    /// Whether an image of the Python program will do.
    pub(crate) accept_legacy: bool,
    /// How closely files are looked at.
    pub(crate) evidence: &'a Evidence,
}

impl Wanted<'_> {
    /// Of the manifests that know a checkpoint, those that made it from the wanted raw files by the wanted parameters.
    fn made_alike<'m>(
        &self,
        recorded: Vec<(&'m Manifest, CheckpointRecord)>,
    ) -> Result<Vec<(&'m Manifest, CheckpointRecord)>, String> {
        let Some(inputs) = self.inputs else {
            return Err(
                "a raw file is not that of the earlier run, or was touched since".to_owned(),
            );
        };
        let same_inputs: Vec<_> = recorded
            .into_iter()
            .filter(|(m, _)| m.inputs.same_content(inputs))
            .collect();
        if same_inputs.is_empty() {
            return Err("it was made from other raw files".to_owned());
        }
        let alike: Vec<_> = same_inputs
            .into_iter()
            .filter(|(m, _)| m.params.same_up_to(self.stage, self.params))
            .collect();
        if alike.is_empty() {
            return Err("it was made with other parameters".to_owned());
        }
        Ok(alike)
    }
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
