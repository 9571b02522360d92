//! Requests that are drawn at random, at every address: none brings the server down, none is a fault of it, none leads out of the
//! folder, and each is answered in time.

use crate::common::{Lab, Served, files, task};
use e2m_web::ServeOptions;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

/// Requests in all, and of a sample of them.
const REQUESTS: u64 = 2400;
const SAMPLE: usize = 500;
/// An answer has so long, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(20);
/// What lies outside.
const SECRET: &str = "nobody-may-read-this-4711";

/// Numbers by a seed, and what is drawn by them.
struct Random(e2m_testing::Random);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0.bits() as u8
    }

    fn below(&mut self, end: usize) -> usize {
        self.0.below(end)
    }

    /// One in so many.
    fn once_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }

    fn of<'t>(&mut self, list: &[&'t str]) -> &'t str {
        list[self.below(list.len())]
    }
}

/// Every address of the API, as the program has it: one that is added is drawn as well.
fn addresses() -> Vec<String> {
    let text = include_str!("../../src/api/mod.rs");
    let routes = text.split(".route(\"").skip(1);
    let routes = routes.filter_map(|rest| rest.split('"').next());
    routes.map(|route| format!("/api{route}")).collect()
}

/// Parameters with values that make sense; the first is drawn more often than all others, so that many requests get far.
const PARAMETERS: &[(&str, &[&str])] = &[
    ("batch", &["batch.toml", "other.toml", "link/batch.toml"]),
    ("sample", &["a", "b"]),
    ("dye", &["DAPI", "Cy3"]),
    ("variant", &["", "e2m_task_pad60.json"]),
    (
        "image",
        &[
            "post",
            "pre",
            "aligned_pre",
            "difference",
            "mask",
            "significance",
        ],
    ),
    ("images", &["post,difference", "post", "mask,mask,mask"]),
    ("level", &["0", "1", "2"]),
    ("x", &["0", "1", "300"]),
    ("y", &["0", "1", "300"]),
    ("low", &["0", "-5.5"]),
    ("high", &["100", "4e3"]),
    ("knee", &["2.5"]),
    ("palette", &["grey", "green", "diverging", "flags"]),
    ("blur", &["0", "1.5", "50"]),
    ("width", &["60", "1"]),
    ("height", &["60", "1"]),
    ("stretch", &["percentile", "asinh"]),
    ("line", &["object 1"]),
    (
        "path",
        &["raw", "raw/a", "pipeline_output/02_registration_pad60.png"],
    ),
    ("stain", &["post", "pre"]),
    ("samples", &["a", "a,b", ","]),
    ("dyes", &["DAPI"]),
    ("since", &["0", "5"]),
    ("token", &["0000"]),
];

/// Values that make none, as they stand in an address.
const NONSENSE: &[&str] = &[
    "",
    ".",
    "..",
    "..%2Fsecret.toml",
    "..%2F..%2F..%2F..%2Fetc%2Fpasswd",
    "%2Fetc%2Fpasswd",
    "link",
    "link%2Fsecret.toml",
    "link%2F..%2F..%2Fsecret.toml",
    "raw%2F..%2Flink%2Fsecret.toml",
    "C:%5Cwindows",
    "a%00b.toml",
    "%ff%fe.toml",
    "%",
    "%zz",
    "-1",
    "-0",
    "1e308",
    "-1e999",
    "NaN",
    "inf",
    "0x10",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "null",
    "%5B%5D",
    "%7B%7D",
    "%F0%9F%98%80",
    "%C3%BC",
    "a%0D%0Ab:c",
    "x;y",
    "<script>",
    "%27%22",
    "*",
];

fn address(random: &mut Random, addresses: &[String]) -> String {
    let mut path = match random.below(12) {
        0 => format!("/{}", random.of(NONSENSE)),
        1 => format!("/static/{}", random.of(NONSENSE)),
        2 => format!("/api/{}", random.of(NONSENSE)),
        3 => format!("{}/", addresses[random.below(addresses.len())]),
        _ => addresses[random.below(addresses.len())].clone(),
    };
    let mut parameters = Vec::new();
    for (name, values) in PARAMETERS {
        // Most that an address needs, so that some get far.
        if random.once_in(40) {
            continue;
        }
        let value = if random.once_in(50) {
            random.of(NONSENSE)
        } else {
            let first = !random.once_in(6);
            if first { values[0] } else { random.of(values) }
        };
        parameters.push(format!("{name}={value}"));
        if random.once_in(150) {
            parameters.push(format!("{name}={}", random.of(NONSENSE)));
        }
    }
    if random.once_in(30) {
        parameters.push(format!("batch={}", "x".repeat(1 << random.below(17))));
    }
    if !random.once_in(15) {
        path += &format!("?{}", parameters.join("&"));
    }
    // What has a space in it is another request.
    path.replace([' ', '\r', '\n'], "+")
}

/// Bodies that make sense somewhere.
const BODIES: &[&str] = &[
    r#"{"batch": "batch.toml"}"#,
    r#"{"batch": "batch.toml", "samples": ["a"], "dyes": ["DAPI"], "force": false}"#,
    r#"{"batch": "batch.toml", "sample": "a", "dye": "DAPI", "changes": [{"id": 1, "opinion": "reject"}]}"#,
    r#"{"batch": "batch.toml", "sample": "a", "dye": "DAPI", "task": {"opinion": "accept"}}"#,
    r#"{"batch": "new.toml", "text": "raw_dir = \"raw\"\noutput_dir = \"out\"\n"}"#,
    r#"{"batch": "new.toml", "text": "raw_dir = \"link\"\noutput_dir = \"link/out\"\n", "was": null}"#,
    r#"{"batch": "new.toml", "text": "raw_dir = \"raw\"\noutput_dir = \"../out\"\n", "was": null}"#,
    r#"{"batch": "../secret.toml", "text": "raw_dir = \"raw\"\noutput_dir = \"out\"\n", "was": null}"#,
    r#"{"batch": "link/secret.toml", "text": "raw_dir = \"raw\"\noutput_dir = \"out\"\n", "was": null}"#,
    r#"{"text": "raw_dir = 'raw'\n[params]\npad = 3 # px\n", "changes": [{"section": "params", "key": "pad", "value": "5"}]}"#,
    r#"{"text": "a = [[[[", "changes": []}"#,
    "[]",
    "null",
    "",
];

fn body(random: &mut Random) -> Vec<u8> {
    let mut bytes = random.of(BODIES).as_bytes().to_vec();
    match random.below(8) {
        0 => bytes = "[".repeat(1 << random.below(16)).into_bytes(),
        1 => bytes.truncate(random.below(bytes.len() + 1)),
        2 => bytes.iter_mut().for_each(|byte| *byte = random.byte()),
        3 | 4 if !bytes.is_empty() => {
            for _ in 0..=random.below(4) {
                let place = random.below(bytes.len());
                bytes[place] = random.byte();
            }
        }
        _ => {}
    }
    bytes
}

/// A request, and whether it is one that a server may wait for more of.
fn request(seed: u64, served: &Served, addresses: &[String]) -> (Vec<u8>, bool) {
    let random = &mut Random(e2m_testing::Random::new(seed));
    let path = address(random, addresses);
    let method = random.of(&[
        "GET", "GET", "GET", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "get", "X",
    ]);
    let own = format!("127.0.0.1:{}", served.port);
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    let mut add = |line: String| head += &format!("{line}\r\n");
    match random.below(20) {
        0 => add("Host: evil.example".into()),
        1 => {}
        2 => add(format!("Host: {own}\r\nHost: {own}")),
        _ => add(format!("Host: {own}")),
    }
    match random.below(20) {
        0 => {}
        1 => add("Cookie: ;;;=;e2m_=".into()),
        2 => add(format!("Authorization: Bearer {}", served.token)),
        3 => add(format!("Authorization: {}", random.of(NONSENSE))),
        _ => add(format!("Cookie: a=b; {}", served.cookie())),
    }
    match random.below(12) {
        0 => add("Origin: http://evil.example".into()),
        1 => {}
        _ => add(format!("Origin: http://{own}")),
    }
    if random.once_in(10) {
        add(format!(
            "{}: {}",
            random.of(&[
                "Accept",
                "Range",
                "X-Forwarded-Host",
                "If-None-Match",
                "Sec-Fetch-Site",
                "Expect"
            ]),
            random.of(NONSENSE)
        ));
    }
    let body = if method == "GET" || method == "HEAD" {
        Vec::new()
    } else {
        body(random)
    };
    match random.below(12) {
        0 => {}
        1 => add("Content-Type: text/plain".into()),
        _ => add("Content-Type: application/json".into()),
    }
    let mut is_whole = true;
    if !body.is_empty() {
        match random.below(20) {
            0 => {
                is_whole = false;
                add("Content-Length: 99999999999999999999".into());
            }
            1 => {
                is_whole = false;
                add("Transfer-Encoding: chunked".into());
            }
            _ => add(format!("Content-Length: {}", body.len())),
        }
    }
    add("Connection: close\r\n".into());
    let mut bytes = head.into_bytes();
    bytes.extend(body);
    if random.once_in(25) && bytes.len() > 20 {
        is_whole = false;
        let place = random.below(bytes.len());
        bytes[place] = random.byte();
    }
    (bytes, is_whole)
}

#[test]
fn requests_at_random_are_answered_in_time_from_the_folder_alone_and_the_server_goes_on() {
    let lab = Lab::with_pairs(&[("a", "DAPI")]);
    // The folder that is served has others beside and above it.
    let (inner, outer) = (lab.path("inner"), lab.path("outer"));
    for folder in [&inner, &outer] {
        std::fs::create_dir(folder).expect("made");
    }
    for name in ["raw", "batch.toml"] {
        std::fs::rename(lab.path(name), inner.join(name)).expect("moved");
    }
    let secret = format!("# {SECRET}\nraw_dir = \"raw\"\noutput_dir = \"out\"\n");
    for name in ["secret.toml", "outer/secret.toml", "outer/batch.toml"] {
        lab.write(name, &secret);
    }
    symlink(&outer, inner.join("link")).expect("linked");
    let beside = || {
        let all = files(lab.folder.path()).into_iter();
        let beside = all.filter(|(path, _)| !path.starts_with(&inner));
        beside.collect::<Vec<_>>()
    };
    let before = beside();
    let served = Served::new(&ServeOptions::new(&inner));
    let started = served.post("/api/run", "{\"batch\": \"batch.toml\"}");
    assert_eq!(started.status, 200, "{}", started.text());
    served.until("/api/run", |run| run["run"]["ending"].is_string());
    let addresses = addresses();
    assert!(addresses.len() > 20 && addresses.contains(&"/api/tile".to_owned()));
    let mut good = 0;
    let cases = e2m_testing::sample("requests", 0..REQUESTS, SAMPLE);
    for (count, seed) in cases.iter().enumerate() {
        let (bytes, is_whole) = request(*seed, &served, &addresses);
        let shown = || String::from_utf8_lossy(&bytes[..bytes.len().min(1500)]).into_owned();
        // What goes on for ever is listened to elsewhere.
        if bytes.starts_with(b"GET /api/run/events") {
            continue;
        }
        let began = Instant::now();
        let answer = match is_whole {
            true => served.raw(&bytes),
            false => served.raw_and_no_more(&bytes),
        };
        let took = began.elapsed();
        assert!(took < PATIENCE, "{took:?}, request {seed}: {}", shown());
        assert!(
            answer.status < 500 && (answer.status > 0 || !is_whole),
            "{} {}, request {seed}: {}",
            answer.status,
            answer.text(),
            shown()
        );
        good += usize::from(answer.status == 200);
        let text = format!("{}{}", answer.head, answer.text());
        assert!(!text.contains(SECRET), "request {seed}: {}", shown());
        if count % 100 == 0 {
            assert_eq!(served.get("/api/session").status, 200, "after {seed}");
        }
    }
    // Many got as far as an answer, or nothing was tried.
    assert!(good * 20 > cases.len(), "{good} of {}", cases.len());
    assert_eq!(beside(), before, "written outside");
    let view = served.get(&format!("/api/view?{}", task("a", "DAPI")));
    assert!(view.status == 200 || view.status == 404, "{}", view.text());
    assert_eq!(served.get("/api/session").status, 200);
}
