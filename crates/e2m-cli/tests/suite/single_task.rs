//! `e2m task` and `e2m collect`: one task at a time, for other engines.

use crate::common::Bench;
use serde_json::Value;

fn line(out: &str) -> Value {
    assert_eq!(out.trim_end().lines().count(), 1, "{out}");
    serde_json::from_str(out).expect("JSON")
}

#[test]
fn a_task_writes_its_own_folder_only_and_says_how_it_ended() {
    let bench = Bench::with_pairs(&[("CD070", "DAPI"), ("CD070", "SybrGld"), ("CD071", "DAPI")]);
    let arguments = ["task", "batch.toml", "--sample", "CD070", "--dye", "DAPI"];
    let run = bench.run(&[&arguments[..], &["--json"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let reply = line(&run.out);
    assert_eq!(reply["status"], "complete");
    assert_eq!(reply["exit_code"], 0);
    assert_eq!(reply["stages_done"], serde_json::json!([1, 2, 3, 4, 5]));
    assert_eq!(reply["manifest"], "CD070/DAPI/e2m_task_pad60.json");
    assert!(reply["scale"].as_f64().expect("a scale") > 1.3);
    // No tricks for terminals, and no word on standard output that was not asked for.
    assert!(
        !run.err.contains('\u{1b}') && !run.err.contains('\r'),
        "{:?}",
        run.err
    );
    let names = bench.names("out");
    assert!(
        names.iter().all(|name| name.starts_with("CD070/DAPI/")),
        "{names:?}"
    );
    let again = bench.run(&arguments);
    assert_eq!((again.code, again.out.as_str()), (0, ""), "{}", again.err);
    assert!(again.err.contains("nothing to do"), "{}", again.err);

    // What there is becomes the result of the batch.
    let collected = bench.run(&["collect", "batch.toml"]);
    assert_eq!(collected.code, 1, "{}", collected.err);
    assert_eq!(bench.statuses()["CD070/DAPI"], "complete");
    assert_eq!(bench.statuses()["CD071/DAPI"], "incomplete: not begun");
    assert!(
        collected.out.contains("1 complete, 2 not begun"),
        "{}",
        collected.out
    );
    for (sample, dye) in [("CD070", "SybrGld"), ("CD071", "DAPI")] {
        let run = bench.run(&["task", "batch.toml", "--sample", sample, "--dye", dye, "-q"]);
        assert_eq!((run.code, run.err.as_str()), (0, ""));
    }
    assert_eq!(bench.run(&["collect", "batch.toml"]).code, 0);
    assert!(bench.read("out/report.html").contains("CD071"));
    let images = bench.images("out");
    std::fs::remove_dir_all(bench.path("out")).expect("removed");
    assert_eq!(bench.run_batch().code, 0);
    assert!(
        images == bench.images("out"),
        "other images than in a batch"
    );
}

#[test]
fn whatever_is_wrong_is_one_line_and_an_exit_code() {
    let bench = Bench::with_pairs(&[("CD070", "DAPI"), ("CD071", "DAPI")]);
    let reply = |arguments: &[&str]| {
        let run = bench.run(&[&["task", "--json"], arguments].concat());
        let reply = line(&run.out);
        assert_eq!(reply["exit_code"], run.code, "{}", run.out);
        (
            run.code,
            reply["status"].as_str().expect("a status").to_owned(),
            run.err,
        )
    };
    let (code, status, err) = reply(&["batch.toml", "--sample", "CD072", "--dye", "DAPI"]);
    assert_eq!(code, 4, "{status}");
    assert!(
        status.contains("CD072") && err.contains("CD072"),
        "{status}\n{err}"
    );
    let (code, status, _) = reply(&["nothing.toml", "--sample", "CD070", "--dye", "DAPI"]);
    assert_eq!(code, 2, "{status}");
    let (code, status, _) = reply(&["batch.toml", "--sample", "all", "--dye", "DAPI"]);
    assert_eq!(
        (code, status.contains("name one sample and one dye")),
        (2, true),
        "{status}"
    );
    bench.write("raw/CD071/CD071_PreStain_DAPI.tif", b"no image");
    let (code, status, _) = reply(&["batch.toml", "--sample", "CD071", "--dye", "DAPI"]);
    assert_eq!(code, 1, "{status}");
    let limited = bench
        .command(&[
            "task",
            "--json",
            "batch.toml",
            "--sample",
            "CD070",
            "--dye",
            "DAPI",
        ])
        .env("E2M_MEMORY", "50MB")
        .output();
    let limited = bench.ended(limited.expect("the program"));
    assert_eq!(limited.code, 3, "{}", limited.err);
    let status = line(&limited.out)["status"]
        .as_str()
        .expect("a status")
        .to_owned();
    assert!(
        status.contains("needs") && status.contains("E2M_MEMORY"),
        "{status}"
    );
}

#[test]
fn status_tells_engines_what_tasks_there_are() {
    let bench = Bench::with_pairs(&[("CD070", "DAPI"), ("CD071", "DAPI")]);
    let reply = || line(&bench.run(&["status", "--json", "batch.toml"]).out);
    let new = reply();
    assert_eq!(new["tasks"].as_array().map(Vec::len), Some(2));
    assert_eq!(new["tasks"][1]["sample"], "CD071");
    assert_eq!(new["tasks"][1]["to_do"], serde_json::json!([1, 2, 3, 4, 5]));
    assert!(new["tasks"][1]["memory_bytes"].as_u64().expect("bytes") > 50_000_000);
    assert!(new["tasks"][1]["cluster"].is_null());
    let run = bench.run(&[
        "task",
        "batch.toml",
        "--sample",
        "CD070",
        "--dye",
        "DAPI",
        "--to-stage",
        "2",
    ]);
    assert_eq!(run.code, 0, "{}", run.err);
    let begun = reply();
    assert_eq!(
        begun["tasks"][0]["stages"],
        serde_json::json!(["there", "there", "to do", "to do", "to do"])
    );
    assert_eq!(begun["tasks"][0]["finished"], false);
}

/// The example of the docs, run as it stands there.
#[test]
fn the_snakemake_workflow_of_the_docs_runs_every_task() {
    let Some(python) = e2m_testing::python() else {
        return;
    };
    let bench = Bench::with_pairs(&[("CD070", "DAPI"), ("CD071", "Sybr Gld")]);
    let snakefile =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/snakemake/Snakefile");
    let path = path_with_program();
    let run = |target: &[&str]| {
        let output = std::process::Command::new(&python)
            .args(["-m", "snakemake", "--cores", "2", "--snakefile"])
            .arg(&snakefile)
            .args(target)
            .current_dir(bench.path(""))
            .env("PATH", &path)
            .env("HOME", bench.path("home"))
            .output();
        bench.ended(output.expect("snakemake"))
    };
    let first = run(&[]);
    assert_eq!(first.code, 0, "{}{}", first.out, first.err);
    assert_eq!(bench.statuses()["CD071/Sybr Gld"], "complete");
    assert!(bench.read("out/report.html").contains("CD070"));
    let again = run(&[]);
    assert_eq!(again.code, 0, "{}", again.err);
    assert!(again.err.contains("Nothing to be done"), "{}", again.err);
    // A batch file that was changed is reason to look again, and e2m then knows that nothing is to be done.
    bench.batch("[resources]\nmin_available = \"0.4GB\"\n");
    let touched = run(&[]);
    assert_eq!(touched.code, 0, "{}", touched.err);
    assert!(touched.err.contains("nothing to do"), "{}", touched.err);
}

/// The variable PATH with the folder of the program before all others.
fn path_with_program() -> std::ffi::OsString {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_e2m"))
        .parent()
        .expect("a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(program.to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).expect("a path")
}

/// What the processes of the Nextflow module hand to the shell, run as Nextflow runs it. The engine itself comes from no registry.
#[test]
fn the_scripts_of_the_nextflow_module_run_every_task() {
    let module =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/nextflow/e2m.nf");
    let module = std::fs::read_to_string(module).expect("the module");
    let script = |process: &str| {
        let (_, behind) = module
            .split_once(&format!("process {process} {{"))
            .expect("a process");
        let script = behind.split("\"\"\"").nth(1).expect("a script");
        script.trim().replace("\\$", "$")
    };
    let bench = Bench::with_pairs(&[("CD070", "DAPI"), ("CD071", "Sybr Gld")]);
    let path = path_with_program();
    // Nextflow gives every process a folder of its own, and bash those options.
    let run = |process: &str, folder: &str, values: &[(&str, &str)]| {
        let mut script = script(process);
        for (name, value) in values {
            script = script.replace(&format!("${{word({name})}}"), &format!("'{value}'"));
        }
        let script = script.replace("${task.cpus}", "2");
        assert!(!script.contains("${"), "{script}");
        std::fs::create_dir_all(bench.path(folder)).expect("a folder");
        let output = std::process::Command::new("bash")
            .args(["-ue", "-c", &script])
            .current_dir(bench.path(folder))
            .env("PATH", &path)
            .output();
        bench.ended(output.expect("bash"))
    };
    let batch = bench.path("batch.toml").display().to_string();
    let batch = ("batch", batch.as_str());
    let status = run("E2M_STATUS", "work/1", &[batch]);
    assert_eq!(status.code, 0, "{}", status.err);
    let status = line(&bench.read("work/1/status.json"));
    let tasks = status["tasks"].as_array().expect("tasks");
    assert_eq!(tasks.len(), 2);
    for (number, task) in tasks.iter().enumerate() {
        assert!(task["memory_bytes"].as_u64().expect("bytes") > 50_000_000);
        let name = |key: &str| task[key].as_str().expect("a name").to_owned();
        let (sample, dye) = (name("sample"), name("dye"));
        let folder = format!("work/task{number}");
        let values = [batch, ("sample", sample.as_str()), ("dye", dye.as_str())];
        let ended = run("E2M_TASK", &folder, &values);
        assert_eq!(ended.code, 0, "{}", ended.err);
        let reply = line(&bench.read(&format!("{folder}/task.json")));
        assert_eq!(reply["dye"], dye.as_str());
        assert_eq!(reply["status"], "complete");
    }
    let values = [batch, ("sample", "CD999"), ("dye", "DAPI")];
    let failed = run("E2M_TASK", "work/failed", &values);
    assert_ne!(failed.code, 0, "a task that is not there");
    let collected = run("E2M_COLLECT", "work/last", &[batch]);
    assert_eq!(collected.code, 0, "{}", collected.err);
    assert_eq!(bench.statuses()["CD071/Sybr Gld"], "complete");
    assert!(bench.read("out/report.html").contains("CD070"));
    assert!(bench.names("work/last").is_empty(), "nothing else is left");
}
