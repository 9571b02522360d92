//! zlib, CFITSIO and OpenCV as static libraries, by the compiler for the old glibc.
//!
//! OpenCV has the options of Debian's package as far as they bear on what it computes: the same instruction sets are required
//! and the same ones chosen while it runs. Left out are LAPACK and Eigen, which it has its own code for, and OpenCL, TBB and whatever reads
//! files or draws windows. CFITSIO lacks bzip2 and the fetching of files from the network.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::folders::Folders;
use super::sources::{CFITSIO, OPENCV, Source, ZLIB};
use super::step::{Log, Step, write};
use super::tools::{Tools, WHEELS};

/// OpenCV's modules, each before those that it uses, as linkers want them.
pub(super) const MODULES: [&str; 6] =
    ["calib3d", "video", "features2d", "flann", "imgproc", "core"];

/// How OpenCV was built, which it has in itself and can tell.
const BUILD_INFORMATION: &str = "modules/core/version_string.inc";

/// As few jobs as a laptop bears beside other work.
const JOBS: &str = "-j2";

const ZLIB_OPTIONS: &[&str] = &[];

const CFITSIO_OPTIONS: &[&str] = &[
    "-DUSE_CURL=OFF",
    "-DUSE_PTHREADS=ON",
    // It looks for the library of this machine, and finds none for another.
    "-DM_LIB=m",
];

const OPENCV_OPTIONS: &[&str] = &[
    "-DBUILD_LIST=core,imgproc,features2d,flann,calib3d,video",
    "-DENABLE_PIC=ON",
    // What a processor has to have, and what is chosen while the program runs, as in Debian's package.
    "-DCPU_BASELINE=SSE2",
    "-DCPU_BASELINE_DISABLE=SSE3",
    "-DCPU_DISPATCH=SSE4_1;SSE4_2;AVX;FP16;AVX2;AVX512_SKX",
    "-DWITH_PTHREADS_PF=ON",
    "-DBUILD_EXAMPLES=OFF",
    "-DBUILD_DOCS=OFF",
    "-DBUILD_JAVA=OFF",
    "-DBUILD_PERF_TESTS=OFF",
    "-DBUILD_PROTOBUF=OFF",
    "-DBUILD_TESTS=OFF",
    "-DBUILD_IPP_IW=OFF",
    "-DBUILD_ITT=OFF",
    "-DBUILD_ZLIB=OFF",
    "-DBUILD_opencv_apps=OFF",
    "-DBUILD_opencv_js=OFF",
    "-DBUILD_opencv_python2=OFF",
    "-DBUILD_opencv_python3=OFF",
    "-DWITH_1394=OFF",
    "-DWITH_ADE=OFF",
    "-DWITH_CAROTENE=OFF",
    "-DWITH_CUDA=OFF",
    "-DWITH_EIGEN=OFF",
    "-DWITH_FFMPEG=OFF",
    "-DWITH_FLATBUFFERS=OFF",
    "-DWITH_GSTREAMER=OFF",
    "-DWITH_GTK=OFF",
    "-DWITH_IMGCODEC_HDR=OFF",
    "-DWITH_IPP=OFF",
    "-DWITH_ITT=OFF",
    "-DWITH_JASPER=OFF",
    "-DWITH_JPEG=OFF",
    "-DWITH_LAPACK=OFF",
    "-DWITH_OPENCL=OFF",
    "-DWITH_OPENEXR=OFF",
    "-DWITH_OPENJPEG=OFF",
    "-DWITH_OPENMP=OFF",
    "-DWITH_PNG=OFF",
    "-DWITH_PROTOBUF=OFF",
    "-DWITH_QT=OFF",
    "-DWITH_QUIRC=OFF",
    "-DWITH_TBB=OFF",
    "-DWITH_TIFF=OFF",
    "-DWITH_V4L=OFF",
    "-DWITH_VTK=OFF",
    "-DWITH_WEBP=OFF",
    // Nothing of the machine or the moment goes into the library, and nothing is fetched.
    "-DBUILD_INFO_SKIP_SYSTEM_VERSION=ON",
    "-DBUILD_INFO_SKIP_TIMESTAMP=ON",
    "-DENABLE_CCACHE=OFF",
    "-DENABLE_PRECOMPILED_HEADERS=OFF",
    "-DGENERATE_ABI_DESCRIPTOR=OFF",
    "-DOPENCV_DOWNLOAD_TRIES_LIST=",
    "-DOPENCV_GENERATE_PKGCONFIG=OFF",
    "-DOPENCV_GENERATE_SETUPVARS=OFF",
    "-DOPENCV_VCSVERSION=4.6.0",
    "-DOPENCV_LIB_INSTALL_PATH=lib",
    "-DPYTHON_DEFAULT_AVAILABLE=OFF",
];

/// A library, and what CMake is told about it.
struct Library {
    source: &'static Source,
    options: &'static [&'static str],
    /// What is built; everything where that is `all`.
    target: &'static str,
}

const LIBRARIES: [Library; 3] = [
    Library {
        source: &ZLIB,
        options: ZLIB_OPTIONS,
        target: "zlibstatic",
    },
    Library {
        source: &CFITSIO,
        options: CFITSIO_OPTIONS,
        target: "all",
    },
    Library {
        source: &OPENCV,
        options: OPENCV_OPTIONS,
        target: "all",
    },
];

/// Builds what is missing or was built by another recipe.
pub(super) fn ensure(folders: &Folders, tools: &Tools) -> Result<()> {
    for library in &LIBRARIES {
        Step::new(folders, library.source.package)
            .unless_done(&library.recipe(), |log| library.build(folders, tools, log))?;
    }
    Ok(())
}

/// All recipes as one text, on which the program depends.
pub(super) fn recipes() -> String {
    LIBRARIES.iter().map(Library::recipe).collect()
}

impl Library {
    fn recipe(&self) -> String {
        let mut text = format!("{}\n{}\n", self.source.file, self.source.checksum);
        for [wheel, version, _] in WHEELS {
            let _ = writeln!(text, "{wheel} {version}");
        }
        text.push_str(&self.options.join("\n"));
        text.push('\n');
        text
    }

    fn build(&self, folders: &Folders, tools: &Tools, log: &Log) -> Result<()> {
        let build = folders.build(self.source.package);
        if self.source.package == ZLIB.package {
            // Debian leaves out what is for Windows; CMake wants to see it, though nothing is made of it.
            write(&ZLIB.unpacked(folders).join("win32/zlib1.rc"), b"")?;
        }
        log.run(&mut self.configure(folders, tools))?;
        if self.source.package == OPENCV.package {
            without_paths(&build.join(BUILD_INFORMATION), folders.root())?;
        }
        log.run(tools.command("cmake").arg("--build").arg(&build).args([
            "--target",
            self.target,
            "--",
            JOBS,
        ]))?;
        if self.source.package == ZLIB.package {
            return stage_zlib(folders, &build);
        }
        log.run(tools.command("cmake").arg("--install").arg(&build))?;
        if self.source.package == CFITSIO.package {
            let path = folders.stage().join("lib/pkgconfig/cfitsio.pc");
            write(&path, pkg_config(&folders.stage()).as_bytes())?;
        }
        Ok(())
    }

    fn configure(&self, folders: &Folders, tools: &Tools) -> Command {
        let stage = folders.stage();
        let mut command = tools.command("cmake");
        command
            .arg("-S")
            .arg(self.source.unpacked(folders))
            .arg("-B")
            .arg(folders.build(self.source.package))
            .args(["-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"])
            .args([
                "-DCMAKE_SYSTEM_NAME=Linux",
                "-DCMAKE_SYSTEM_PROCESSOR=x86_64",
            ])
            .args([
                "-DBUILD_SHARED_LIBS=OFF",
                "-DCMAKE_POSITION_INDEPENDENT_CODE=ON",
            ])
            .args([
                "-DCMAKE_INSTALL_LIBDIR=lib",
                "-DCMAKE_POLICY_VERSION_MINIMUM=3.5",
            ])
            .args(self.options);
        let mut path = |name: &str, path: &Path| {
            command.arg(format!("-D{name}={}", path.display()));
        };
        path("CMAKE_C_COMPILER", &tools.wrapper("cc"));
        path("CMAKE_CXX_COMPILER", &tools.wrapper("c++"));
        path("CMAKE_AR", &tools.wrapper("ar"));
        path("CMAKE_RANLIB", &tools.wrapper("ranlib"));
        path("CMAKE_INSTALL_PREFIX", &stage);
        path("ZLIB_INCLUDE_DIR", &stage.join("include"));
        path("ZLIB_LIBRARY", &stage.join("lib/libz.a"));
        command
    }
}

/// Takes the folders of this machine out of a text that becomes part of a library.
fn without_paths(file: &Path, root: &Path) -> Result<()> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("{} could not be read", file.display()))?;
    write(file, text.replace(&*root.to_string_lossy(), ".").as_bytes())
}

/// Installing zlib would build its shared library too.
fn stage_zlib(folders: &Folders, build: &Path) -> Result<()> {
    let stage = folders.stage();
    let sources = ZLIB.unpacked(folders);
    for (from, to) in [
        (build.join("libz.a"), "lib/libz.a"),
        (build.join("zconf.h"), "include/zconf.h"),
        (sources.join("zlib.h"), "include/zlib.h"),
    ] {
        let bytes =
            fs::read(&from).with_context(|| format!("{} could not be read", from.display()))?;
        write(&stage.join(to), &bytes)?;
    }
    Ok(())
}

/// CFITSIO's own file would name the libraries of the build machine.
fn pkg_config(stage: &Path) -> String {
    format!(
        "prefix={}\nlibdir=${{prefix}}/lib\nincludedir=${{prefix}}/include\n\nName: cfitsio\nDescription: FITS files\n\
         Version: {}\nLibs: -L${{libdir}} -lcfitsio -lz\nLibs.private: -lm -lpthread\nCflags: -I${{includedir}}\n",
        stage.display(),
        CFITSIO.version
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modules_built_are_those_linked() {
        let list = OPENCV_OPTIONS
            .iter()
            .find_map(|option| option.strip_prefix("-DBUILD_LIST="))
            .expect("a list");
        let mut built: Vec<&str> = list.split(',').collect();
        let mut linked = MODULES.to_vec();
        built.sort_unstable();
        linked.sort_unstable();
        assert_eq!(built, linked);
    }

    #[test]
    fn what_opencv_tells_of_its_build_names_no_folder_of_this_machine() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("version_string.inc");
        write(&file, b"\"C Compiler: /t/dist/bin/zig-cc (22)\\n\"\n").expect("a file");
        without_paths(&file, Path::new("/t/dist")).expect("rewritten");
        let text = fs::read_to_string(&file).expect("a text");
        assert_eq!(text, "\"C Compiler: ./bin/zig-cc (22)\\n\"\n");
    }

    #[test]
    fn a_recipe_changes_with_the_source_the_options_and_the_compiler() {
        let recipe = LIBRARIES[2].recipe();
        for part in [OPENCV.checksum, "-DCPU_BASELINE=SSE2", "ziglang 0.17.1"] {
            assert!(recipe.contains(part), "{part}");
        }
    }
}
