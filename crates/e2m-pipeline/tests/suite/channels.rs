//! Which channel of a pair in colour is taken, and what is said where post and pre are of different kinds.

use crate::common::task;
use e2m_fixtures::{Channels, Recipe, WrittenPair, write_pair};
use e2m_image::PixelType;
use e2m_io::{ChannelRequest, RawImage};
use e2m_pipeline::{
    Manifest, Params, Stage, Status, TaskOutcome, Unobserved, choose_pair, run_task,
};
use std::path::Path;

/// Pairs of each family.
const SEEDS: u64 = 20;

fn small(seed: u64) -> Recipe {
    Recipe {
        width: 520,
        height: 440,
        seed,
        gain: 1.35,
        noise_counts: 1.5,
        ..Recipe::default()
    }
}

/// What is taken of post and of pre, and whether that is doubted.
fn chosen(dir: &Path, recipe: &Recipe) -> (String, String, bool) {
    let pair = write_pair(recipe, dir, "S1", "DAPI").expect("a pair");
    let [post, pre] = [&pair.post, &pair.pre].map(|path| RawImage::open(path).expect("opens"));
    let (choice, doubts) = choose_pair(&post, &pre).expect("reads");
    (
        choice.post.to_string(),
        choice.pre.to_string(),
        !doubts.is_empty(),
    )
}

/// A number from 0 to 1 that follows from a seed.
fn unit(seed: u64, purpose: u64) -> f64 {
    let bits = (seed * 1_000_003 + purpose).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (bits >> 40) as f64 / f64::from(1 << 24)
}

/// Holds a family to its rate: right in 95 %, both images alike in all, doubted in at most 2 %.
fn hold(family: &str, recipe: impl Fn(u64) -> Recipe, right: impl Fn(u64) -> &'static str) {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut rights, mut doubted) = (0, 0);
    for seed in 1..=SEEDS {
        let (post, pre, is_doubted) = chosen(folder.path(), &recipe(seed));
        assert_eq!(post, pre, "{family}, seed {seed}");
        rights += u64::from(post == right(seed));
        doubted += u64::from(is_doubted);
    }
    assert!(
        rights * 100 >= SEEDS * 95,
        "{family}: {rights} of {SEEDS} right"
    );
    assert!(
        doubted * 100 <= SEEDS * 2,
        "{family}: {doubted} of {SEEDS} doubted"
    );
}

fn colour(seed: u64) -> (Channels, &'static str) {
    [
        (Channels::Red, "R"),
        (Channels::Green, "G"),
        (Channels::Blue, "B"),
    ][(seed % 3) as usize]
}

#[test]
fn noise_of_lossy_compression_is_no_signal() {
    let recipe = |seed| Recipe {
        channels: colour(seed).0,
        colour_noise_counts: 0.5 + 4.0 * unit(seed, 1),
        brightness: 0.3 + 0.7 * unit(seed, 2),
        ..small(seed)
    };
    hold("noise", recipe, |seed| colour(seed).1);
}

#[test]
fn what_bleeds_through_is_no_signal() {
    let share = |seed, purpose| 0.05 + 0.35 * unit(seed, purpose);
    let recipe = |seed| Recipe {
        channels: colour(seed).0,
        bleed_through: [share(seed, 1), share(seed, 2)],
        colour_noise_counts: 2.0 * unit(seed, 3),
        post_black: 8.0 * unit(seed, 4).round(),
        pre_black: 8.0 * unit(seed, 4).round(),
        ..small(seed)
    };
    hold("bleed-through", recipe, |seed| colour(seed).1);
}

#[test]
fn grey_is_recognised_however_it_is_stored() {
    let recipe = |seed| Recipe {
        channels: Channels::GreyRgb,
        colour_noise_counts: if seed % 2 == 0 {
            0.0
        } else {
            3.0 * unit(seed, 1)
        },
        ..small(seed)
    };
    hold("grey as RGB", recipe, |_| "grey");
    let recipe = |seed| Recipe {
        channels: Channels::GreyPalette,
        pre_channels: [None, Some(Channels::Grey), Some(Channels::GreyRgb)][(seed % 3) as usize],
        ..small(seed)
    };
    hold("grey palette", recipe, |_| "grey");
}

struct Pair {
    dir: tempfile::TempDir,
    written: WrittenPair,
}

impl Pair {
    fn new(recipe: &Recipe) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let written = write_pair(recipe, &dir.path().join("raw"), "S1", "DAPI").expect("a pair");
        Self { dir, written }
    }

    fn run(&self, change: impl FnOnce(&mut Params)) -> TaskOutcome {
        self.run_to(Stage::Difference, change)
    }

    fn run_to(&self, to_stage: Stage, change: impl FnOnce(&mut Params)) -> TaskOutcome {
        let mut params = Params {
            pad: 20,
            ..Params::default()
        };
        change(&mut params);
        let (out, raw) = (self.dir.path().join("out"), &self.written);
        let mut spec = task(&out, "S1", "DAPI", &raw.post, &raw.pre, params);
        spec.to_stage = to_stage;
        run_task(&spec, &mut Unobserved)
    }
}

fn manifest(outcome: &TaskOutcome) -> &Manifest {
    outcome.manifest.as_deref().expect("a manifest")
}

fn request(word: &str) -> ChannelRequest {
    ChannelRequest::from_word(word).expect("a channel")
}

#[test]
fn the_scale_of_a_pair_in_colour_is_right() {
    let pair = Pair::new(&Recipe {
        channels: Channels::Green,
        bleed_through: [0.2, 0.35],
        colour_noise_counts: 1.0,
        ..small(3)
    });
    let outcome = pair.run(|_| {});
    assert_eq!(outcome.status, Status::Complete);
    let record = manifest(&outcome);
    assert_eq!(
        [&record.inputs.post.channel, &record.inputs.pre.channel],
        ["G"; 2]
    );
    let told = record.inputs.channels().expect("a choice");
    assert!(told.contains("what holds signal in both images"), "{told}");
    let scale = record.scales.moffat.as_ref().expect("a scale").value;
    assert!((scale / 1.35 - 1.0).abs() < 0.01, "{scale}");
    // Nothing is read or made again, and another channel is another task.
    assert!(pair.run(|_| {}).stages_done.is_empty());
    let sum = pair.run_to(Stage::Pad, |params| params.channel = ChannelRequest::Sum);
    assert_eq!(sum.stages_done, [Stage::Pad]);
    let record = manifest(&sum);
    assert_eq!(
        record.inputs.post.dtype,
        PixelType::U16,
        "a sum is not cut off"
    );
    let paths = record.checkpoints.iter().map(|c| &*c.path);
    assert!(
        paths.clone().all(|path| path.contains("_chsum")),
        "{:?}",
        paths.collect::<Vec<_>>()
    );
    // What is asked for of one image alone.
    let apart = pair.run_to(Stage::Pad, |params| {
        params.post_channel = Some(request("luma"));
    });
    let inputs = &manifest(&apart).inputs;
    assert_eq!([&*inputs.post.channel, &*inputs.pre.channel], ["luma", "G"]);
}

#[test]
fn a_channel_that_is_not_there_is_refused() {
    let pair = Pair::new(&small(1));
    for (word, reason) in [
        ("G", "one channel, which is grey"),
        ("2", "one channel, which is grey"),
        ("DAPI", "no names of channels"),
    ] {
        let outcome = pair.run_to(Stage::Pad, |params| params.channel = request(word));
        let status = outcome.status.to_string();
        assert!(
            status.starts_with("error: ") && status.contains(reason),
            "{status}"
        );
    }
    // Its only channel, and the sum of one.
    for word in ["1", "sum", "luma"] {
        let outcome = pair.run_to(Stage::Pad, |params| params.channel = request(word));
        assert_eq!(outcome.status, Status::Complete, "{word}");
    }
}

#[test]
fn images_of_different_kinds_are_doubted() {
    let kinds = [
        (
            Channels::Red,
            Channels::Green,
            "the signal of post is in R and that of pre in G",
        ),
        (Channels::Grey, Channels::Green, "one image is grey"),
    ];
    for (seed, (post, pre, reason)) in (1..).zip(kinds) {
        let pair = Pair::new(&Recipe {
            channels: post,
            pre_channels: Some(pre),
            ..small(seed)
        });
        let outcome = pair.run(|_| {});
        let status = outcome.status.to_string();
        assert!(
            status.starts_with("suspect: ") && status.contains(reason),
            "{status}"
        );
        // Looked at again, it is doubted again.
        assert_eq!(pair.run(|_| {}).status, outcome.status);
    }
    // Whoever says which channel of each, is believed.
    let pair = Pair::new(&Recipe {
        channels: Channels::Red,
        pre_channels: Some(Channels::Green),
        ..small(5)
    });
    let outcome = pair.run(|params| {
        params.post_channel = Some(request("R"));
        params.pre_channel = Some(request("G"));
    });
    assert_eq!(outcome.status, Status::Complete);
    let scale = manifest(&outcome)
        .scales
        .moffat
        .as_ref()
        .expect("a scale")
        .value;
    assert!((scale / 1.35 - 1.0).abs() < 0.01, "{scale}");
}

#[test]
fn images_of_different_bit_depth_are_doubted() {
    let pair = Pair::new(&small(7));
    let deep = Pair::new(&Recipe {
        pixel: PixelType::U16,
        counts_scale: 257.0,
        ..small(7)
    });
    let shallow = Pair::new(&Recipe {
        pixel: PixelType::U16,
        counts_scale: 1.0,
        ..small(7)
    });
    let run = |post: &Pair, pre: &Pair| {
        let mixed = Pair {
            dir: tempfile::tempdir().expect("a folder"),
            written: WrittenPair {
                post: post.written.post.clone(),
                pre: pre.written.pre.clone(),
                truth: post.written.truth.clone(),
            },
        };
        mixed.run(|_| {}).status
    };
    for status in [run(&pair, &deep), run(&deep, &pair)] {
        let text = status.to_string();
        assert!(text.starts_with("suspect: "), "{text}");
        assert!(
            text.contains("full scales differ by a factor of 257"),
            "{text}"
        );
    }
    // Of the same type, the scale tells: as of 12 bit counts.
    let text = run(&deep, &shallow).to_string();
    assert!(text.contains("near 257"), "{text}");
    // 8 bit counts in a file of 16 bit are the same counts.
    assert_eq!(run(&pair, &shallow), Status::Complete);
}

#[test]
fn a_shared_pair_whose_channels_differed_comes_out_right() {
    let Some(folder) = e2m_testing::shared("cases/pairs/channels-differ") else {
        return;
    };
    let raw = |side: &str| {
        let found = std::fs::read_dir(folder.join("raw")).expect("samples");
        let sample = found
            .map(|entry| entry.expect("a sample").path())
            .next()
            .expect("one");
        let files = std::fs::read_dir(sample).expect("files");
        files
            .map(|entry| entry.expect("a file").path())
            .find(|path| path.to_string_lossy().contains(side))
            .expect("the file")
    };
    let out = tempfile::tempdir().expect("a folder");
    let params = Params {
        pad: 20,
        ..Params::default()
    };
    let spec = task(out.path(), "A", "DAPI", &raw("Post"), &raw("Pre"), params);
    let outcome = run_task(&spec, &mut Unobserved);
    let record = manifest(&outcome);
    assert_eq!(
        [&record.inputs.post.channel, &record.inputs.pre.channel],
        ["G"; 2]
    );
    let scale = record.scales.moffat.as_ref().expect("a scale").value;
    assert!(
        (scale / 1.35 - 1.0).abs() < 0.003,
        "{scale}: {}",
        outcome.status
    );
}
