//! What a preview says of a task is what the run then does, whatever state its folder is in.

use crate::common::{files_below, task};
use e2m_fixtures::{Recipe, write_pair};
use e2m_image::{BandSink as _, BandSource as _};
use e2m_io::{CheckpointFormat, CheckpointReader, CheckpointWriter, Facts, TaskPaths};
use e2m_pipeline::{
    CheckpointFormats, KeptCheckpoints, Manifest, Params, Stage, Status, TaskSpec, Unobserved,
    preview, run_task,
};
use e2m_testing::sample;
use std::fs;
use std::path::{Path, PathBuf};

const SUFFIX: &str = "_pad50";

/// A finished task, to be copied and brought into a state.
struct Finished {
    work: tempfile::TempDir,
    spec: TaskSpec,
}

impl Finished {
    fn new() -> Self {
        let work = tempfile::tempdir().expect("a folder");
        let recipe = Recipe {
            width: 560,
            height: 480,
            gain: 1.4,
            rotation_deg: 3.0,
            ..Recipe::default()
        };
        let pair = write_pair(&recipe, &work.path().join("raw"), "S1", "DAPI").expect("a pair");
        let params = Params {
            pad: 50,
            ..Params::default()
        };
        let out = work.path().join("original");
        let spec = task(&out, "S1", "DAPI", &pair.post, &pair.pre, params);
        assert_eq!(run_task(&spec, &mut Unobserved).status, Status::Complete);
        Self { work, spec }
    }

    /// The same in a folder of its own, of which a run has seen that it is the same.
    fn copy(&self, name: &str) -> Tree {
        let out = self.work.path().join(name);
        for file in files_below(&self.spec.output_dir) {
            let to = out.join(&file);
            fs::create_dir_all(to.parent().expect("a folder")).expect("made");
            fs::copy(self.spec.output_dir.join(file), to).expect("copied");
        }
        let spec = TaskSpec {
            output_dir: out.clone(),
            ..self.spec.clone()
        };
        let looked_at = run_task(&spec, &mut Unobserved);
        assert_eq!(looked_at.status, Status::Complete);
        assert_eq!(looked_at.stages_done, []);
        let paths = TaskPaths::new(&out, "S1", "DAPI").expect("names");
        Tree { spec, paths }
    }
}

struct Tree {
    spec: TaskSpec,
    paths: TaskPaths,
}

impl Tree {
    fn image(&self, stem: &str) -> PathBuf {
        self.paths
            .checkpoint_path(CheckpointFormat::Tiff, stem, SUFFIX)
    }

    fn remove(&self, stem: &str) {
        fs::remove_file(self.image(stem)).expect("removed");
    }

    fn edit(&self, stem: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.image(stem);
        let mut bytes = fs::read(&path).expect("read");
        change(&mut bytes);
        fs::write(path, bytes).expect("written");
    }

    fn picture(&self, stem: &str) -> PathBuf {
        self.paths.plot_path(stem, SUFFIX)
    }

    fn record(&self, change: impl FnOnce(&mut Manifest)) {
        let path = self.paths.manifest_path(SUFFIX);
        let mut manifest = Manifest::read(&path).expect("a manifest");
        change(&mut manifest);
        manifest.write(&path).expect("written");
    }

    /// Leaves nothing but these images, as the Python program writes them.
    fn make_legacy(&self, stems: &[&str]) {
        for stem in stems {
            let path = self.image(stem);
            let mut reader = CheckpointReader::open(&path).expect("whole");
            let size = reader.size();
            let mut image = ndarray::Array2::zeros(size.shape());
            reader.read_band(0, image.view_mut()).expect("read");
            let (facts, format) = (Facts::new(), CheckpointFormat::Tiff);
            let mut writer =
                CheckpointWriter::create(&path, size, &facts, format, Default::default())
                    .expect("created");
            writer.write_band(image.view()).expect("written");
            writer.finish().expect("finished");
        }
        for name in files_below(self.paths.dir()) {
            if !stems.iter().any(|stem| name.contains(stem)) {
                fs::remove_file(self.paths.dir().join(name)).expect("removed");
            }
        }
    }
}

/// Brings a finished task into a state.
type State = (&'static str, fn(&mut Tree));

const DIFFERENCE: &str = "04_difference_difference";

const STATES: [State; 42] = [
    ("finished", |_| {}),
    ("padded post missing", |t| t.remove("01_padded_post")),
    ("coarse missing", |t| t.remove("02_icp_aligned_pre")),
    ("fine missing", |t| t.remove("03_interior_aligned_pre")),
    ("difference in one format", |t| t.remove(DIFFERENCE)),
    ("first and last missing", |t| {
        t.remove("01_padded_pre");
        t.remove(DIFFERENCE);
    }),
    ("padded cut", |t| {
        t.edit("01_padded_pre", |b| b.truncate(b.len() - 9000));
    }),
    ("coarse cut", |t| {
        t.edit("02_icp_aligned_pre", |b| b.truncate(b.len() - 9000));
    }),
    ("fine touched", |t| {
        t.edit("03_interior_aligned_pre", |_| {});
    }),
    ("difference touched", |t| t.edit(DIFFERENCE, |_| {})),
    ("raw touched", |t| {
        let bytes = fs::read(&t.spec.post).expect("read");
        fs::write(&t.spec.post, bytes).expect("written");
    }),
    ("no manifest", |t| {
        fs::remove_file(t.paths.manifest_path(SUFFIX)).expect("removed");
    }),
    ("failed", |t| {
        t.record(|m| m.status = Status::Error("no space".into()));
    }),
    ("failed, up to stage 2", |t| {
        t.record(|m| m.status = Status::Error("alignment failed".into()));
        t.spec.to_stage = Stage::Coarse;
    }),
    ("suspect", |t| {
        t.record(|m| m.status = Status::Suspect("blurred".into()));
    }),
    ("suspect, up to stage 2", |t| {
        t.record(|m| m.status = Status::Suspect("blurred".into()));
        t.spec.to_stage = Stage::Coarse;
    }),
    ("killed", |t| {
        t.record(|m| m.status = Status::Incomplete("stage 3 of 4 is done".into()));
    }),
    ("other pad", |t| t.spec.params.pad = 57),
    ("another scale", |t| t.spec.params.manual_scale = Some(1.1)),
    ("other limits of stage 3", |t| {
        t.spec.params.interior_max_correction = 400.0;
    }),
    ("without stage 3", |t| t.spec.params.interior_ecc = false),
    ("without stage 3, up to stage 3", |t| {
        t.spec.params.interior_ecc = false;
        t.spec.to_stage = Stage::Fine;
    }),
    ("all intermediates", |t| {
        t.spec.params.save_all_intermediates = true;
    }),
    ("force", |t| t.spec.force = true),
    ("from stage 2", |t| t.spec.from_stage = Stage::Coarse),
    ("from stage 3", |t| t.spec.from_stage = Stage::Fine),
    ("from stage 4", |t| t.spec.from_stage = Stage::Difference),
    ("up to stage 1", |t| t.spec.to_stage = Stage::Pad),
    ("up to stage 3", |t| t.spec.to_stage = Stage::Fine),
    ("as FITS", |t| {
        t.spec.checkpoint_format = CheckpointFormats::Fits;
    }),
    ("in both formats, one missing", |t| {
        t.spec.checkpoint_format = CheckpointFormats::Both;
        t.remove("02_icp_aligned_pre");
    }),
    ("mask missing", |t| t.remove("04_mask")),
    ("no checkpoints", |t| {
        t.spec.checkpoints = KeptCheckpoints::None;
    }),
    ("no checkpoints, coarse missing", |t| {
        t.spec.checkpoints = KeptCheckpoints::None;
        t.remove("02_icp_aligned_pre");
    }),
    ("aligned only, fine missing", |t| {
        t.spec.checkpoints = KeptCheckpoints::Aligned;
        t.remove("03_interior_aligned_pre");
    }),
    ("kept none before", |t| {
        for stem in [
            "01_padded_post",
            "01_padded_pre",
            "02_icp_aligned_pre",
            "03_interior_aligned_pre",
        ] {
            t.remove(stem);
        }
        t.record(|m| {
            m.kept = KeptCheckpoints::None;
            m.checkpoints.retain(|c| c.path.contains("/04_"));
        });
    }),
    ("a picture missing", |t| {
        fs::remove_file(t.picture("registration")).expect("removed");
    }),
    ("a picture unknown", |t| {
        fs::remove_file(t.picture("ratio_histogram")).expect("removed");
        t.record(|m| m.pictures.retain(|p| p.kind != "ratio_histogram"));
    }),
    ("redraw", |t| t.spec.redraw = true),
    ("of the Python program", |t| {
        t.make_legacy(&[
            "01_padded_post",
            "01_padded_pre",
            "02_icp_aligned_pre",
            "03_interior_aligned_pre",
        ]);
    }),
    ("of the Python program, up to stage 2", |t| {
        t.make_legacy(&["01_padded_post", "01_padded_pre", "02_icp_aligned_pre"]);
    }),
    ("of the Python program, from stage 3", |t| {
        t.make_legacy(&[
            "01_padded_post",
            "01_padded_pre",
            "02_icp_aligned_pre",
            "03_interior_aligned_pre",
        ]);
        t.spec.from_stage = Stage::Fine;
    }),
];

fn assert_foretold(name: &str, spec: &TaskSpec) {
    let previewed = preview(spec).expect("it can be looked at");
    let outcome = run_task(spec, &mut Unobserved);
    assert_eq!(
        previewed.to_do(),
        outcome.stages_done,
        "{name}: {previewed:?}"
    );
    if let Some(status) = &previewed.finished {
        assert_eq!(status, &outcome.status, "{name}");
        assert_eq!(previewed.disk_bytes, 0, "{name}");
    } else {
        assert!(previewed.disk_bytes > 0, "{name}");
    }
    // What is forced stays forced; everything else is there now.
    let as_is = TaskSpec {
        force: false,
        redraw: false,
        from_stage: Stage::Pad,
        ..spec.clone()
    };
    if !matches!(outcome.status, Status::Error(_)) {
        let previewed = preview(&as_is).expect("it can be looked at");
        assert_eq!(previewed.to_do(), [], "{name}, after it: {previewed:?}");
    }
}

#[test]
fn what_a_preview_says_is_what_a_run_does() {
    let finished = Finished::new();
    for (name, bring) in sample("states of a task's folder", STATES, 16) {
        let mut tree = finished.copy(name);
        bring(&mut tree);
        assert_foretold(name, &tree.spec);
        remove(&tree.spec.output_dir);
    }
}

fn remove(folder: &Path) {
    fs::remove_dir_all(folder).expect("removed");
}
