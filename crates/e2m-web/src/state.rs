//! What all requests share.

use crate::error::Refusal;
use crate::folder::Folder;
use crate::guard::Names;
use crate::machine::MachineWatch;
use crate::runs::Runs;
use crate::session::Token;
use crate::tasks::OpenTasks;
use crate::tiles::{Overviews, Thumbnails};
use crate::work::Desk;
use e2m_batch::{BatchFile, Environment, Interrupt, PlanError};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Requests of one kind that may wait.
const WAITING: usize = 512;
/// Lists, records and texts that are read at the same time.
const READERS: usize = 4;

/// A server and what it knows.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) folder: Folder,
    pub(crate) names: Names,
    pub(crate) token: Token,
    /// Before every path, such as `/node/n1/8000`; empty where there is none.
    pub(crate) base_path: String,
    pub(crate) read_only: bool,
    pub(crate) environment: Environment,
    /// Raised when the server ends.
    pub(crate) ending: Interrupt,
    pub(crate) tasks: OpenTasks,
    pub(crate) overviews: Overviews,
    pub(crate) thumbnails: Thumbnails,
    pub(crate) runs: Arc<Runs>,
    pub(crate) machine: MachineWatch,
    /// Held while judgements are read, changed and written.
    pub(crate) judging: Mutex<()>,
    /// Where files are read that are small.
    pub(crate) reading: Desk,
    /// Where tiles are made.
    pub(crate) tiling: Desk,
    /// Where whole images are read.
    pub(crate) overviewing: Desk,
}

impl App {
    pub(crate) fn new(folder: Folder, names: Names, token: Token, setting: Setting) -> Self {
        let cpus = setting.environment.machine().cpus();
        Self {
            folder,
            names,
            token,
            base_path: setting.base_path,
            read_only: setting.read_only,
            ending: Interrupt::default(),
            tasks: OpenTasks::default(),
            overviews: Overviews::new(setting.cache_bytes),
            thumbnails: Thumbnails::default(),
            runs: Arc::default(),
            machine: MachineWatch::new(&setting.environment),
            environment: setting.environment,
            judging: Mutex::default(),
            reading: Desk::new(READERS, WAITING),
            tiling: Desk::new(cpus.max(1), WAITING),
            overviewing: Desk::new(2, WAITING),
        }
    }

    /// Reads a batch file of the folder, whose own folders have to lie in it as well.
    pub(crate) fn batch(&self, name: &str) -> Result<BatchFile, Refusal> {
        let path = self.batch_path(name)?;
        let batch = BatchFile::read(&path).map_err(PlanError::from)?;
        self.check_folders(&batch)?;
        Ok(batch)
    }

    /// The path of a batch file, which need not be there.
    pub(crate) fn batch_path(&self, name: &str) -> Result<PathBuf, Refusal> {
        if !name.ends_with(".toml") {
            return Err(Refusal::bad(format!(
                "{name:?} is no name of a batch file; it has to end in .toml"
            )));
        }
        self.folder.named(name)
    }

    /// Refuses a batch whose images or results would lie elsewhere.
    pub(crate) fn check_folders(&self, batch: &BatchFile) -> Result<(), Refusal> {
        self.folder.check(&batch.raw_dir())?;
        self.folder.check(&batch.output_dir())
    }
}

/// What a server is told.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) base_path: String,
    pub(crate) read_only: bool,
    pub(crate) cache_bytes: u64,
    pub(crate) environment: Environment,
}
