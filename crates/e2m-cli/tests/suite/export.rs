//! `e2m export`: what is written, what is left alone, and what is said of what cannot be.

use crate::common::{Bench, quick};
use insta::assert_snapshot;
use serde_json::Value;
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
    // Both pyramids of an image are two channels.
    let both = [
        "export",
        "batch.toml",
        "--pyramid",
        "both",
        "--image",
        "post,difference",
    ];
    let both = bench.run(&both);
    assert_eq!(both.code, 0, "{}", both.err);
    assert!(both.out.contains("; post, difference)"), "{}", both.out);
    let names = ["post", "difference", "difference (zoomed out: maximum)"];
    assert_eq!(channels(&bench), names);
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
fn a_tiff_that_was_cut_off_is_passed_over_and_that_is_said() {
    let bench = finished();
    let tiff = bench.path("out/a/DAPI/tiff/04_difference_difference_pad60.tiff");
    let bytes = fs::read(&tiff).expect("read");
    fs::write(&tiff, &bytes[..bytes.len() - 100]).expect("written");
    let run = bench.run(&["export", "batch.toml", "--image", "difference"]);
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    assert_snapshot!(
        "export_from_the_other_format",
        run.err
            .replace(&bytes.len().to_string(), "BYTES")
            .replace(&(bytes.len() - 100).to_string(), "FEWER")
    );
}

/// The problems and remarks of `e2m verify`, and its exit code.
fn verified(bench: &Bench) -> (i32, Value) {
    let run = bench.run(&["verify", "batch.toml", "--json"]);
    let document: Value = serde_json::from_str(&run.out).expect("JSON");
    (run.code, document["tasks"][0].clone())
}

#[test]
fn exports_are_on_record_and_verified() {
    let zarr = ["--format", "ome-zarr", "--zarr-version", "0.5"];
    for format in [&["--format", "ome-tiff"][..], &zarr] {
        let bench = finished();
        let export = || bench.run(&[&["export", "batch.toml"][..], format].concat());
        assert_eq!(export().code, 0);
        let (code, task) = verified(&bench);
        assert_eq!(code, 0, "{task:#}");
        assert_eq!(
            task["exports"],
            serde_json::json!({"on_record": 1, "right": 1})
        );
        let read = task["bytes_read"].as_u64().expect("bytes");
        let files = bench.files("out/export");
        let largest = files
            .iter()
            .max_by_key(|(_, (bytes, _))| bytes.len())
            .expect("a file");
        let (name, (bytes, _)) = largest;
        assert!(read > bytes.len() as u64);
        // A flipped bit in a tile, then a file that is too short.
        let damaged = bench.path("out/export").join(name);
        let mut other = bytes.clone();
        other[bytes.len() / 3] ^= 1;
        fs::write(&damaged, &other).expect("written");
        let (code, task) = verified(&bench);
        assert_eq!((code, &task["problems"][0]["kind"]), (1, &"export".into()));
        assert_eq!(task["problems"][0]["severity"], "damaged");
        assert_eq!(task["result"], "1 damaged");
        fs::write(&damaged, &bytes[..bytes.len() - 9]).expect("written");
        let (code, task) = verified(&bench);
        assert_eq!((code, &task["result"]), (1, &"1 damaged".into()));
        assert_eq!(
            bench
                .run(&[&["export", "batch.toml", "--overwrite"][..], format].concat())
                .code,
            0
        );
        assert_eq!(verified(&bench).0, 0);
        // A record that was lost is made again from what is there.
        fs::remove_file(bench.path("out/a/DAPI/e2m_exports.json")).expect("removed");
        assert_eq!(verified(&bench).1["exports"], Value::Null);
        let again = export();
        assert!(again.out.contains("a/DAPI: up to date "), "{}", again.out);
        assert_eq!(verified(&bench).1["exports"]["right"], 1);
        bench.assert_tidy();
        // Results that are made anew: the export shows older ones.
        bench.pair(&quick(9), "a", "DAPI");
        let run = bench.run_batch();
        assert_eq!(run.code, 0, "{}{}", run.err, run.out);
        let (code, task) = verified(&bench);
        assert_eq!((code, &task["result"]), (1, &"1 outdated".into()));
        let said = bench.run(&["verify", "batch.toml"]).out;
        assert!(
            said.contains("it was exported from older results: post has been made anew since"),
            "{said}"
        );
        assert!(
            said.contains("what to do: run `e2m export batch.toml` with the same channels"),
            "{said}"
        );
        assert_eq!(export().code, 0);
        assert_eq!(verified(&bench).0, 0);
        // Whoever does not need it any more removes it.
        let export_dir = bench.path("out/export");
        fs::remove_dir_all(export_dir).expect("removed");
        let (code, task) = verified(&bench);
        assert_eq!(
            (code, task["remarks"].as_array().map(Vec::len)),
            (0, Some(1))
        );
    }
}

#[test]
fn one_format_replaces_another_version_of_itself() {
    let bench = finished();
    let zarr = ["export", "batch.toml", "--format", "ome-zarr"];
    let run = bench.run(&zarr);
    assert_eq!(run.code, 0, "{}", run.err);
    let folder = "out/export/a_DAPI_pad60.ome.zarr";
    assert!(
        run.out
            .contains(&format!("a/DAPI: wrote FOLDER/{folder} (")),
        "{}",
        run.out
    );
    assert!(bench.path(folder).join(".zattrs").is_file());
    let other = [&zarr[..], &["--zarr-version", "0.5"]].concat();
    let run = bench.run(&other);
    assert!(run.out.contains("a/DAPI: wrote "), "{}", run.out);
    assert!(bench.path(folder).join("zarr.json").is_file());
    assert!(!bench.path(folder).join(".zattrs").exists());
    let run = bench.run(&other);
    assert!(run.out.contains("a/DAPI: up to date "), "{}", run.out);
    assert_eq!(verified(&bench).1["exports"]["on_record"], 1);
    let run = bench.run(&["export", "batch.toml", "--zarr-version", "0.5"]);
    assert_eq!(run.code, 2);
    assert_snapshot!("export_version_of_no_zarr", run.err);
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
    let output = Command::new(&python)
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
    // The other format has the same pixels at every level.
    for version in ["0.4", "0.5"] {
        let run = bench.run(&[
            "export",
            "batch.toml",
            "--format",
            "ome-zarr",
            "--zarr-version",
            version,
        ]);
        assert_eq!(run.code, 0, "{}{}", run.err, run.out);
        let script = "\
import glob, numpy, tifffile, zarr
[tiff] = glob.glob('out/export/*.ome.tif')
[folder] = glob.glob('out/export/*.ome.zarr')
group = zarr.open_group(folder, mode='r')
with tifffile.TiffFile(tiff) as file:
    for index, level in enumerate(file.series[0].levels):
        numpy.testing.assert_array_equal(group[str(index)][:], level.asarray())
print('read')
";
        let output = Command::new(&python)
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
}
