//! The web app on a large canvas: the first view of an image, and tiles per second, as a browser asks for them.

use crate::Options;
use e2m_fixtures::{Recipe, write_pair};
use e2m_image::Size;
use serde_json::Value;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

/// Requests at a time, as a browser has them.
const AT_A_TIME: usize = 6;
/// A window is so wide and high, px.
const WINDOW: [u64; 2] = [1112, 850];
/// Tiles at full resolution, spread over the canvas.
const TILES: u64 = 200;
const TASK: &str = "batch=batch.toml&sample=bench&dye=DAPI";

/// Makes a pair of each size, runs the program on it, and looks at it; answers with a table.
pub(crate) fn measure(options: &Options) -> Result<String, Box<dyn Error>> {
    let mut text = String::from(
        "| canvas (px) | image | from | first view (s) | overview (s) | tiles per second at full resolution | RSS of the server (MB) |\n|---|---|---|---|---|---|---|\n",
    );
    for size in &options.sizes {
        for checkpoints in ["all", "none"] {
            eprintln!("{size} px, checkpoints = {checkpoints}");
            text += &of_size(options, *size, checkpoints)?;
        }
    }
    Ok(text)
}

fn of_size(options: &Options, size: Size, checkpoints: &str) -> Result<String, Box<dyn Error>> {
    let folder = options.out.join("web");
    let _ = fs::remove_dir_all(&folder);
    let recipe = Recipe::shipped("clean")?.resized(size);
    write_pair(&recipe, &folder.join("raw"), "bench", "DAPI")?;
    let batch = folder.join("batch.toml");
    let text = format!(
        "raw_dir = \"raw\"\noutput_dir = \"processed\"\nsamples = \"all\"\ndyes = \"all\"\ncheckpoints = \"{checkpoints}\"\n"
    );
    fs::write(&batch, text)?;
    let ended = Command::new(&options.e2m)
        .arg("--quiet")
        .arg(&batch)
        .status()?;
    if !matches!(ended.code(), Some(0 | 3)) {
        return Err(format!("{} on {size} px: {ended}", options.e2m.display()).into());
    }
    let mut rows = String::new();
    for image in ["post", "aligned_pre", "difference"] {
        // A server of its own for each: nothing was read yet.
        let server = Server::start(&options.e2m, &folder)?;
        rows += &server.look(image, checkpoints)?;
    }
    fs::remove_dir_all(&folder)?;
    Ok(rows)
}

/// A server that ends with this.
struct Server {
    child: Child,
    port: u16,
    token: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Server {
    fn start(e2m: &Path, folder: &Path) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(e2m)
            .args(["serve", "--no-browser"])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = child.stdout.take().ok_or("no output")?;
        let mut lines = BufReader::new(out).lines().map_while(Result::ok);
        let address = lines.find(|line| line.contains("?token="));
        let address = address.ok_or("the server printed no address")?;
        let (host, token) = address.split_once("/?token=").ok_or("no token")?;
        let (_, port) = host.rsplit_once(':').ok_or("no port")?;
        Ok(Self {
            child,
            port: port.parse()?,
            token: token.trim().to_owned(),
        })
    }

    fn get(&self, path: &str) -> Result<Vec<u8>, Box<dyn Error>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let (port, token) = (self.port, &self.token);
        let text = format!(
            "GET /api/{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(text.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let body = answer.split_off(end.ok_or("no answer")? + 4);
        if !answer.starts_with(b"HTTP/1.1 200") {
            return Err(format!("{path}: {}", String::from_utf8_lossy(&body)).into());
        }
        Ok(body)
    }

    fn json(&self, path: &str) -> Result<Value, Box<dyn Error>> {
        Ok(serde_json::from_slice(&self.get(path)?)?)
    }

    /// Asks for all of these, some at a time; seconds until the last is there.
    fn all(&self, paths: &[String]) -> Result<f64, Box<dyn Error>> {
        let began = Instant::now();
        let next = Mutex::new(paths.iter());
        let failed = Mutex::new(None);
        std::thread::scope(|scope| {
            for _ in 0..AT_A_TIME {
                scope.spawn(|| {
                    loop {
                        let path = next.lock().ok().and_then(|mut next| next.next());
                        let Some(path) = path else {
                            return;
                        };
                        if let (Err(error), Ok(mut failed)) = (self.get(path), failed.lock()) {
                            *failed = Some(error.to_string());
                        }
                    }
                });
            }
        });
        match failed.into_inner()? {
            Some(error) => Err(error.into()),
            None => Ok(began.elapsed().as_secs_f64()),
        }
    }

    fn look(&self, image: &str, checkpoints: &str) -> Result<String, Box<dyn Error>> {
        let began = Instant::now();
        let view = self.json(&format!("view?{TASK}"))?;
        let number = |name: &str| view[name].as_u64().unwrap_or(1);
        let (width, height, side) = (number("width"), number("height"), number("tile_px"));
        let range = self.json(&format!("range?{TASK}&image={image}"))?;
        let (low, high) = (&range["low"], &range["high"]);
        // In a hurry, as the page asks the first time.
        let tile = |level: u32, x: u64, y: u64| {
            format!(
                "tile?{TASK}&image={image}&level={level}&x={x}&y={y}&low={low}&high={high}&quick=true"
            )
        };
        // The level at which the whole canvas fits into the window with no px magnified.
        let fits = |level: &u32| width >> level <= WINDOW[0] && height >> level <= WINDOW[1];
        let level = (0..number("levels") as u32)
            .find(|level| fits(&(level + 1)))
            .unwrap_or(0);
        let (columns, rows) = (
            (width >> level).div_ceil(side),
            (height >> level).div_ceil(side),
        );
        let first: Vec<String> = (0..rows)
            .flat_map(|y| (0..columns).map(move |x| (x, y)))
            .map(|(x, y)| tile(level, x, y))
            .collect();
        self.all(&first)?;
        let first_view = began.elapsed().as_secs_f64();
        let began = Instant::now();
        self.json(&format!("overview?{TASK}&image={image}"))?;
        let overview = began.elapsed().as_secs_f64();
        // A walk over the canvas that comes to no tile twice.
        let (across, down) = (width / side, height / side);
        let count = TILES.min(across * down);
        let places = (0..count).map(|i| (i * 7919 + 13) % (across * down));
        let tiles: Vec<String> = places.map(|at| tile(0, at % across, at / across)).collect();
        let seconds = self.all(&tiles)?;
        let rss = self.rss_megabytes();
        let mut row = String::new();
        writeln!(
            row,
            "| {width} x {height} | {image} | {} | {first_view:.2} | {overview:.2} | {:.0} | {rss:.0} |",
            if checkpoints == "none" {
                "raw"
            } else {
                "checkpoint"
            },
            count as f64 / seconds,
        )?;
        Ok(row)
    }

    /// What the server has held at most.
    fn rss_megabytes(&self) -> f64 {
        let path = format!("/proc/{}/status", self.child.id());
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
        kib.map_or(f64::NAN, |kib| kib * 1024.0 * 1e-6)
    }
}
