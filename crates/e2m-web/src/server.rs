//! A server: bound to an address, then run until it is told to end.

use crate::assets;
use crate::folder::Folder;
use crate::guard::{Names, guard};
use crate::session::Token;
use crate::state::{App, Setting};
use crate::{api, error::Refusal};
use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use e2m_batch::{Environment, Interrupt};
use futures_util::future::{Either, select};
use std::io;
use std::net::{TcpListener, ToSocketAddrs as _};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;

/// Threads that answer; none of them computes.
const THREADS: usize = 2;
/// Threads that work at the same time, at all desks together.
const WORKING_THREADS: usize = 64;
/// Whether the server is to end is looked for so often.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Answers that are on their way have so long when the server ends.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a server serves, to whom, and where.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The folder: batch files, raw images and results lie in it.
    pub folder: PathBuf,
    /// Further folders that its batches may use.
    pub also: Vec<PathBuf>,
    /// The name or address to listen on, for other machines to ask; none for this machine alone.
    pub host: Option<String>,
    /// The port; 0 for one that is free.
    pub port: u16,
    /// Before every path, such as `/node/n1/8000`, for a proxy that does not take it away; empty for none.
    pub base_path: String,
    /// Further names by which a proxy asks.
    pub allow_hosts: Vec<String>,
    /// Whether nothing may be changed or run.
    pub read_only: bool,
    /// Overviews of images are kept up to so many bytes.
    pub cache_bytes: u64,
}

impl ServeOptions {
    /// For this machine alone, on a port that is free.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            also: Vec::new(),
            host: None,
            port: 0,
            base_path: String::new(),
            allow_hosts: Vec::new(),
            read_only: false,
            cache_bytes: 512 << 20,
        }
    }
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A folder cannot be served.
    #[error("{} cannot be served: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A base path that is none.
    #[error("{0:?} is no base path; it must be like /node/n1/8000")]
    BasePath(String),
    /// The address cannot be listened on.
    #[error(
        "{address} cannot be listened on: {source}; name another port with --port, or leave it out for one that is free"
    )]
    Address {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The system lacks something.
    #[error("the server cannot begin: {0}")]
    System(String),
}

/// A server that listens; nobody is answered before [`Server::run`].
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    app: Arc<App>,
    host: Option<String>,
    port: u16,
}

impl Server {
    /// Listens. Tasks are run in what `environment` says.
    ///
    /// # Errors
    /// A folder that cannot be read, a port that is taken.
    pub fn bind(options: &ServeOptions, environment: Environment) -> Result<Self, ServeError> {
        let folder = Folder::open(&options.folder, &options.also)
            .map_err(|(path, source)| ServeError::Folder { path, source })?;
        let base_path = base_path(&options.base_path)?;
        let host = options.host.as_deref().unwrap_or("127.0.0.1");
        let failed = |source| ServeError::Address {
            address: format!("{host}:{}", options.port),
            source,
        };
        let addresses: Vec<_> = (host, options.port)
            .to_socket_addrs()
            .map_err(failed)?
            .collect();
        let listener = TcpListener::bind(&*addresses).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let system = |error: &dyn std::fmt::Display| ServeError::System(error.to_string());
        let token = Token::new(port, &base_path).map_err(|error| system(&error))?;
        let names = Names::new(options.host.as_deref(), &options.allow_hosts);
        let setting = Setting {
            base_path,
            read_only: options.read_only,
            cache_bytes: options.cache_bytes,
            environment,
        };
        Ok(Self {
            listener,
            app: Arc::new(App::new(folder, names, token, setting)),
            host: options.host.clone(),
            port,
        })
    }

    /// The address with the token, which lets in whoever has it.
    pub fn address(&self) -> String {
        let host = match self.host.as_deref() {
            None => "127.0.0.1".to_owned(),
            Some(host) if host.contains(':') => format!("[{host}]"),
            Some(host) => host.to_owned(),
        };
        let (port, path) = (self.port, &self.app.base_path);
        format!(
            "http://{host}:{port}{path}/?token={}",
            self.app.token.text()
        )
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The token.
    pub fn token(&self) -> &str {
        self.app.token.text()
    }

    /// Answers until `interrupt` is raised. A batch that runs then is stopped after the rows at hand; the answer says whether one was.
    ///
    /// # Errors
    /// What the system says.
    pub fn run(self, interrupt: &Interrupt) -> Result<bool, ServeError> {
        let system = |error: io::Error| ServeError::System(error.to_string());
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .max_blocking_threads(WORKING_THREADS)
            .thread_name("serve")
            .enable_io()
            .enable_time()
            .build()
            .map_err(system)?;
        self.listener.set_nonblocking(true).map_err(system)?;
        let app = Arc::clone(&self.app);
        let stopped = runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            let routes = router(Arc::clone(&app));
            let ended = ended(interrupt.clone(), Arc::clone(&app));
            let server = axum::serve(listener, routes).with_graceful_shutdown(ended);
            let patience = async {
                while !app.ending.is_raised() {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                tokio::time::sleep(PATIENCE).await;
            };
            match select(pin!(server.into_future()), pin!(patience)).await {
                Either::Left((served, _)) => served?,
                Either::Right(_) => {}
            }
            let stopped = app.runs.stop();
            while app.runs.is_running() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Ok::<_, io::Error>(stopped)
        });
        runtime.shutdown_background();
        stopped.map_err(system)
    }
}

/// Resolves when the server is to end, and stops what runs.
async fn ended(interrupt: Interrupt, app: Arc<App>) {
    while !interrupt.is_raised() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    app.ending.raise();
}

/// All addresses.
pub(crate) fn router(app: Arc<App>) -> Router {
    let own = Router::new()
        .route("/", get(assets::page))
        .route("/static/{*name}", get(assets::part))
        .nest("/api", api::routes())
        .fallback(nowhere);
    let routes = if app.base_path.is_empty() {
        own
    } else {
        // A proxy may ask with the path or without its end.
        Router::new()
            .route(&app.base_path, get(to_page))
            .nest(&format!("{}/", app.base_path), own.clone())
            .fallback_service(own.with_state::<()>(Arc::clone(&app)))
    };
    routes
        .layer(from_fn_with_state(Arc::clone(&app), guard))
        .with_state(app)
}

async fn to_page(State(app): State<Arc<App>>) -> Response {
    Redirect::permanent(&format!("{}/", app.base_path)).into_response()
}

async fn nowhere() -> Refusal {
    Refusal::nothing(
        "there is nothing at this address; the page is at the address that `e2m serve` printed",
    )
}

/// A path with a slash before it and none behind it.
fn base_path(given: &str) -> Result<String, ServeError> {
    let path = given.trim_matches('/');
    if path.is_empty() {
        return Ok(String::new());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    let parts = path.split('/');
    if !path.chars().all(plain)
        || parts
            .into_iter()
            .any(|part| matches!(part, "" | "." | ".."))
    {
        return Err(ServeError::BasePath(given.to_owned()));
    }
    Ok(format!("/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_has_a_slash_before_it_and_none_behind_it() {
        for (given, path) in [
            ("", ""),
            ("/", ""),
            ("a", "/a"),
            ("/node/n1/8000/", "/node/n1/8000"),
        ] {
            assert_eq!(base_path(given).expect("a path"), path);
        }
        for bad in ["/a//b", "/a/../b", "/a b", "/a?b", "/{x}", "/a;b"] {
            assert!(base_path(bad).is_err(), "{bad}");
        }
    }
}
