//! Files of 1 MB that were made to take as much as possible: refused, or read within the limits.

use crate::limits::within_limits;
use crate::tiff::{GREY, Packing, Recipe};
use e2m_fuzz::{FileInMemory, ReadOutcome, target};

const MB: usize = 1_000_000;

fn feed(name: &str, target_name: &str, bytes: &[u8]) -> ReadOutcome {
    assert!(bytes.len() <= 1 << 20, "{name} has {} bytes", bytes.len());
    let target = target(target_name).expect("a target");
    within_limits(name, || (target.run)(bytes))
}

/// The raw reader alone, as a run uses it.
fn load(name: &str, bytes: &[u8]) -> ReadOutcome {
    assert!(bytes.len() <= 1 << 20, "{name} has {} bytes", bytes.len());
    let file = FileInMemory::of("CD070_PreStain_DAPI.tif", bytes);
    within_limits(name, || {
        let loaded = e2m_io::RawImage::open(file.path())
            .and_then(|image| image.load_plane(&image.choose_alone()?));
        ReadOutcome::from(loaded.map(|_| ()))
    })
}

fn refused(outcome: &ReadOutcome, why: &str) {
    match outcome {
        ReadOutcome::Refused(error) => assert!(error.contains(why), "{error}"),
        ReadOutcome::Read => panic!("it was read, without a word of {why}"),
    }
}

/// A black image of about so many megapixels, in a file that is filled up to 1 MB: what is behind counts as other bytes do.
fn black(recipe: Recipe, megapixels: usize) -> Vec<u8> {
    let side = recipe.tile.unwrap_or(recipe.rows);
    let recipe = Recipe {
        width: 4096,
        height: (megapixels * MB / 4096).next_multiple_of(side),
        ..recipe
    };
    let mut file = recipe.build_black();
    file.resize(file.len().max(MB), 0);
    file
}

#[test]
fn what_expands_too_far_is_refused_and_what_does_not_is_read() {
    for packing in [Packing::Deflate, Packing::Lzw] {
        for samples in [1, 3] {
            let strips = Recipe {
                samples,
                packing,
                rows: 512,
                ..GREY
            };
            let name = format!("{packing:?}, {samples} samples");
            let outcome = load(&name, &black(strips, 190));
            assert_eq!(outcome, ReadOutcome::Read, "{name}");
            for tile in [None, Some(1024)] {
                let beyond = Recipe { tile, ..strips };
                refused(&load(&name, &black(beyond, 230)), "is blank, or nearly so");
            }
        }
    }
}

#[test]
fn a_jpeg_that_expands_far_is_read_or_refused() {
    for (samples, rows, megapixels) in [
        (1, 64, 60),
        (3, 64, 25),
        (3, 2048, 8),
        (3, 4096, 16),
        (1, 16_000, 65),
    ] {
        let recipe = Recipe {
            samples,
            rows,
            packing: Packing::Jpeg,
            ..GREY
        };
        let file = black(recipe, megapixels);
        let name = format!("JPEG, {samples} samples, {rows} rows, {megapixels} Mpx");
        let outcome = load(&name, &file);
        if rows == 64 {
            assert_eq!(outcome, ReadOutcome::Read, "{name}");
        }
    }
}

/// A little-endian TIFF of these LONG or BYTE tags; all values that do not fit lie where `longer` puts them.
fn with_tags(tags: &[(u16, u16, u32, u32)], rest: &[u8]) -> Vec<u8> {
    let mut file = b"II\x2a\0\x08\0\0\0".to_vec();
    file.extend((tags.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in tags {
        file.extend(tag.to_le_bytes());
        file.extend(kind.to_le_bytes());
        file.extend(count.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.extend([0; 4]);
    file.extend(rest);
    file
}

#[test]
fn strips_and_tiles_over_one_another_are_refused() {
    // 900,000 strips of 1,000 px that all begin with byte 7.
    let rows = 900_000;
    let offsets = vec![7; rows];
    let strips = [
        (256, 4, 1, 1000),
        (257, 4, 1, rows as u32),
        (258, 4, 1, 8),
        (259, 4, 1, 1),
        (262, 4, 1, 1),
        (273, 1, rows as u32, 8 + 2 + 7 * 12 + 4),
        (278, 4, 1, 1),
    ];
    refused(
        &feed("overlapping strips", "tiff", &with_tags(&strips, &offsets)),
        "lie over one another",
    );
    // As many tiles of a single pixel: too small to be refused.
    let tiles = [
        (256, 4, 1, 1000),
        (257, 4, 1, 900),
        (258, 4, 1, 8),
        (259, 4, 1, 1),
        (262, 4, 1, 1),
        (322, 4, 1, 1),
        (323, 4, 1, 1),
        (324, 1, rows as u32, 8 + 2 + 8 * 12 + 4),
    ];
    let outcome = load("tiles of one pixel", &with_tags(&tiles, &offsets));
    assert_eq!(outcome, ReadOutcome::Read);
}

#[test]
fn directories_over_one_another_are_counted_in_time() {
    // Each directory claims to hold 65,535 tags, and its link is the next byte's.
    let tags = [
        (256, 4, 1, 4),
        (257, 4, 1, 4),
        (258, 4, 1, 8),
        (273, 4, 1, 8),
    ];
    let mut file = with_tags(&tags, &vec![0xff; 1 << 20]);
    file.truncate(1 << 20);
    let (start, body) = (100_usize, 65_535 * 12 + 2);
    file[8 + 2 + 4 * 12..][..4].copy_from_slice(&(start as u32).to_le_bytes());
    for page in 0..((1 << 20) - body - start - 4) / 8 {
        let at = start + 8 * page;
        let next = (at as u32 + 8).to_le_bytes();
        file[at + body..][..4].copy_from_slice(&next);
    }
    feed("a chain of directories", "tiff", &file);
}

#[test]
fn a_description_of_very_many_facts_is_read_in_time() {
    let mut json = String::from("{");
    let mut number = 0;
    while json.len() < MB - 1000 {
        number += 1;
        json.push_str(&format!("\"K{number}\":1,"));
    }
    json.push_str("\"END\":1}\0");
    let start = 8 + 2 + 9 * 12 + 4;
    let tags = [
        (256, 4, 1, 1),
        (257, 4, 1, 1),
        (258, 4, 1, 32),
        (259, 4, 1, 1),
        (262, 4, 1, 1),
        (270, 2, json.len() as u32, start),
        (273, 4, 1, 8),
        (278, 4, 1, 1),
        (339, 4, 1, 3),
    ];
    let outcome = feed("many facts", "tiff", &with_tags(&tags, json.as_bytes()));
    assert_eq!(outcome, ReadOutcome::Read);
}

#[test]
fn json_is_read_or_refused_in_time() {
    let nested = ["[", "{\"a\":"].map(|open| open.repeat((MB / open.len()).min(MB)));
    let closed = format!("{}{}", "[".repeat(MB / 2), "]".repeat(MB / 2));
    let digits = format!(
        "{{\"non_default\":{{\"a\":[{}0]}}}}",
        "0,".repeat(MB / 2 - 100)
    );
    let maps = format!(
        "{{\"non_default\":{{\"a\":[{}0]}}}}",
        "{\"\":0},".repeat(MB / 7 - 100)
    );
    let same = format!("{{{}\"a\":0}}", "\"a\":0,".repeat(MB / 6 - 10));
    let string = format!("{{\"version\":\"{}\"}}", "\\u0041".repeat(MB / 6 - 10));
    let number = format!("{{\"schema\":{}}}", "9".repeat(MB - 100));
    let float = format!("{{\"schema\":0.{}e99999999}}", "9".repeat(MB - 100));
    let texts = [
        &nested[0], &nested[1], &closed, &digits, &maps, &same, &string, &number, &float,
    ];
    for text in texts {
        let shown = &text[..20];
        refused(
            &feed(shown, "manifest", text.as_bytes()),
            "e2m_task_pad500.json",
        );
        feed(shown, "worker_protocol", format!("{text}\n").as_bytes());
        let event = format!("{{\"progress\":{{\"id\":1,\"event\":{text}}}}}\n");
        let hello = "{\"hello\":{\"protocol\":1,\"version\":\"0.1.0\"}}\n";
        feed(
            shown,
            "worker_protocol",
            format!("{hello}{event}").as_bytes(),
        );
    }
    feed("empty lines", "worker_protocol", &vec![b'\n'; MB]);
    feed("one line", "worker_protocol", &vec![b'x'; MB]);
}

#[test]
fn toml_is_read_or_refused_in_time() {
    let start = "raw_dir = \"a\"\noutput_dir = \"b\"\n";
    let lines = |line: fn(usize) -> String| {
        let mut text = start.to_owned();
        for number in 0.. {
            let line = line(number);
            if text.len() + line.len() > MB {
                break;
            }
            text.push_str(&line);
        }
        text
    };
    let in_one_line = |item: &str, around: [&str; 2]| {
        let count = MB / (item.len() + 8) - 20;
        let items: Vec<_> = (0..count)
            .map(|n| item.replace('#', &n.to_string()))
            .collect();
        format!("{start}{}{}{}\n", around[0], items.join(","), around[1])
    };
    for (name, text) in [
        ("nested brackets", format!("a = {}", "[".repeat(MB - 10))),
        (
            "nested tables",
            format!("a = {}", "{a=".repeat(MB / 3 - 10)),
        ),
        ("nested keys", format!("{}a = 1", "a.".repeat(MB / 2 - 10))),
        (
            "nested headings",
            format!("[{}a]", "a.".repeat(MB / 2 - 10)),
        ),
        ("closing brackets", "]\n".repeat(MB / 2)),
        ("a long key", format!("{} = 1", "k".repeat(MB - 10))),
        (
            "a long quoted key",
            format!("\"{}\" = 1", "é".repeat(MB / 2 - 10)),
        ),
        (
            "a long string",
            format!("{start}samples = \"{}\"", "x".repeat(MB - 100)),
        ),
        (
            "a long number",
            format!("{start}from_stage = {}", "1".repeat(MB - 100)),
        ),
        (
            "a long float",
            format!("{start}[params]\nscale_min = 0.{}", "1".repeat(MB - 100)),
        ),
        (
            "a quoted float",
            format!(
                "{start}[params]\nscale_min = \"0.9{}\"",
                "0".repeat(MB - 100)
            ),
        ),
        ("unknown keys", lines(|n| format!("k{n} = {n}\n"))),
        ("unknown headings", lines(|n| format!("[k{n}]\n"))),
        ("the same key", lines(|_| "force = true\n".to_owned())),
        ("the same heading", lines(|_| "[params]\n".to_owned())),
        ("lines that are none", lines(|_| "x\n".to_owned())),
        ("words without quotes", lines(|n| format!("k{n} = x\n"))),
        ("unclosed strings", lines(|n| format!("k{n} = \"\n"))),
        (
            "bad overrides",
            lines(|n| format!("[[override]]\nx{n} = 1\n")),
        ),
        ("empty overrides", lines(|_| "[[override]]\n".to_owned())),
        ("comments", lines(|_| "#\n".to_owned())),
        (
            "parameters in one line",
            in_one_line("k#=1", ["params = {", "}"]),
        ),
        (
            "samples in one line",
            in_one_line("\"s#\"", ["samples = [", "]"]),
        ),
        (
            "errors in one line",
            in_one_line("x y", ["samples = [", "]"]),
        ),
        (
            "overrides in one line",
            in_one_line("{a#=1}", ["override = [", "]"]),
        ),
    ] {
        feed(name, "batch_file", text.as_bytes());
    }
}

#[test]
fn suffixes_are_refused_in_time() {
    for text in [
        "_pad5".repeat(MB / 5),
        "_".repeat(MB),
        format!("_pad{}", "9".repeat(MB - 10)),
        format!("_smin0.{}", "9".repeat(MB - 10)),
        format!("_sdl1e-{}", "9".repeat(MB - 10)),
        format!("_cm{}", "é".repeat(MB / 2 - 10)),
    ] {
        let shown: String = text.chars().take(8).collect();
        feed(&shown, "suffix", text.as_bytes());
    }
}
