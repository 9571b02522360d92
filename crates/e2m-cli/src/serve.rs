//! `e2m serve`: the web app, until Ctrl-C.

use crate::exit::Exit;
use crate::serve_args::ServeArgs;
use crate::signals;
use crate::terminal::Terminal;
use e2m_batch::{Environment, Interrupt};
use e2m_web::Server;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Serves until somebody ends it.
pub(crate) fn run(args: &ServeArgs, environment: &Environment, terminal: &Terminal) -> Exit {
    let options = args.options();
    let server = match Server::bind(&options, environment.clone()) {
        Ok(server) => server,
        Err(error) => {
            terminal.error(&error.to_string());
            return Exit::BadInput;
        }
    };
    let address = server.address();
    let interrupt = Interrupt::default();
    signals::listen_saying(
        &interrupt,
        terminal,
        "ending; a batch that runs stops after the rows at hand. Ctrl-C again stops at once",
    );
    if let Some(host) = &options.host {
        terminal.warn(&format!(
            "every machine that reaches {host} may ask this server, and who knows the token below may do what you may do in the folder. \
             The connection is not encrypted; `ssh -L` is"
        ));
    }
    terminal.result(&address);
    terminal.say("open this address in a browser; Ctrl-C ends the server");
    let page = (!args.no_browser && options.host.is_none())
        .then(|| browse(&address, server.port(), environment))
        .flatten();
    let ended = server.run(&interrupt);
    if let Some(page) = page {
        // It holds a token that opens nothing any more.
        let _ = std::fs::remove_file(page);
    }
    match ended {
        Ok(true) => Exit::Interrupted,
        Ok(false) => Exit::Complete,
        Err(error) => {
            terminal.error(&error.to_string());
            Exit::TaskFailed
        }
    }
}

/// Opens the address in the user's browser, where there is one. Everybody on the machine sees the arguments of a program, so the
/// browser is given a page that only this user may read, and that page has the address. Answers with where the page is.
fn browse(address: &str, port: u16, environment: &Environment) -> Option<PathBuf> {
    let opener = opener(environment)?;
    let folder = environment
        .get("XDG_RUNTIME_DIR")
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let path = folder.join(format!("e2m-serve-{port}-{}.html", std::process::id()));
    let page = format!(
        "<!doctype html><meta charset=\"utf-8\"><title>e2m</title><meta http-equiv=\"refresh\" content=\"0;url={address}\">\
         <a href=\"{address}\">e2m</a>\n"
    );
    let mut create = OpenOptions::new();
    let file = create.write(true).create_new(true).mode(0o600).open(&path);
    file.and_then(|mut file| file.write_all(page.as_bytes()))
        .ok()?;
    let started = Command::new(opener)
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        Ok(mut child) => {
            // Waited for beside the server, so that it does not stay as a zombie.
            std::thread::spawn(move || child.wait());
        }
        Err(error) => tracing::info!(%error, opener, "no browser was opened"),
    }
    Some(path)
}

/// The program that opens what it is given in the user's browser; none where there is no screen.
fn opener(environment: &Environment) -> Option<&'static str> {
    if cfg!(target_os = "macos") {
        return Some("open");
    }
    let screen = ["DISPLAY", "WAYLAND_DISPLAY"];
    screen
        .iter()
        .any(|name| environment.get(name).is_some())
        .then_some("xdg-open")
}
