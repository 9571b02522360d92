//! The arguments of `e2m serve`.

use crate::args::TalkArgs;
use clap::Args;
use e2m_resources::Bytes;
use e2m_web::ServeOptions;
use std::path::PathBuf;

/// `e2m serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Prints an address and opens it in the browser: the batches of a folder are listed, run, watched and looked at there, \
with every image at full resolution. Only this machine is answered, and only who has the address with its token. \
Files outside FOLDER, and --also, are neither read nor written.

From another machine, through SSH:
  ssh -L 8000:localhost:8000 HOST      then on HOST: e2m serve FOLDER --port 8000 --no-browser

Ctrl-C ends the server; a batch that it runs stops after the rows at hand, and what is finished stays.

Exit codes: 0 ended, 2 bad arguments, or a port that is taken, 130 ended while a batch was running.")]
pub(crate) struct ServeArgs {
    /// The folder with batch files, raw images and results
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
    /// Another folder that batches of FOLDER may use; may be given several times
    #[arg(long, value_name = "FOLDER")]
    also: Vec<PathBuf>,
    /// The port; without it one that is free
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 0,
        hide_default_value = true
    )]
    port: u16,
    /// Answer other machines as well, by this name or address of this one; what goes over the network is not encrypted
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// A further name that a proxy asks by; may be given several times
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// What stands before every path, such as /node/n1/8000, for a proxy that leaves it there
    #[arg(
        long,
        value_name = "PATH",
        default_value = "",
        hide_default_value = true
    )]
    base_path: String,
    /// Show, and run and change nothing
    #[arg(long)]
    read_only: bool,
    /// Print the address, and open no browser
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Memory for overviews of images
    #[arg(long, value_name = "SIZE", default_value = "512MB")]
    cache: Bytes,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

impl ServeArgs {
    /// The same without a command line.
    pub(crate) fn options(&self) -> ServeOptions {
        ServeOptions {
            also: self.also.clone(),
            host: self.host.clone(),
            port: self.port,
            base_path: self.base_path.clone(),
            allow_hosts: self.allow_host.clone(),
            read_only: self.read_only,
            cache_bytes: self.cache.0,
            ..ServeOptions::new(&self.folder)
        }
    }
}
