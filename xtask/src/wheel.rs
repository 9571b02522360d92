//! `cargo xtask wheel`: the package for Python, with the program in it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::dist::Portable;
use crate::process::{TEST_FEATURES, captured, cargo, output, run};
use crate::setup;
use crate::verb::Verb;
use crate::workspace::Workspace;

pub(crate) const VERB: Verb = Verb {
    name: "wheel",
    summary: "make the wheel for Python, with the program e2m in it, and try it",
    help: "Usage: cargo xtask wheel [--portable | --release] [--program FILE] [--out DIR] [--test] [-- MATURIN-ARGUMENTS]

Builds the program e2m and, by maturin, the module; puts both into a wheel in DIR (default: wheels in the target folder),
installs it into a fresh Python environment, and asks module and program for their version there. With --test it also runs
the tests of the package on what was installed.

The wheel is for this machine: it asks for the system's OpenCV and CFITSIO. With --portable it is for every Linux x86-64 with
glibc 2.28 or newer (manylinux_2_28): program and module have OpenCV and CFITSIO inside, as `cargo xtask dist` builds them, which
takes half an hour the first time, and auditwheel is asked whether it holds. What is behind `--` goes to maturin.",
    run: |workspace, args| make(workspace, &Options::parse(workspace, args)?),
};

/// maturin, from its own environment.
const MATURIN: &str = "maturin==1.16.0";
/// Tells for which systems a wheel is.
const AUDITWHEEL: &str = "auditwheel==6.8.2";
/// The tag of a wheel that goes everywhere.
const PORTABLE: &str = "manylinux_2_28_x86_64";
/// What a wheel for this machine alone says.
const NATIVE: [&str; 2] = ["--compatibility", "linux"];

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    /// Whether it is for other machines as well, and so released too.
    portable: bool,
    release: bool,
    /// The program that goes into the wheel; none where it is to be built.
    program: Option<PathBuf>,
    out: PathBuf,
    test: bool,
    /// For maturin.
    maturin: Vec<OsString>,
}

impl Options {
    fn parse(workspace: &Workspace, mut args: Vec<OsString>) -> Result<Self> {
        use lexopt::prelude::*;
        let behind = args.iter().position(|arg| arg == "--");
        let maturin = behind.map_or_else(Vec::new, |at| args.split_off(at).split_off(1));
        let mut options = Self {
            portable: false,
            release: false,
            program: None,
            out: workspace.target().join("wheels"),
            test: false,
            maturin,
        };
        let mut parser = lexopt::Parser::from_args(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Long("portable") => (options.portable, options.release) = (true, true),
                Long("release") => options.release = true,
                Long("program") => options.program = Some(parser.value()?.into()),
                Long("out") => options.out = std::path::absolute(PathBuf::from(parser.value()?))?,
                Long("test") => options.test = true,
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }
}

fn make(workspace: &Workspace, options: &Options) -> Result<()> {
    let portable = if options.portable {
        Some(Portable::build(workspace, None)?)
    } else {
        setup::build()?;
        None
    };
    let krate = workspace.root().join("crates/e2m-python");
    let program = match (&options.program, &portable) {
        (Some(program), _) => program.clone(),
        (None, Some(portable)) => portable.program.clone(),
        (None, None) => built_program(workspace, options.release)?,
    };
    stage(&program, &krate)?;
    let made = build_wheel(workspace, &krate, options, portable.as_ref());
    // It is in the wheel now, and nobody is to take it for a source.
    fs::remove_dir_all(krate.join("data")).context("the staged program cannot be removed")?;
    made?;
    let wheel = newest_wheel(&options.out)?;
    let bytes = fs::metadata(&wheel)?.len();
    println!("wheel: {} ({:.1} MB)", wheel.display(), bytes as f64 * 1e-6);
    if let Some(portable) = &portable {
        portable.check_module()?;
        audit(workspace, &wheel)?;
    }
    try_out(workspace, &wheel, options.test)
}

fn built_program(workspace: &Workspace, release: bool) -> Result<PathBuf> {
    println!("wheel: building the program");
    let mut command = cargo(workspace, ["build", "--workspace", "--bin", "e2m"]);
    if release {
        run(command.arg("--release"))?;
    } else {
        run(command.args(TEST_FEATURES))?;
    }
    let profile = if release { "release" } else { "debug" };
    Ok(workspace.target().join(profile).join("e2m"))
}

/// Puts the program where maturin takes the wheel's programs from.
fn stage(program: &Path, krate: &Path) -> Result<()> {
    let scripts = krate.join("data/scripts");
    fs::create_dir_all(&scripts)
        .and_then(|()| fs::copy(program, scripts.join("e2m")))
        .with_context(|| format!("{} cannot be staged", program.display()))?;
    Ok(())
}

fn build_wheel(
    workspace: &Workspace,
    krate: &Path,
    options: &Options,
    portable: Option<&Portable>,
) -> Result<()> {
    let maturin = tool(workspace, MATURIN)?;
    println!("wheel: building the module");
    let mut command = Command::new(maturin);
    command
        .current_dir(krate)
        .args(["build", "--out"])
        .arg(&options.out);
    if options.release {
        command.arg("--release");
    }
    if let Some(portable) = portable {
        portable.prepare_maturin(workspace, &mut command)?;
    } else if options.maturin.is_empty() {
        command.args(NATIVE);
    }
    run(command.args(&options.maturin))
}

/// A program from PyPI of one version, installed if it is not there.
fn tool(workspace: &Workspace, package: &str) -> Result<PathBuf> {
    let folder = workspace.target().join("wheel-venv");
    let (name, version) = package.split_once("==").context("no version is named")?;
    let program = folder.join("bin").join(name);
    if !output(Command::new(&program).arg("--version")).is_ok_and(|said| said.contains(version)) {
        println!("wheel: installing {package} into {}", folder.display());
        if !folder.join("bin/python").is_file() {
            make_environment(&folder)?;
        }
        install(&folder, &[package.as_ref()])?;
    }
    Ok(program)
}

/// Asks auditwheel for which systems the wheel is.
fn audit(workspace: &Workspace, wheel: &Path) -> Result<()> {
    let said = captured(
        Command::new(tool(workspace, AUDITWHEEL)?)
            .arg("show")
            .arg(wheel),
    )?;
    let tag = permitted_tag(&said)
        .with_context(|| format!("auditwheel does not say where the wheel may go: {said}"))?;
    ensure!(
        tag == PORTABLE,
        "auditwheel says that the wheel is for {tag} instead of {PORTABLE}: {said}"
    );
    println!("wheel: auditwheel says {tag}");
    Ok(())
}

/// The tag that auditwheel finds a wheel to be consistent with, in quotes, on a line of its own or broken off before.
fn permitted_tag(said: &str) -> Option<&str> {
    let (_, behind) = said.split_once("is consistent with")?;
    behind.split('"').nth(1)
}

fn newest_wheel(out: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(out).with_context(|| format!("{} is not there", out.display()))?;
    let wheels = entries.flatten().filter_map(|entry| {
        let path = entry.path();
        let is_wheel = path.extension().is_some_and(|extension| extension == "whl");
        let modified = entry.metadata().ok()?.modified().ok()?;
        is_wheel.then_some((modified, path))
    });
    let newest = wheels.max_by_key(|(modified, _)| *modified);
    newest
        .map(|(_, path)| path)
        .with_context(|| format!("maturin left no wheel in {}", out.display()))
}

/// Installs the wheel where nothing else is, and asks for versions.
fn try_out(workspace: &Workspace, wheel: &Path, test: bool) -> Result<()> {
    let folder = workspace.target().join("wheel-try");
    make_environment(&folder)?;
    install(&folder, &[wheel.as_os_str()])?;
    let python = folder.join("bin/python");
    let program = folder.join("bin/e2m");
    let asked = "import e2m; print(e2m.__version__, e2m.program())";
    let module = captured(
        Command::new(&python)
            .current_dir(&folder)
            .args(["-c", asked]),
    )?;
    let said = captured(Command::new(&program).arg("--version"))?;
    println!(
        "wheel: module {}\nwheel: program {}",
        module.trim(),
        said.trim()
    );
    let (version, found) = module.trim().split_once(' ').unwrap_or_default();
    if !said.contains(version) || Path::new(found).canonicalize()? != program.canonicalize()? {
        bail!("module and program of the wheel do not belong together");
    }
    if test {
        let packages = ["pytest", "tifffile", "mypy", "nbclient", "ipykernel"];
        install(
            &folder,
            &packages.map(OsString::from).each_ref().map(AsRef::as_ref),
        )?;
        run(Command::new(&python)
            .current_dir(&folder)
            .args(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
            .arg(workspace.root().join("crates/e2m-python/python/tests"))
            .env("E2M_PROGRAM", &program)
            .env("E2M_REPOSITORY", workspace.root()))?;
    }
    Ok(())
}

fn make_environment(folder: &Path) -> Result<()> {
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(folder))
    .with_context(|| {
        format!(
            "no Python environment could be made in {}",
            folder.display()
        )
    })
}

fn install(folder: &Path, packages: &[&std::ffi::OsStr]) -> Result<()> {
    run(Command::new(folder.join("bin/python"))
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(packages))
    .context("pip could not install what is needed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Options> {
        let workspace = Workspace::here()?;
        Options::parse(&workspace, args.iter().map(OsString::from).collect())
    }

    #[test]
    fn what_is_behind_two_dashes_is_for_maturin() {
        let options = parsed(&[
            "--release",
            "--program",
            "x/e2m",
            "--",
            "--zig",
            "--release",
        ]);
        let options = options.expect("valid");
        assert!(options.release && !options.test);
        assert_eq!(options.program, Some("x/e2m".into()));
        assert_eq!(options.maturin, ["--zig", "--release"]);
        assert_eq!(parsed(&[]).expect("valid").maturin, [] as [&str; 0]);
        assert!(parsed(&["--zig"]).is_err());
        let portable = parsed(&["--portable"]).expect("valid");
        assert!(portable.portable && portable.release);
    }

    #[test]
    fn what_auditwheel_says_is_read() {
        let said = "\ne2m-0.1.0-cp310-abi3-manylinux_2_28_x86_64.whl is consistent with the\nfollowing platform tag: \
            \"manylinux_2_28_x86_64\".\n\nThe wheel references external versioned symbols in these\n\
            system-provided shared libraries: libc.so.6 with versions\n{'GLIBC_2.14'}\n";
        assert_eq!(permitted_tag(said), Some(PORTABLE));
        assert_eq!(permitted_tag("cannot be read"), None);
    }
}
