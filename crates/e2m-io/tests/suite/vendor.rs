//! Files of microscopes' makers and OME-Zarr: what is read of them is what readers of other people find, and what cannot be read is
//! refused in words that name the cause.
//!
//! With `E2M_TEST_WRITE_DOCS=1` the tables in docs/raw-files.md are written instead of compared.

use crate::kinds::{Outcome, compare_docs, kinds, outcome, outcomes, table};
use e2m_io::{ChannelRequest, FileIdentity, PageRequest, RawFormat, RawImage, TiffProblem, survey};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- These tables are written by `E2M_TEST_WRITE_DOCS=1 cargo nextest run --workspace -E 'test(vendor::)'`. -->\n";
const END: &str = "<!-- End of these tables. -->\n";

/// All files in a folder of their own, and their list; nothing where the tests' Python is missing.
fn written() -> Option<(tempfile::TempDir, String)> {
    let folder = tempfile::tempdir().expect("folder");
    crate::common::python("write_vendor.py", &[folder.path()])?;
    let list = fs::read_to_string(folder.path().join("list.tsv")).expect("list.tsv");
    Some((folder, list))
}

#[test]
fn every_kind_is_read_rightly_or_refused_as_the_docs_say() {
    let Some((folder, list)) = written() else {
        return;
    };
    let list = kinds(&list);
    assert!(list.len() > 90, "only {} files", list.len());
    for kind in &list {
        let is_read = outcome(folder.path(), kind) == Outcome::Read;
        assert_eq!(is_read, kind.right.is_some(), "{}", kind.file);
    }
    let outcomes = outcomes(folder.path(), &list);
    let mut tables = String::new();
    for (group, title) in [
        (
            "CZI",
            "CZI, against pylibCZIrw (JPEG: against libjpeg-turbo).",
        ),
        ("ND2", "ND2, against nd2."),
        ("LIF", "LIF, against readlif, which reads no floats."),
        ("OME-Zarr 0.4", "OME-Zarr 0.4, against zarr."),
        ("OME-Zarr 0.5", "OME-Zarr 0.5, against zarr."),
        ("contents", "What files hold."),
    ] {
        let _ = write!(tables, "{title}\n\n{}\n", table(&list, group, &outcomes));
    }
    compare_docs((BEGIN, END), &tables);
}

#[test]
fn headers_tell_what_a_file_holds() {
    let Some((folder, _)) = written() else {
        return;
    };
    let open = |name: &str, page: &str, channel: &str| {
        let page = PageRequest::from_word(page).expect("a page");
        let channel = ChannelRequest::from_word(channel).expect("a channel");
        RawImage::open_page(&folder.path().join(name), &page, &channel)
    };
    let about = |name: &str| open(name, "auto", "auto").expect("opens").info().clone();
    let czi = about("channels.czi");
    assert_eq!((czi.format, czi.pages), (RawFormat::Czi, 6));
    assert_eq!(
        czi.others,
        ["channel 2 (Cy3)", "planes 2 to 3", "times 2 to 2"]
    );
    assert_eq!(czi.coding.as_deref(), Some("Zstandard"));
    let scenes = about("scenes.czi");
    assert_eq!((scenes.pages, scenes.others.len()), (2, 1));
    assert_eq!(about("channels2.nd2").others[0], "channel 2 (Cy3)");
    let lif = about("images.lif");
    assert_eq!((lif.format, lif.pages), (RawFormat::Lif, 7));
    assert_eq!(
        lif.others.last().map(String::as_str),
        Some("page 7 (project/Series B)")
    );
    let zarr = about("five0.5.ome.zarr");
    assert_eq!((zarr.format, zarr.pages), (RawFormat::OmeZarr, 4));
    assert_eq!(zarr.others[..2], ["channel 2 (Cy3)", "channel 3 (Cy5)"]);
    // What somebody has chosen is no other.
    let chosen = open("channels.czi", "2", "Cy3").expect("opens");
    assert!(chosen.info().others.is_empty());
    assert_eq!((chosen.info().page, chosen.info().sample), (2, 2));
    let said = |page, channel| {
        open("channels.czi", page, channel)
            .expect_err("no")
            .to_string()
    };
    assert!(said("7", "auto").contains("6 pages, 1 to 6"));
    assert!(said("auto", "GFP").contains("the channels DAPI, Cy3"));
    // A survey looks at a crop, and the hash and identity of a folder are those of all in it.
    let path = folder.path().join("five0.4.ome.zarr");
    let found = survey(&path, 20).expect("surveyed");
    assert!(found.channels[0].max > 0.0 && found.crop.width == 20);
    let image = RawImage::open(&path).expect("opens");
    let hash = image.content_hash().expect("hash");
    assert_eq!(
        image.identity().expect("known"),
        FileIdentity::of(&path).expect("known")
    );
    fs::write(path.join("note"), "x").expect("written");
    assert_ne!(image.content_hash().expect("hash"), hash);
}

/// Opens and reads all of a file.
fn read(path: &Path) -> Result<(), e2m_io::RawError> {
    let image = RawImage::open(path)?;
    let choice = image.choose_alone()?;
    image.load_plane(&choice).map(|_| ())
}

#[test]
fn files_that_are_cut_say_so() {
    let Some((folder, _)) = written() else {
        return;
    };
    for name in ["mosaic.czi", "channels2.nd2", "channels0.nd2", "images.lif"] {
        let path = folder.path().join(name);
        let whole = fs::read(&path).expect("read");
        read(&path).unwrap_or_else(|error| panic!("{error}"));
        for share in [0, 1, 3, 10, 30, 50, 70, 90, 99] {
            fs::write(&path, &whole[..whole.len() * share / 100]).expect("written");
            // ND2 are found again without their list of chunks, and LIF by their beginning: the first plane may be whole.
            let Err(error) = read(&path) else {
                let others = RawImage::open(&path).expect("opens").info().others.clone();
                assert!(
                    others.iter().any(|other| other.contains("copied in part")),
                    "{name} at {share} %: {others:?}"
                );
                continue;
            };
            let said = error.to_string();
            assert!(said.contains(name), "{said}");
            assert!(
                matches!(
                    error.problem,
                    TiffProblem::Damaged { .. }
                        | TiffProblem::Truncated { .. }
                        | TiffProblem::NotTiff { .. }
                        | TiffProblem::Read(_)
                ),
                "{said}"
            );
        }
    }
    let path = folder.path().join("five0.5.ome.zarr");
    fs::write(path.join("0/zarr.json"), "{").expect("written");
    assert!(read(&path).is_err());
}

#[test]
fn what_lies_beside_a_file_is_not_read_as_the_file() {
    let folder = tempfile::tempdir().expect("folder");
    for (name, words) in [
        ("a.vsi", ".ets files"),
        ("b.mrxs", "MIRAX"),
        ("c.xlef", "LAS X"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, b"II*\0\x08\0\0\0").expect("written");
        let said = RawImage::open(&path).expect_err("refused").to_string();
        assert!(said.contains(words), "{said}");
    }
    let said = RawImage::open(folder.path())
        .expect_err("a folder")
        .to_string();
    assert!(said.contains("directory"), "{said}");
}
