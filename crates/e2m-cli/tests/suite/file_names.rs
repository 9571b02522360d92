//! `[files]`: raw images whose names do not follow the convention, by a pattern, other words, channels of one file, or a table.

use crate::common::{Bench, quick};
use std::fs;
use std::path::Path;

/// Puts the pair of a recipe under these names below `raw`.
fn pair_as(bench: &Bench, seed: u64, pre: &str, post: &str) {
    bench.pair(&quick(seed), "made", "DAPI");
    for (word, name) in [("Pre", pre), ("Post", post)] {
        let from = bench.path(&format!("raw/made/made_{word}Stain_DAPI.tif"));
        let to = bench.path("raw").join(name);
        fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        fs::rename(from, to).expect("moved");
    }
    fs::remove_dir_all(bench.path("raw/made")).expect("removed");
}

/// Writes the batch file with this `[files]` section.
fn batch(bench: &Bench, files: &str) {
    let path = bench.path("batch.toml");
    let text = fs::read_to_string(&path).expect("a batch file");
    let before = text.split("[files]").next().unwrap_or_default();
    fs::write(
        &path,
        format!("{}\n\n[files]\n{files}\n", before.trim_end()),
    )
    .expect("written");
}

fn difference(bench: &Bench, task: &str) -> bool {
    let folder = bench.path("out").join(task).join("tiff");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .any(|name| name.starts_with("04_difference_difference"))
}

#[test]
fn a_pattern_and_other_words_find_what_the_convention_does_not() {
    let bench = Bench::new();
    pair_as(
        &bench,
        1,
        "2024/S1 unstained-DAPI.tif",
        "2024/S1 stained-DAPI.tif",
    );
    let refused = bench.run(&["batch.toml"]);
    assert_eq!(refused.code, 4, "{}", refused.err);
    batch(
        &bench,
        "pattern = \"*/{sample} {stain}-{dye}.{ext}\"\npre = [\"unstained\"]\npost = [\"stained\"]",
    );
    let run = bench.run(&["batch.toml"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(difference(&bench, "S1/DAPI"));

    // A dye that is not there, a pattern that fits nothing, and one that is none.
    let run = bench.run(&["batch.toml", "--dyes", "DABI"]);
    assert_eq!(run.code, 4);
    assert!(run.err.contains("did you mean \"DAPI\""), "{}", run.err);
    batch(&bench, "pattern = \"{sample}/{stain}_{dye}.{ext}\"");
    let run = bench.run(&["batch.toml"]);
    assert_eq!(run.code, 4);
    assert!(run.err.contains("2 do not, such as"), "{}", run.err);
    batch(&bench, "pattern = \"{sampel}/{stain}_{dye}.{ext}\"");
    let run = bench.run(&["batch.toml"]);
    assert_eq!(run.code, 2);
    assert!(
        run.err.contains("{sampel}") && run.err.contains("line"),
        "{}",
        run.err
    );
}

#[test]
fn words_alone_extend_the_convention() {
    let bench = Bench::new();
    pair_as(&bench, 2, "S1/S1_before_DAPI.tif", "S1/S1_after_DAPI.tif");
    batch(&bench, "pre = [\"before\"]\npost = [\"after\"]");
    let run = bench.run(&["batch.toml", "--to-stage", "1"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(bench.path("out/S1/DAPI").is_dir());
    batch(&bench, "pre = [\"before\"]\npost = [\"Before\"]");
    let run = bench.run(&["batch.toml"]);
    assert_eq!(run.code, 2);
    assert!(
        run.err.contains("stands for pre and for post"),
        "{}",
        run.err
    );
}

/// A file of two pages, each a channel.
fn two_pages(path: &Path, pages: [&Path; 2]) {
    use tiff::decoder::{Decoder, DecodingResult};
    use tiff::encoder::{TiffEncoder, colortype};
    let file = fs::File::create(path).expect("a file");
    let mut encoder = TiffEncoder::new(file).expect("an encoder");
    for page in pages {
        let mut decoder = Decoder::new(fs::File::open(page).expect("a file")).expect("a TIFF");
        let (width, height) = decoder.dimensions().expect("a size");
        match decoder.read_image().expect("pixels") {
            DecodingResult::U8(pixels) => {
                encoder
                    .write_image::<colortype::Gray8>(width, height, &pixels)
                    .expect("written");
            }
            DecodingResult::U16(pixels) => {
                encoder
                    .write_image::<colortype::Gray16>(width, height, &pixels)
                    .expect("written");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A recipe whose images are grey, so that a page is a channel.
fn grey(seed: u64) -> e2m_fixtures::Recipe {
    let mut recipe = quick(seed);
    recipe.channels = e2m_fixtures::Channels::Grey;
    recipe
}

#[test]
fn one_file_may_hold_several_dyes() {
    let bench = Bench::new();
    for (seed, dye) in [(3, "DAPI"), (4, "GFP")] {
        bench.pair(&grey(seed), "made", dye);
    }
    fs::create_dir_all(bench.path("raw/S1")).expect("made");
    for (word, name) in [("Pre", "before"), ("Post", "after")] {
        let page = |dye: &str| bench.path(&format!("raw/made/made_{word}Stain_{dye}.tif"));
        two_pages(
            &bench.path(&format!("raw/S1/{name}.tif")),
            [&page("DAPI"), &page("GFP")],
        );
    }
    fs::rename(bench.path("raw/made"), bench.path("made")).expect("moved");
    batch(
        &bench,
        "pattern = \"{sample}/{stain}.tif\"\npre = [\"before\"]\npost = [\"after\"]\nchannels = { DAPI = 1, GFP = 2 }",
    );
    let run = bench.run(&["batch.toml"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(difference(&bench, "S1/DAPI") && difference(&bench, "S1/GFP"));
    // The second dye is the second page: the same pixels as from a file of its own.
    let padded = |task: &str| {
        let folder = bench.path("out").join(task).join("tiff");
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        let mut names = entries.map(|entry| entry.path());
        let path = names
            .find(|path| path.to_string_lossy().contains("01_padded_post"))
            .expect("padded post");
        let mut reader = e2m_io::CheckpointReader::open(&path).expect("opens");
        reader.verify().expect("whole")
    };
    let by_page = padded("S1/GFP");
    fs::rename(bench.path("made"), bench.path("raw/made")).expect("moved");
    fs::remove_dir_all(bench.path("raw/S1")).expect("removed");
    fs::remove_dir_all(bench.path("out")).expect("removed");
    batch(&bench, "pre = [\"never\"]");
    let run = bench.run(&["batch.toml", "--dyes", "GFP", "--to-stage", "1"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(padded("made/GFP"), by_page);
}

#[test]
fn a_table_is_proposed_corrected_and_used() {
    let bench = Bench::new();
    pair_as(
        &bench,
        5,
        "S1/deep/PreStain_DAPI.tif",
        "S1/deep/image0007.tif",
    );
    batch(&bench, "table = \"files.csv\"");
    let run = bench.run(&["batch.toml"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("e2m init --table"), "{}", run.err);
    let run = bench.run(&["init", "--table"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(
        run.out.contains("0 with both images, 1 with one of them"),
        "{}",
        run.out
    );
    let path = bench.path("files.csv");
    let text = fs::read_to_string(&path).expect("a table");
    let run = bench.run(&["batch.toml"]);
    assert_eq!(run.code, 4);
    assert!(
        run.err.contains("the post image is left empty"),
        "{}",
        run.err
    );
    let corrected = text.replace(
        "PreStain_DAPI.tif,",
        "PreStain_DAPI.tif,raw/S1/deep/image0007.tif",
    );
    fs::write(
        &path,
        corrected
            .replace("pre,post\n", "pre,post,pixel_size_um\n")
            .replace("image0007.tif\n", "image0007.tif,0.5\n"),
    )
    .expect("written");
    let run = bench.run(&["batch.toml"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(difference(&bench, "S1/DAPI"));
    let csv = fs::read_to_string(bench.path("out/e2m_batch.csv")).expect("results");
    assert!(csv.contains("0.5"), "{csv}");
    // Nothing is overwritten.
    let again = bench.run(&["init", "--table"]);
    assert_eq!(again.code, 2);
    assert!(
        again.err.contains("files.csv is there already"),
        "{}",
        again.err
    );
}
