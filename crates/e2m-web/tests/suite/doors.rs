//! Who is answered and who is not, and which files are out of reach.

use crate::common::{Lab, Served, files};
use e2m_web::ServeOptions;
use std::os::unix::fs::symlink;

/// Names and values of headers.
fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

/// Method, path, headers, and the status of the answer.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], u16);

#[test]
fn the_address_lets_in_and_leaves_no_token_behind() {
    let served = Lab::with_pairs(&[]).serve();
    let host = format!("127.0.0.1:{}", served.port);
    let with_host = headers(&[("Host", &host)]);
    let entered = served.ask("GET", &format!("/?token={}", served.token), &with_host, "");
    assert_eq!(entered.status, 303);
    assert!(
        entered.head.contains("location: ./\r\n"),
        "{}",
        entered.head
    );
    let cookie = entered
        .head
        .lines()
        .find(|line| line.starts_with("set-cookie: "));
    let cookie = cookie.expect("a cookie");
    assert!(
        cookie.contains("httponly") && cookie.contains("samesite=strict"),
        "{cookie}"
    );
    assert!(cookie.contains(&served.token));
    let wrong = served.ask("GET", "/?token=00", &with_host, "");
    assert!(
        wrong.status == 303 && !wrong.head.contains("set-cookie"),
        "{}",
        wrong.head
    );
    // The page is the same for everybody, and says what it may load.
    let page = served.ask("GET", "/", &with_host, "");
    assert_eq!(page.status, 200);
    assert!(
        page.head
            .contains("content-security-policy: default-src 'none'; script-src 'self'"),
        "{}",
        page.head
    );
    assert!(
        page.head.contains("x-content-type-options: nosniff")
            && page.head.contains("x-frame-options: deny")
    );
    assert_eq!(
        served.ask("GET", "/static/app.js", &with_host, "").status,
        200
    );
    assert_eq!(
        served
            .ask("GET", "/static/../Cargo.toml", &with_host, "")
            .status,
        404
    );
    assert_eq!(served.get("/api/session").status, 200);
}

#[test]
fn who_has_no_token_or_comes_from_elsewhere_is_sent_away() {
    let served = Lab::with_pairs(&[]).serve();
    let (port, cookie) = (served.port, served.cookie());
    let own = format!("127.0.0.1:{port}");
    let origin = format!("http://{own}");
    let bearer = format!("Bearer {}", served.token);
    let json = ("Content-Type", "application/json");
    let body = "{\"batch\": \"nothing.toml\"}";
    let cases: &[Case<'_>] = &[
        ("GET", "/api/session", &[("Host", &own)], 401),
        (
            "GET",
            "/api/session",
            &[("Host", &own), ("Cookie", "e2m_1=x")],
            401,
        ),
        (
            "GET",
            "/api/session",
            &[("Host", &own), ("Authorization", "Bearer x")],
            401,
        ),
        (
            "GET",
            "/api/session",
            &[("Host", &own), ("Authorization", &bearer)],
            200,
        ),
        (
            "GET",
            "/api/session",
            &[("Host", "localhost"), ("Cookie", &cookie)],
            200,
        ),
        // DNS rebinding: the browser asks this server by a name of somebody else.
        (
            "GET",
            "/api/session",
            &[("Host", "evil.example"), ("Cookie", &cookie)],
            421,
        ),
        (
            "GET",
            "/",
            &[("Host", &format!("evil.example:{port}"))],
            421,
        ),
        ("GET", "/", &[("Host", "127.0.0.1.evil.example")], 421),
        ("GET", "/", &[("Host", "192.168.0.7")], 421),
        // Pages of other sites.
        (
            "GET",
            "/api/session",
            &[
                ("Host", &own),
                ("Cookie", &cookie),
                ("Sec-Fetch-Site", "cross-site"),
            ],
            403,
        ),
        (
            "GET",
            "/api/session",
            &[
                ("Host", &own),
                ("Cookie", &cookie),
                ("Sec-Fetch-Site", "same-site"),
            ],
            403,
        ),
        (
            "POST",
            "/api/run",
            &[("Host", &own), ("Cookie", &cookie), json],
            403,
        ),
        (
            "POST",
            "/api/run",
            &[
                ("Host", &own),
                ("Cookie", &cookie),
                json,
                ("Origin", "null"),
            ],
            403,
        ),
        (
            "POST",
            "/api/run",
            &[
                ("Host", &own),
                ("Cookie", &cookie),
                json,
                ("Origin", "http://evil.example"),
            ],
            403,
        ),
        (
            "POST",
            "/api/run",
            &[
                ("Host", &own),
                ("Cookie", &cookie),
                json,
                ("Origin", "http://127.0.0.1:1"),
            ],
            403,
        ),
        // Its own page, and a program with the token: let in, and then there is no such batch.
        (
            "POST",
            "/api/run",
            &[
                ("Host", &own),
                ("Cookie", &cookie),
                json,
                ("Origin", &origin),
            ],
            422,
        ),
        (
            "POST",
            "/api/run",
            &[("Host", &own), ("Authorization", &bearer), json],
            422,
        ),
        // A form of another site can send texts, not JSON.
        (
            "POST",
            "/api/run",
            &[
                ("Host", &own),
                ("Cookie", &cookie),
                ("Content-Type", "text/plain"),
                ("Origin", &origin),
            ],
            415,
        ),
        (
            "POST",
            "/api/session",
            &[
                ("Host", &own),
                ("Cookie", &cookie),
                json,
                ("Origin", &origin),
            ],
            405,
        ),
        (
            "DELETE",
            "/api/run",
            &[("Host", &own), ("Cookie", &cookie), ("Origin", &origin)],
            405,
        ),
        (
            "GET",
            "/api/run/abort",
            &[("Host", &own), ("Cookie", &cookie)],
            405,
        ),
        (
            "GET",
            "/api/none",
            &[("Host", &own), ("Cookie", &cookie)],
            404,
        ),
        ("GET", "/none", &[("Host", &own), ("Cookie", &cookie)], 404),
    ];
    for (method, path, given, status) in cases {
        let sent = if *method == "POST" { body } else { "" };
        let answer = served.ask(method, path, &headers(given), sent);
        assert_eq!(
            answer.status,
            *status,
            "{method} {path} {given:?}: {}",
            answer.text()
        );
        if path.starts_with("/api") && *status >= 400 {
            assert!(
                answer.error().len() > 20,
                "{method} {path}: {}",
                answer.text()
            );
        }
    }
}

#[test]
fn requests_that_make_no_sense_are_answered_and_the_server_goes_on() {
    let lab = Lab::with_pairs(&[]);
    let served = lab.serve();
    let bad_batches = [
        "",
        "..%2Fbatch.toml",
        "%2Fetc%2Fpasswd",
        "a%00b.toml",
        "batch.txt",
        "%ff.toml",
        "out%2F..%2F..%2Fx.toml",
        "none.toml",
    ];
    for name in bad_batches {
        for path in [
            "batch",
            "check",
            "task",
            "view",
            "catalogue",
            "tile",
            "range",
            "values",
            "cutout",
            "picture",
        ] {
            let answer = served.get(&format!("/api/{path}?batch={name}&sample=a&dye=b"));
            assert!(
                (400..500).contains(&answer.status),
                "{path} {name}: {} {}",
                answer.status,
                answer.text()
            );
            assert!(!answer.error().is_empty());
        }
    }
    for query in [
        "",
        "?batch",
        "?batch=batch.toml",
        "?batch=batch.toml&sample=a&dye=b&image=post&level=x",
        "?level=-1",
    ] {
        let answer = served.get(&format!("/api/tile{query}"));
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
    }
    for body in [
        "",
        "x",
        "[]",
        "{}",
        "{\"batch\": 1}",
        "{\"batch\": \"batch.toml\", \"other\": 1}",
        "{\"batch\": \"../x.toml\"}",
    ] {
        let answer = served.post("/api/run", body);
        assert!(
            (400..500).contains(&answer.status),
            "{body}: {}",
            answer.text()
        );
    }
    let long = format!("{{\"batch\": \"{}\"}}", "x".repeat(5 << 20));
    assert_eq!(served.post("/api/run", &long).status, 413);
    for bytes in [
        &b"\r\n\r\n"[..],
        b"GET",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"POST /api/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
    ] {
        let mut closed = bytes.to_vec();
        if !closed.ends_with(b"\r\n\r\n") {
            closed.extend_from_slice(b"\r\n\r\n");
        }
        let answer = served.raw_and_no_more(&closed);
        assert!(
            answer.status == 0 || answer.status >= 400,
            "{}",
            answer.head
        );
    }
    let long_address = format!("/api/batch?batch={}", "x".repeat(1 << 20));
    assert!(served.get(&long_address).status != 200);
    assert_eq!(served.get("/api/session").status, 200);
}

#[test]
fn links_and_batch_files_that_lead_out_of_the_folder_are_refused() {
    let inside = Lab::with_pairs(&[("a", "DAPI")]);
    let outside = Lab::with_pairs(&[("secret", "DAPI")]);
    let served = inside.serve();
    let (out, raw) = (outside.path("out"), outside.path("raw"));
    inside.write(
        "elsewhere.toml",
        &format!("raw_dir = \"{}\"\noutput_dir = \"out\"\n", raw.display()),
    );
    inside.write("above.toml", "raw_dir = \"raw\"\noutput_dir = \"../out\"\n");
    inside.write(
        "written.toml",
        &format!("raw_dir = \"raw\"\noutput_dir = \"{}\"\n", out.display()),
    );
    symlink(&raw, inside.path("link")).expect("linked");
    inside.write("linked.toml", "raw_dir = \"link\"\noutput_dir = \"out\"\n");
    symlink(outside.path("batch.toml"), inside.path("file.toml")).expect("linked");
    for name in ["elsewhere", "above", "written", "linked", "file"] {
        let answer = served.get(&format!("/api/check?batch={name}.toml"));
        assert_eq!(answer.status, 403, "{name}: {}", answer.text());
        assert!(answer.error().contains("--also"), "{}", answer.error());
        let started = served.post("/api/run", &format!("{{\"batch\": \"{name}.toml\"}}"));
        assert_eq!(started.status, 403, "{name}: {}", started.text());
    }
    assert!(!out.exists());
    // A single image that lies elsewhere.
    let own = inside.path("raw/a/a_PostStain_DAPI.tif");
    let posts = files(&inside.path("raw"));
    let post = posts
        .iter()
        .map(|(path, _)| path)
        .find(|path| path.to_string_lossy().contains("Post"))
        .unwrap_or(&own);
    let away = outside.path("away.tif");
    std::fs::rename(post, &away).expect("moved");
    symlink(&away, post).expect("linked");
    let started = served.post("/api/run", "{\"batch\": \"batch.toml\"}");
    assert_eq!(started.status, 403, "{}", started.text());
    // The same with the other folder named.
    let options = ServeOptions {
        also: vec![outside.folder.path().to_owned()],
        ..ServeOptions::new(inside.folder.path())
    };
    let both = Served::new(&options);
    assert_eq!(both.get("/api/check?batch=elsewhere.toml").status, 200);
    assert_eq!(both.get("/api/check?batch=batch.toml").status, 200);
}

#[test]
fn a_server_that_only_shows_changes_nothing_and_a_path_before_all_others_may_be_there_or_not() {
    let lab = Lab::with_pairs(&[("a", "DAPI")]);
    let options = ServeOptions {
        read_only: true,
        base_path: "/node/n1".into(),
        ..ServeOptions::new(lab.folder.path())
    };
    let served = Served::new(&options);
    for path in ["/node/n1/api", "/api"] {
        let session = served.get(&format!("{path}/session"));
        assert_eq!(session.json()["read_only"], true, "{path}");
        let refused = served.post(&format!("{path}/run"), "{\"batch\": \"batch.toml\"}");
        assert_eq!(refused.status, 403, "{path}");
        assert!(refused.error().contains("--read-only"));
    }
    for path in ["/node/n1/", "/", "/node/n1/static/app.js"] {
        assert_eq!(served.get(path).status, 200, "{path}");
    }
    let entered = served.get(&format!("/node/n1/?token={}", served.token));
    assert!(entered.head.contains("path=/node/n1/"), "{}", entered.head);
    assert_eq!(served.get("/node/n1").status, 308);
    assert_eq!(served.get("/api/batch?batch=batch.toml").status, 200);
    assert!(!lab.path("out").exists());
}
