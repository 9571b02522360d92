//! A server on a folder, and requests to it as they go over the wire.

#![allow(dead_code, reason = "each test binary uses its part of this")]

use e2m_batch::{BatchEvent, BatchFile, Environment, Interrupt, Plan, PlanOptions, run};
use e2m_fixtures::{Recipe, write_pair};
use e2m_web::{ServeOptions, Server};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;

/// A folder with pairs and a batch file.
pub(crate) struct Lab {
    pub(crate) folder: TempDir,
}

impl Lab {
    /// One with a pair for each of these tasks, which take a second each.
    pub(crate) fn with_pairs(tasks: &[(&str, &str)]) -> Self {
        Self::of_size(560, 480, tasks)
    }

    /// The same with images of this size.
    pub(crate) fn of_size(width: usize, height: usize, tasks: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (index, (sample, dye)) in tasks.iter().enumerate() {
            let recipe = Recipe {
                width,
                height,
                seed: index as u64 + 3,
                rotation_deg: 3.0,
                gain: 1.4,
                ..Recipe::default()
            };
            let raw = folder.path().join("raw");
            let key = format!("web {recipe:?} {sample} {dye}");
            let made = e2m_testing::made_once(&key, &raw, |raw| {
                write_pair(&recipe, raw, sample, dye)
                    .map(|_| ())
                    .map_err(std::io::Error::other)
            });
            made.expect("a pair");
        }
        let lab = Self { folder };
        lab.write(
            "batch.toml",
            "raw_dir = \"raw\"\noutput_dir = \"out\"\n[params]\npad = 60\n",
        );
        lab
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }

    /// Runs the batch, as a terminal would.
    pub(crate) fn run(&self) {
        let file = BatchFile::read(&self.path("batch.toml")).expect("a batch file");
        let plan = Plan::new(&file, &PlanOptions::default()).expect("a plan");
        let environment = Environment::default();
        run(
            &plan,
            &environment,
            &Interrupt::default(),
            &mut |_: &BatchEvent<'_>| {},
        )
        .expect("a run");
    }

    pub(crate) fn serve(&self) -> Served {
        Served::new(&ServeOptions::new(self.folder.path()))
    }
}

/// A server that runs.
pub(crate) struct Served {
    pub(crate) port: u16,
    pub(crate) token: String,
    interrupt: Interrupt,
    thread: Option<JoinHandle<bool>>,
}

impl Served {
    pub(crate) fn new(options: &ServeOptions) -> Self {
        let server = Server::bind(options, Environment::default()).expect("a server");
        let (port, token) = (server.port(), server.token().to_owned());
        let interrupt = Interrupt::default();
        let raised = interrupt.clone();
        let thread = std::thread::spawn(move || server.run(&raised).expect("it serves"));
        Self {
            port,
            token,
            interrupt,
            thread: Some(thread),
        }
    }

    /// Ends it; whether a batch was running.
    pub(crate) fn end(mut self) -> bool {
        self.interrupt.raise();
        let thread = self.thread.take().expect("it runs");
        thread.join().expect("it ended")
    }

    /// The cookie that the address with the token gives.
    pub(crate) fn cookie(&self) -> String {
        format!("e2m_{}={}", self.port, self.token)
    }

    fn headers(&self) -> Vec<(String, String)> {
        vec![
            ("Host".into(), format!("127.0.0.1:{}", self.port)),
            ("Cookie".into(), self.cookie()),
        ]
    }

    /// What a page of this server asks.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &self.headers(), "")
    }

    /// What a page of this server sends.
    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        let mut headers = self.headers();
        headers.push(("Origin".into(), format!("http://127.0.0.1:{}", self.port)));
        headers.push(("Content-Type".into(), "application/json".into()));
        self.ask("POST", path, &headers, body)
    }

    /// Any request.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: &str,
    ) -> Answer {
        let mut text = format!("{method} {path} HTTP/1.1\r\n");
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            text += &format!("Content-Length: {}\r\n", body.len());
        }
        text += "Connection: close\r\n\r\n";
        self.raw(format!("{text}{body}").as_bytes())
    }

    /// Bytes, and what comes back.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        // A server that has seen enough may close before all is sent.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        Answer::of(&answer)
    }

    /// Bytes that are all there is, and what comes back: the server need not wait for more.
    pub(crate) fn raw_and_no_more(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        Answer::of(&answer)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        let patience = Some(Duration::from_secs(60));
        stream.set_read_timeout(patience).expect("set");
        stream
    }

    /// Begins to listen to the events; each read gives some.
    pub(crate) fn listen(&self) -> TcpStream {
        let mut stream = self.connect();
        let (port, cookie) = (self.port, self.cookie());
        let text = format!(
            "GET /api/run/events HTTP/1.1\r\nHost: localhost:{port}\r\nCookie: {cookie}\r\n\r\n"
        );
        stream.write_all(text.as_bytes()).expect("sent");
        stream
    }

    /// Asks until the answer is as it should be.
    pub(crate) fn until(
        &self,
        path: &str,
        good: impl Fn(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        for _ in 0..1200 {
            let answer = self.get(path).json();
            if good(&answer) {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!(
            "{path} never came to what was waited for: {}",
            self.get(path).text()
        );
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.interrupt.raise();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// 0 where nothing did.
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn of(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = bytes.split_at(end.map_or(bytes.len(), |end| end + 4));
        let head = String::from_utf8_lossy(head).into_owned();
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        Self {
            status: status.unwrap_or(0),
            head: head.to_lowercase(),
            body: body.to_vec(),
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.head, self.text()))
    }

    /// The sentence of a refusal.
    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }
}

/// The parameters of a task in an address.
pub(crate) fn task(sample: &str, dye: &str) -> String {
    format!("batch=batch.toml&sample={sample}&dye={dye}")
}

/// Every file below a folder with its content.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path, entry.metadata().map_or(0, |data| data.len())));
        }
    }
    found.sort();
    found
}
