//! Batch files, good and bad.

use super::*;
use insta::assert_snapshot;

const START: &str = "raw_dir = \"raw\"\noutput_dir = \"processed\"\n";

fn read(text: &str) -> Result<BatchFile, Problems> {
    let path = PathBuf::from("/data/batch.toml");
    BatchFile::parse(&path, text).map_err(|list| Problems {
        path,
        text: text.to_owned(),
        list,
    })
}

/// The message about a file that has these lines after its folders.
fn message(rest: &str) -> String {
    read(&format!("{START}{rest}"))
        .expect_err("a bad file")
        .to_string()
}

#[test]
fn the_file_of_the_contract_is_good() {
    let text = r#"
raw_dir = "raw"
output_dir = "/results"
samples = ["CD070", "CD063"]
dyes = ["SybrGld", "DAPI"]
strict_dyes = true
from_stage = 1
to_stage = 4
force = false
checkpoint_format = "tiff"
checkpoint_compression = "none"

[execution]
parallel = false
n_workers = "auto"
threads = "auto"
use_threads = false
timeout_per_task = 1800
memory_limit = "4GB"
retries = 1
memory_debug = false
force_run = false

[resources]
peak_factor = 6.0
memory_gate = "plan"
min_available = "0.5GB"

[params]
pad = 2000

[[override]]
sample = "CD063"
dye = "DAPI"
params = { boundary_width = 20 }

[slurm]
partition = "short"
time = "02:00:00"
max_running = 20
setup = "module load opencv"
"#;
    let batch = read(text).expect("a good file");
    assert_eq!(batch.params, Params::default());
    assert_eq!(
        batch.overrides[0]
            .params
            .over(batch.params.clone())
            .boundary_width,
        20
    );
    assert_eq!(
        (batch.raw_dir(), batch.output_dir()),
        ("/data/raw".into(), "/results".into())
    );
    assert_eq!(batch.slurm.partition.as_deref(), Some("short"));
    let setup = batch.slurm.setup.expect("lines");
    assert_eq!(setup.0, ["module load opencv"]);
}

#[test]
fn everything_wrong_is_reported_at_once() {
    let text = r#"raw_dri = "raw"
output_dir = 5
samples = "CD070"
from_stage = 3
to_stage = 2
pad = 100

[execution]
parallel = "threads"
n_wrokers = 2
memory_limit = 4

[params]
padd = 3
boundary_width = "20"
scale_percentile = 120
coarse_method = "sift"
bw = 3
"#;
    assert_snapshot!(read(text).expect_err("a bad file"));
}

#[test]
fn missing_keys() {
    assert_snapshot!(read("samples = \"all\"\n").expect_err("a bad file"), @r#"
    /data/batch.toml has 2 problems:

      raw_dir is missing; add raw_dir = …, which must be a folder in quotes, such as "raw" or "/data/raw"

      output_dir is missing; add output_dir = …, which must be a folder in quotes, such as "raw" or "/data/raw"
    "#);
}

#[test]
fn syntax_errors() {
    assert_snapshot!(message("samples = [\"a\", \"b\"\n[params]\npad = 3\n"));
    assert_snapshot!(message(
        "checkpoint_format = fits\nforce = True\nforce = true\nforce = true\n"
    ));
}

#[test]
fn a_missing_quote() {
    assert_snapshot!(message("samples = [\"CD070]\n"), @r#"
    /data/batch.toml has a problem:

      line 3, column 19: not valid TOML: a closing quote is missing
        3 | samples = ["CD070]
          |                   ^
    "#);
}

#[test]
fn paths_of_windows_in_double_quotes() {
    let message = |line: &str| read(line).expect_err("a bad file").to_string();
    let hint = "write the path in single quotes, 'C:\\Users\\me\\raw', or with slashes, \"C:/Users/me/raw\"";
    for path in [r"C:\Users\me\raw", r"C:\Users\me\raw\"] {
        let said = message(&format!("output_dir = \"out\"\nraw_dir = \"{path}\"\n"));
        assert!(said.contains(hint), "{said}");
        assert!(said.contains("line 2, column 11: not valid TOML"), "{said}");
        assert!(said.contains("has a problem:"), "{said}");
    }
    // \n and \t are escapes that TOML knows, and no folder has them in its name.
    let said = message("raw_dir = \"C:\\new\\tiffs\"\noutput_dir = \"out\"\n");
    assert!(said.contains("raw_dir is \"C:\\new\\tiffs\""), "{said}");
    assert!(
        said.contains("'C:\\new\\tiffs', or with slashes, \"C:/new/tiffs\""),
        "{said}"
    );
    // Escaped as TOML wants it, and in single quotes.
    for good in [r#""C:\\Users\\me""#, r"'C:\Users\me'"] {
        let batch = read(&format!("raw_dir = {good}\noutput_dir = \"out\"\n")).expect("good");
        assert_eq!(batch.general.raw_dir, PathBuf::from(r"C:\Users\me"));
    }
    // A quote that is missing is still told as such.
    let said = message("raw_dir = \"raw\noutput_dir = \"out\"\n");
    assert!(said.contains("a closing quote is missing"), "{said}");
}

#[test]
fn values_between_and_beyond() {
    assert_snapshot!(message(
        "[params]\nscale_min = 1.2\n[[override]]\nparams = { pad = 1 }\n[[override]]\nsample = \"a\"\n"
    ));
    assert_snapshot!(message(
        "[[override]]\nsample = \"a\"\nparams = { scale_max = 0.5, }\n"
    ));
    assert_snapshot!(message("[override]\nsample = \"a\"\n"));
    assert_snapshot!(message(
        "params = 5\nexecution = \"fast\"\nfrom_stage = 3\nto_stage = 1\n"
    ));
    assert_snapshot!(read("raw_dir = \"raw\"\noutput_dir = \"./raw/\"").expect_err("a bad file"));
}

#[test]
fn of_a_long_line_the_place_is_shown_and_of_many_problems_the_first() {
    let keys: Vec<_> = (0..200).map(|n| format!("k{n} = 1")).collect();
    let text = message(&format!("params = {{ {} }}\n", keys.join(", ")));
    assert!(text.contains("has 50 problems or more:"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() < 260),
        "{text}"
    );
    let lines: Vec<&str> = text.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.contains("there is no key \"k120\""))
        .expect("a key far into the line");
    // The mark stands below the key, however far into the line it is.
    let mark = lines[at + 2].find('^').expect("a mark");
    let before: Vec<char> = lines[at + 1].chars().collect();
    assert_eq!(before[mark..mark + 4], ['k', '1', '2', '0'], "{text}");
}

#[test]
fn a_file_far_too_long_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("image.tif");
    let file = File::create(&path).expect("created");
    file.set_len(1 << 40).expect("a terabyte of zeros");
    let said = BatchFile::read(&path)
        .expect_err("no batch file")
        .to_string();
    assert!(said.contains("image.tif is not a batch file"), "{said}");
    assert!(said.contains("longer than 4194304 bytes"), "{said}");
}

#[test]
fn none_is_a_value_of_optional_parameters() {
    let batch = read(&format!(
        "{START}[params]\nscale_percentile = \"none\"\nmanual_scale = 2\n"
    ))
    .expect("a good file");
    assert_eq!(
        (batch.params.scale_percentile, batch.params.manual_scale),
        (None, Some(2.0))
    );
}

#[test]
fn files_that_are_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = |name: &str| {
        let error = BatchFile::read(&folder.path().join(name)).expect_err("no batch file");
        error
            .to_string()
            .replace(&folder.path().display().to_string(), "/data")
    };
    assert_eq!(
        said("batch.toml"),
        "there is no batch file /data/batch.toml; `e2m init` writes one to start from"
    );
    std::fs::write(folder.path().join("batch.toml"), "").expect("written");
    assert_eq!(
        said("batsh.toml"),
        "there is no batch file /data/batsh.toml; did you mean batch.toml?"
    );
    assert_eq!(
        said("x/batch.toml"),
        "there is no batch file /data/x/batch.toml; there is no folder /data/x either"
    );
    assert_eq!(
        said(""),
        "/data/ is a folder, not a batch file; did you mean /data/batch.toml?"
    );
    std::fs::write(folder.path().join("image.tif"), b"II*\0\xff\xfe").expect("written");
    assert_eq!(
        said("image.tif"),
        "/data/image.tif is not a batch file: it is not UTF-8 text (byte 4); a batch file is TOML, see `e2m init`"
    );
}
