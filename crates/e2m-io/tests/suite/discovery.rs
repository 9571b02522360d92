//! Pairs are found by the names of their files, and what is wrong is said at once.

#![expect(
    clippy::print_stdout,
    reason = "figures for whoever runs it with --nocapture"
)]

use e2m_io::{Discovery, DiscoveryError, MissingReason, Selection, Stain, discover};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

struct Raw(tempfile::TempDir);

impl Raw {
    fn new(files: &[&str]) -> Self {
        let raw = Self(tempfile::tempdir().expect("folder"));
        for file in files {
            let path = raw.dir().join(file);
            if file.ends_with('/') {
                fs::create_dir_all(&path).expect("creates");
                continue;
            }
            fs::create_dir_all(path.parent().expect("a folder")).expect("creates");
            fs::write(path, b"").expect("writes");
        }
        raw
    }

    fn dir(&self) -> PathBuf {
        self.0.path().join("raw")
    }

    fn all(&self) -> Result<Discovery, DiscoveryError> {
        discover(&self.dir(), &Selection::All, &Selection::All)
    }

    fn named(&self, samples: &[&str], dyes: &[&str]) -> Discovery {
        let named =
            |names: &[&str]| Selection::Named(names.iter().map(|&n| n.to_owned()).collect());
        discover(&self.dir(), &named(samples), &named(dyes)).expect("a usable layout")
    }
}

/// `sample/dye` of every pair.
fn pairs(discovery: &Discovery) -> Vec<String> {
    discovery
        .pairs
        .iter()
        .map(|p| format!("{}/{}", p.sample, p.dye))
        .collect()
}

fn messages(discovery: &Discovery) -> Vec<String> {
    discovery.missing.iter().map(ToString::to_string).collect()
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|n| n.to_str()).expect("a name")
}

#[test]
fn complete_pairs_are_found_in_order() {
    let raw = Raw::new(&[
        "B/B_PreStain_DAPI.tif",
        "B/B_PostStain_DAPI.TIFF",
        "A/A_pre_SybrGld.tif",
        "A/A_post_SybrGld.Tif",
        "A/x prestain 10x_DAPI.tif",
        "A/x poststain 10x_DAPI.tif",
        "A/._A_pre_DAPI.tif",
        "A/.DS_Store",
        "A/notes.txt",
        ".hidden/H_pre_DAPI.tif",
        "docs/readme.txt",
    ]);
    let found = raw.all().expect("finds");
    assert_eq!(pairs(&found), ["A/DAPI", "A/SybrGld", "B/DAPI"]);
    assert!(found.missing.is_empty(), "{:?}", found.missing);
    assert_eq!(found.notes.len(), 1, "{:?}", found.notes);
    assert_eq!(name(&found.pairs[0].pre), "x prestain 10x_DAPI.tif");
    assert_eq!(name(&found.pairs[2].post), "B_PostStain_DAPI.TIFF");
    assert_eq!(
        pairs(&raw.named(&["B", "A", "B"], &["DAPI"])),
        ["B/DAPI", "A/DAPI"]
    );
    assert_eq!(
        pairs(&raw.named(&["A"], &["SybrGld", "DAPI"])),
        ["A/SybrGld", "A/DAPI"]
    );
}

#[test]
fn everything_missing_is_reported_at_once() {
    let raw = Raw::new(&[
        "CD070/CD070_PreStain_DAPI.tif",
        "CD070/CD070_PostStain_DAPI.tif",
        "CD070/CD070_PostStain_SybrGld.tif",
        "CD063/CD063_PreStain_DAPI.tif",
        "CD063/CD063_PreStain2_DAPI.tif",
        "CD063/CD063_PostStain_DAPI.tif",
        "CD063/CD063_Cy5.tif",
        "CD063/nodye.tif",
    ]);
    let found = raw.all().expect("finds");
    assert_eq!(pairs(&found), ["CD070/DAPI"]);
    let reasons: Vec<_> = found.missing.iter().map(|m| &m.reason).collect();
    assert!(matches!(reasons[0], MissingReason::UnclearStain { files } if files.len() == 1));
    assert!(
        matches!(reasons[1], MissingReason::Duplicate { stain: Stain::Pre, files } if files.len() == 2)
    );
    assert!(matches!(
        reasons[2],
        MissingReason::NoImage {
            stain: Stain::Pre,
            ..
        }
    ));
    let messages = messages(&found);
    assert!(
        messages[1].contains("CD063_PreStain_DAPI.tif")
            && messages[1].contains("CD063_PreStain2_DAPI.tif"),
        "{messages:?}"
    );
    assert!(
        messages[2].contains("CD070_PostStain_SybrGld.tif"),
        "{messages:?}"
    );
    assert!(
        found
            .notes
            .iter()
            .any(|note| note.to_string().contains("nodye.tif"))
    );
}

#[test]
fn misspelt_names_get_the_nearest_one() {
    let raw = Raw::new(&[
        "CD070/a_pre_SybrGld.tif",
        "CD070/a_post_SybrGld.tif",
        "CD070/a_pre_DAPI.tif",
        "CD070/a_post_DAPI.tif",
    ]);
    let found = raw.named(
        &["CD07", "CD070"],
        &["SybrGold", "Sybr_Gld", "some_DAPI", "dapi", "Zzz"],
    );
    let messages = messages(&found);
    assert!(pairs(&found).is_empty());
    assert_eq!(messages.len(), 6);
    assert!(
        messages[0].contains("\"CD07\"") && messages[0].contains("did you mean \"CD070\"?"),
        "{}",
        messages[0]
    );
    assert!(
        messages[1].ends_with("did you mean \"SybrGld\"?"),
        "{}",
        messages[1]
    );
    assert!(
        messages[2].contains("holds no underscore")
            && messages[2].ends_with("did you mean \"SybrGld\"?"),
        "{}",
        messages[2]
    );
    assert!(
        messages[3].contains("holds no underscore")
            && messages[3].ends_with("did you mean \"DAPI\"?"),
        "{}",
        messages[3]
    );
    assert!(
        messages[4].ends_with("did you mean \"DAPI\"?"),
        "{}",
        messages[4]
    );
    assert!(
        messages[5].contains("its dyes are DAPI, SybrGld") && !messages[5].contains("did you mean"),
        "{}",
        messages[5]
    );
}

#[test]
fn wrong_layouts_are_told_apart() {
    let error = |files: &[&str]| Raw::new(files).all().expect_err("no task").to_string();
    let raw = Raw::new(&[]);
    let missing = raw.all().expect_err("missing");
    assert!(matches!(missing, DiscoveryError::Missing { .. }));
    assert!(missing.to_string().contains("does not exist"), "{missing}");
    fs::write(raw.dir(), b"").expect("writes");
    assert!(
        raw.all()
            .expect_err("a file")
            .to_string()
            .contains("is a file, not a folder")
    );
    fs::remove_file(raw.dir()).expect("removes");
    fs::create_dir(raw.dir()).expect("creates");
    let empty = raw.all().expect_err("empty").to_string();
    assert!(empty.contains("is empty"), "{empty}");
    for (files, says) in [
        (
            &["S_pre_DAPI.tif", "S_post_DAPI.tif"][..],
            "2 image files such as",
        ),
        (
            &["S_pre_DAPI.tif", "S/notes.txt"],
            "beside a folder without images",
        ),
        (&["S/", "T/"], "none of the 2 folders"),
        (
            &["S/S_pre_DAPI.ims", "S/S_post_DAPI.ims", "S/x.txt"],
            "only files of type .ims, .txt",
        ),
        (
            &["S/DAPI/S_pre_DAPI.tif"],
            "1 image file lies deeper, such as",
        ),
        (
            &[
                "2024/CD070/CD070_pre_DAPI.tif",
                "2024/CD070/CD070_post_DAPI.tif",
            ],
            "if \"CD070\" is a sample, set raw_dir to",
        ),
        (
            &["raw_pre_DAPI.tif", "raw_post_DAPI.tif"],
            "if \"raw\" is the sample, raw_dir is the folder above it",
        ),
        (&["notes.txt"], "neither sample folders nor image files"),
    ] {
        let message = error(files);
        assert!(message.contains(says), "{message}");
        assert!(
            message.contains("CD070/CD070_PreStain_DAPI.tif"),
            "{message}"
        );
    }
}

#[test]
fn loose_tiffs_beside_good_samples_are_noted() {
    let raw = Raw::new(&["S/S_pre_DAPI.tif", "S/S_post_DAPI.tif", "overview.tif"]);
    let found = raw.all().expect("finds");
    assert_eq!(pairs(&found), ["S/DAPI"]);
    assert!(found.notes[0].to_string().contains("overview.tif"));
}

#[test]
fn names_that_would_leave_the_output_are_refused() {
    let raw = Raw::new(&[
        "S/S_pre_DAPI.tif",
        "S/S_post_DAPI.tif",
        "S/S_pre_...tif",
        "S/S_post_...tif",
        "b\tc/x_pre_DAPI.tif",
    ]);
    let found = raw.named(&["..", "../raw/S", "S"], &["..", "a/b"]);
    assert!(found.pairs.is_empty());
    assert_eq!(found.missing.len(), 4);
    assert!(
        found
            .missing
            .iter()
            .all(|m| matches!(m.reason, MissingReason::UnsafeName(_))),
        "{:?}",
        found.missing
    );
    let found = raw.all().expect("finds");
    assert_eq!(pairs(&found), ["S/DAPI"]);
    assert_eq!(found.missing.len(), 2, "{:?}", found.missing);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_broken_ones_ignored() {
    let raw = Raw::new(&["S/S_pre_DAPI.tif", "S/S_post_DAPI.tif"]);
    std::os::unix::fs::symlink(raw.dir().join("S"), raw.dir().join("T")).expect("links");
    std::os::unix::fs::symlink("nowhere", raw.dir().join("S/S_pre_Cy5.tif")).expect("links");
    assert_eq!(pairs(&raw.all().expect("finds")), ["S/DAPI", "T/DAPI"]);
}

#[test]
fn ten_thousand_pairs_are_found_quickly() {
    let raw = Raw::new(&["x/"]);
    for sample in 0..1000 {
        let folder = raw.dir().join(format!("S{sample:04}"));
        fs::create_dir_all(&folder).expect("creates");
        for dye in 0..10 {
            for stain in ["PreStain", "PostStain"] {
                fs::write(
                    folder.join(format!("S{sample:04}_{stain}_Dye{dye}.tif")),
                    b"",
                )
                .expect("writes");
            }
        }
    }
    let start = Instant::now();
    let found = raw.all().expect("finds");
    let taken = start.elapsed();
    println!("10,000 pairs in {taken:?}");
    assert_eq!((found.pairs.len(), found.missing.len()), (10_000, 0));
    assert!(taken < Duration::from_secs(5), "{taken:?}");
}

/// The whole sample is missing, with these words.
fn assert_missing(found: &Discovery, sample: &str, words: &[&str]) {
    let missing = found
        .missing
        .iter()
        .find(|missing| missing.sample == sample);
    let text = missing.map(ToString::to_string).unwrap_or_default();
    for word in words {
        assert!(
            text.contains(word),
            "{sample}: {word}: {text:?} of {found:?}"
        );
    }
}

#[test]
fn a_sample_whose_images_lie_deeper_or_are_misnamed_is_missing() {
    let good = ["CD070/CD070_pre_DAPI.tif", "CD070/CD070_post_DAPI.tif"];
    let depths = ["CD063/DAPI", "CD063/2024-03-01/DAPI", "CD063/a/b/c/d"];
    for folder in depths {
        let (pre, post) = (format!("{folder}/pre.tif"), format!("{folder}/x.TIFF"));
        let raw = Raw::new(&[good[0], good[1], &pre, &post, "docs/notes.txt"]);
        for found in [
            raw.all().expect("finds"),
            raw.named(&["CD070", "CD063"], &["DAPI"]),
        ] {
            assert_eq!(pairs(&found), ["CD070/DAPI"]);
            assert_eq!(found.missing.len(), 1);
            let words = [
                "holds no image file; 2 image files lie elsewhere",
                &pre,
                "raw/CD063, with names such as CD063_PostStain_DAPI.tif",
            ];
            assert_missing(&found, "CD063", &words);
        }
        // A folder without any TIFF is no sample, unless somebody says so.
        let notes = raw.all().expect("finds").notes;
        assert!(
            notes[0].to_string().contains("docs holds no images"),
            "{notes:?}"
        );
    }
    let raw = Raw::new(&[good[0], good[1], "CD063/before.tif", "CD063/after.tif"]);
    for found in [raw.all().expect("finds"), raw.named(&["CD063"], &["DAPI"])] {
        let (words, named) = match found.missing[0].dye {
            None => (
                ["have no dye", "after.tif, before.tif"],
                "CD063_PostStain_DAPI.tif",
            ),
            Some(_) => unreachable!("the whole sample"),
        };
        assert_missing(&found, "CD063", &words);
        assert_missing(&found, "CD063", &[named]);
    }
    // One image at its place, the other deeper.
    let raw = Raw::new(&["S/S_pre_DAPI.tif", "S/post/S_post_DAPI.tif"]);
    let found = raw.all().expect("finds");
    assert_missing(
        &found,
        "S",
        &["the post image is missing", "S/post/S_post_DAPI.tif"],
    );
    // A folder that does not exist, and images with its name elsewhere.
    let raw = Raw::new(&[good[0], good[1], "2024/CD063/x.tif", "CD063_post_DAPI.tif"]);
    let found = raw.named(&["CD063"], &["DAPI"]);
    assert_missing(
        &found,
        "CD063",
        &["no such folder", "2 image files lie elsewhere"],
    );
    // What is not asked for, beside a complete sample, is noted.
    let raw = Raw::new(&[good[0], good[1], "CD070/old/CD070_pre_Cy5.tif"]);
    let found = raw.all().expect("finds");
    assert!(found.missing.is_empty());
    let note = found.notes[0].to_string();
    assert!(
        note.contains("old/CD070_pre_Cy5.tif") && note.contains("not used"),
        "{note}"
    );
}

#[test]
fn accents_match_in_either_form() {
    let (nfc, nfd) = ("Gr\u{fc}n", "Gru\u{308}n");
    let forms = [nfc, nfd];
    for (folder, pre, post, asked) in [
        (0, 0, 1, 0),
        (0, 1, 0, 1),
        (1, 0, 0, 0),
        (1, 1, 1, 0),
        (1, 0, 1, 1),
    ] {
        let [folder, pre, post, asked] = [folder, pre, post, asked].map(|form| forms[form]);
        let raw = Raw::new(&[
            &format!("{folder}/{folder}_pre_{pre}.tif"),
            &format!("{folder}/{folder}_post_{post}.tif"),
        ]);
        for found in [raw.all().expect("finds"), raw.named(&[asked], &[asked])] {
            assert_eq!(pairs(&found), [format!("{nfc}/{nfc}")], "{found:?}");
            assert!(found.pairs[0].post.is_file() && found.pairs[0].pre.is_file());
        }
    }
    // Two folders that are one name: neither is taken.
    let raw = Raw::new(&[
        &format!("{nfc}/x_pre_DAPI.tif"),
        &format!("{nfd}/x_post_DAPI.tif"),
        "S/S_pre_DAPI.tif",
        "S/S_post_DAPI.tif",
    ]);
    if fs::read_dir(raw.dir()).expect("lists").count() == 3 {
        let found = raw.all().expect("finds");
        assert_eq!(pairs(&found), ["S/DAPI"]);
        assert_missing(&found, nfc, &["two folders have this name", "rename one"]);
    }
}

#[test]
fn dyes_that_look_alike_are_told() {
    let note = |files: &[&str]| -> Vec<String> {
        let found = Raw::new(files).all().expect("finds");
        found.notes.iter().map(ToString::to_string).collect()
    };
    for other in [
        "dapi",
        "DAPI ",
        "DAPI.ome",
        "Dapi.OME.TIF".trim_end_matches(".TIF"),
    ] {
        // In one sample, pre and post written differently: the file is named.
        let post = format!("S/S_post_{other}.tif");
        let raw = Raw::new(&["S/S_pre_DAPI.tif", &post]);
        let found = raw.all().expect("finds");
        assert!(found.pairs.is_empty());
        let name = format!("is it S_post_{other}.tif? Rename that to end in _DAPI.tif");
        let texts = messages(&found);
        assert!(texts.iter().any(|text| text.contains(&name)), "{texts:?}");
        // From sample to sample: both run, and it is said.
        let files = [
            "A/A_pre_DAPI.tif".to_owned(),
            "A/A_post_DAPI.tif".to_owned(),
            format!("B/B_pre_{other}.tif"),
            format!("B/B_post_{other}.tif"),
        ];
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let notes = note(&files);
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(
            notes[0].contains("are 2 dyes to e2m") && notes[0].contains("rename the files"),
            "{notes:?}"
        );
        // Asked for by the other's name.
        let found = Raw::new(&files).named(&["B"], &["DAPI"]);
        let texts = messages(&found);
        assert!(
            texts[0].contains(&format!("did you mean {other:?}?")),
            "{texts:?}"
        );
    }
    for (dye, ending) in [("DAPI.ome", "ends in .ome"), ("DAPI ", "ends in a space")] {
        let files = [format!("A/A_pre_{dye}.tif"), format!("A/A_post_{dye}.tif")];
        let notes = note(&[&files[0], &files[1]]);
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(notes[0].contains(ending), "{notes:?}");
        assert!(notes[0].contains("to end in _DAPI.tif"), "{notes:?}");
    }
    assert!(
        note(&[
            "A/A_pre_DAPI.tif",
            "A/A_post_DAPI.tif",
            "B/B_pre_Cy5.tif",
            "B/B_post_Cy5.tif"
        ])
        .is_empty()
    );
}

#[test]
fn files_of_makers_and_folders_of_zarr_are_found_by_the_same_names() {
    let files = [
        "S/S_pre_DAPI.czi",
        "S/S_post_DAPI.ND2",
        "S/S_pre_GFP.ome.zarr/0/0.0",
        "S/S_post_GFP.OME.ZARR/.zattrs",
        "S/S_pre_RFP.zarr/.zattrs",
        "S/S_post_RFP.lif",
        "S/zarr/S_post_Cy5.tif",
    ];
    let raw = Raw::new(&files);
    let found = raw.all().expect("found");
    assert_eq!(pairs(&found), ["S/DAPI", "S/GFP", "S/RFP"]);
    assert_eq!(name(&found.pairs[1].pre), "S_pre_GFP.ome.zarr");
    let naming = e2m_io::Naming {
        pattern: Some(
            e2m_io::FilePattern::parse(
                "{sample}/{sample}_{stain}_{dye}.{ext}",
                &e2m_io::StainWords::default(),
            )
            .expect("a pattern"),
        ),
        ..e2m_io::Naming::default()
    };
    let found = e2m_io::discover_named(&raw.dir(), &naming, &Selection::All, &Selection::All);
    assert_eq!(pairs(&found.expect("found")), ["S/DAPI", "S/GFP", "S/RFP"]);
    let guessed = e2m_io::guess_images(&raw.dir(), &e2m_io::StainWords::default()).expect("listed");
    assert_eq!(guessed.len(), 7);
    assert!(
        guessed
            .iter()
            .all(|image| image.dye.is_some() && image.stain.is_some())
    );
}
