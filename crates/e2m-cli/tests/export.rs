//! `e2m export`: what is written, what is left alone, and what is said of what cannot be.

mod common;

use common::{Bench, quick};
use insta::assert_snapshot;
use std::fs;
use std::process::Command;

const FILE: &str = "out/export/a_DAPI_pad60.ome.tif";

/// A batch of one task that has run.
fn finished() -> Bench {
    let bench = Bench::with_pairs(&[("a", "DAPI")]);
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    bench
}

/// The OME-XML of a file, which is text in it.
fn xml(bench: &Bench) -> String {
    let bytes = fs::read(bench.path(FILE)).expect("the file");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let from = text.find("<OME ").expect("OME-XML");
    let to = text.find("</OME>").expect("its end");
    text[from..to].to_owned()
}

/// The channels of a file, by name.
fn channels(bench: &Bench) -> Vec<String> {
    let xml = xml(bench);
    let channels = xml.split("<Channel ").skip(1);
    let name = |channel: &str| {
        let (_, rest) = channel.split_once("Name=\"").expect("a name");
        rest.split('"').next().expect("its end").to_owned()
    };
    channels.map(name).collect()
}

/// The output without what depends on the time and the machine.
fn without_times(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| match line.split_once(" written in ") {
            Some((before, after)) => {
                let rest = after.split_once(',').map_or("", |(_, rest)| rest);
                format!("{before} written in TIME{rest}")
            }
            None => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn all_images_of_a_task_become_one_file_that_is_left_alone_afterwards() {
    let bench = finished();
    let run = bench.run(&["export", "batch.toml"]);
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    assert!(
        run.out.contains(&format!("a/DAPI: wrote FOLDER/{FILE} ("))
            && run
                .out
                .contains("; post, aligned_pre, difference, significance)\n1 file of "),
        "{}",
        run.out
    );
    let usual = [
        "post",
        "aligned pre",
        "difference (zoomed out: maximum)",
        "significance (zoomed out: maximum)",
    ];
    assert_eq!(channels(&bench), usual);
    assert!(xml(&bench).contains("<M K=\"status\">complete</M>"));
    let first = bench.files("out/export");
    let again = bench.run(&["export", "batch.toml"]);
    assert_eq!(again.code, 0, "{}", again.err);
    assert!(again.out.contains("a/DAPI: up to date "), "{}", again.out);
    assert_eq!(bench.files("out/export"), first);
    // The same bytes when it is written again; others when others are asked for.
    let written = bench.run(&["export", "batch.toml", "--overwrite"]);
    assert!(written.out.contains("a/DAPI: wrote "), "{}", written.out);
    let second = bench.files("out/export");
    let bytes = |files: &std::collections::BTreeMap<String, (Vec<u8>, _)>| {
        files
            .values()
            .map(|(bytes, _)| bytes.clone())
            .collect::<Vec<_>>()
    };
    assert!(bytes(&first) == bytes(&second));
    let mean = [
        "export",
        "batch.toml",
        "--pyramid",
        "mean",
        "--image",
        "difference,post",
    ];
    let mean = bench.run(&mean);
    assert_eq!(mean.code, 0, "{}", mean.err);
    assert_eq!(channels(&bench), ["difference", "post"]);
    bench.assert_tidy();
    // Verify and a second run of the batch do not mind it.
    assert_eq!(bench.run(&["verify", "batch.toml"]).code, 0);
    let quiet = bench.run(&["export", "-q", "batch.toml", "--out", "elsewhere"]);
    assert_eq!((quiet.code, &*quiet.out, &*quiet.err), (0, "", ""));
    assert_eq!(bench.names("elsewhere"), ["a_DAPI_pad60.ome.tif"]);
}

#[test]
fn what_is_not_there_is_said_with_what_to_do() {
    let bench = Bench::with_pairs(&[("a", "DAPI")]);
    let said = |arguments: &[&str]| {
        let run = bench.run(arguments);
        assert_eq!(run.code, 1, "{}{}", run.err, run.out);
        run.err
    };
    assert_snapshot!("export_before_a_run", said(&["export", "batch.toml"]));
    bench.batch("checkpoints = \"none\"\n");
    assert_eq!(bench.run_batch().code, 0);
    let post = said(&["export", "batch.toml", "--image", "difference,post"]);
    assert_snapshot!("export_of_what_was_not_kept", post);
    let manual = said(&["export", "batch.toml", "--image", "difference_manual"]);
    assert_snapshot!("export_of_what_is_not_made", manual);
    assert!(!bench.path("out/export").exists());
    // Where nothing is named, what there is will do, and what there is not is said.
    let run = bench.run(&["export", "batch.toml"]);
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    assert_snapshot!("export_of_what_was_kept", run.err);
    assert_eq!(channels(&bench), ["difference (zoomed out: maximum)"]);
    // Only TIFF is gone: the same pixels are there as FITS.
    let tiff = "out/a/DAPI/tiff/04_difference_difference_pad60.tiff";
    fs::remove_file(bench.path(tiff)).expect("removed");
    let from_fits = bench.run(&["export", "batch.toml", "--overwrite"]);
    assert_eq!(from_fits.code, 0, "{}", from_fits.err);
    let fits = "out/a/DAPI/fits/04_difference_difference_pad60.fits";
    fs::remove_file(bench.path(fits)).expect("removed");
    assert_snapshot!(
        "export_of_what_is_gone",
        said(&["export", "batch.toml", "--overwrite"])
    );
}

#[test]
fn damage_is_found_on_the_way_and_leaves_the_file_before_it() {
    let bench = finished();
    assert_eq!(bench.run(&["export", "batch.toml"]).code, 0);
    let before = bench.files("out/export");
    let tiff = bench.path("out/a/DAPI/tiff/03_interior_aligned_pre_pad60.tiff");
    let mut bytes = fs::read(&tiff).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&tiff, bytes).expect("written");
    let run = bench.run(&["export", "batch.toml", "--overwrite"]);
    assert_eq!(run.code, 1, "{}{}", run.err, run.out);
    assert_snapshot!("export_of_damage", run.err);
    assert_eq!(bench.files("out/export"), before);
}

#[test]
fn a_task_that_failed_is_exported_as_what_it_is() {
    let bench = Bench::with_pairs(&[("a", "DAPI"), ("b", "DAPI")]);
    // Pre of another rock.
    let post = fs::read(bench.path("raw/a/a_PostStain_DAPI.tif")).expect("read");
    bench.pair(&quick(71), "a", "DAPI");
    fs::write(bench.path("raw/a/a_PostStain_DAPI.tif"), post).expect("written");
    let failed = bench.run_batch();
    assert_eq!(failed.code, 1, "{}{}", failed.err, failed.out);
    let run = bench.run(&["export", "batch.toml"]);
    assert_eq!(run.code, 1, "{}{}", run.err, run.out);
    assert!(
        run.out.contains("a/DAPI: wrote ") && run.out.contains("b/DAPI: wrote "),
        "{}",
        run.out
    );
    assert!(
        run.err.contains("a/DAPI: error: alignment failed"),
        "{}",
        run.err
    );
    assert!(
        without_times(&run.out).contains("2 files of")
            && run.out.contains("1 of tasks that failed"),
        "{}",
        run.out
    );
    assert!(xml(&bench).contains("<M K=\"status\">error: alignment failed"));
    let only_b = bench.run(&["export", "batch.toml", "--samples", "b"]);
    assert_eq!(only_b.code, 0, "{}", only_b.err);
}

#[test]
fn a_suspect_task_is_exported_and_the_code_says_so() {
    let bench = Bench::new();
    bench.pair(&quick(5), "a", "DAPI");
    // One file given for both.
    let post = fs::read(bench.path("raw/a/a_PostStain_DAPI.tif")).expect("read");
    fs::write(bench.path("raw/a/a_PreStain_DAPI.tif"), post).expect("written");
    let batch = bench.run_batch();
    assert_eq!(batch.code, 5, "{}{}", batch.err, batch.out);
    let run = bench.run(&["export", "batch.toml"]);
    assert_eq!(run.code, 5, "{}{}", run.err, run.out);
    assert!(run.err.contains("a/DAPI: suspect: "), "{}", run.err);
    assert!(xml(&bench).contains("<M K=\"status\">suspect: "));
}

#[test]
fn wrong_arguments_are_refused_with_what_there_is() {
    let bench = Bench::with_pairs(&[("a", "DAPI")]);
    let run = bench.run(&["export", "batch.toml", "--image", "post,diff"]);
    assert_eq!(run.code, 2);
    assert_snapshot!("export_of_no_image", run.err);
    assert_eq!(bench.run(&["export", "none.toml"]).code, 2);
    bench.batch("samples = [\"c\"]\n");
    assert_eq!(bench.run(&["export", "batch.toml"]).code, 4);
}

/// What another program finds in the file is what it finds in the checkpoints.
#[test]
fn tifffile_reads_the_pixels_of_the_checkpoints() {
    let Some(python) = e2m_testing::python() else {
        return;
    };
    let bench = Bench::with_pairs(&[("a", "DAPI")]);
    bench.batch("[params]\npad = 60\npixel_size_um = 0.325\n");
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    let run = bench.run(&["export", "batch.toml"]);
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    let script = "\
import glob, sys, numpy, tifffile
[path] = glob.glob('out/export/*.ome.tif')
stems = ['01_padded_post', '03_interior_aligned_pre', '04_difference_difference', '05_significance']
with tifffile.TiffFile(path) as tiff:
    assert tiff.is_ome
    [series] = tiff.series
    assert series.axes == 'CYX' and len(series.levels) == 2
    for plane, stem in zip(series.asarray(), stems, strict=True):
        [found] = glob.glob(f'out/a/DAPI/tiff/{stem}_pad60*.tiff')
        numpy.testing.assert_array_equal(plane, tifffile.imread(found))
    small = series.levels[1].asarray()[2]
    full = series.asarray()[2]
    height, width = full.shape[0] // 2 * 2, full.shape[1] // 2 * 2
    blocks = full[:height, :width].reshape(height // 2, 2, width // 2, 2)
    numpy.testing.assert_array_equal(small[:height // 2, :width // 2], blocks.max(axis=(1, 3)))
    assert 'PhysicalSizeX=\"0.325\"' in tiff.ome_metadata
print('read')
";
    let output = Command::new(python)
        .args(["-c", script])
        .current_dir(bench.path("."))
        .output()
        .expect("Python");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "read\n",
        "{errors}"
    );
}
