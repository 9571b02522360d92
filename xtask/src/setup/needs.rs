//! What the build and the tests need from the system, under the names that package managers give it.
//!
//! On Debian and Ubuntu OpenCV comes as its components: `libopencv-dev` would add VTK and Java. `.cargo/config.toml`
//! points the binding at them, so neither pkg-config nor CMake is needed for it there. `clang` is run by the binding's
//! generator to find the C++ headers and brings clang's own; `libclang1` is the library it parses with, loaded at run
//! time, which is why the far larger `libclang-dev` is not needed. Leaving out any of these breaks the build. CFITSIO is
//! found by pkg-config; both come along with OpenCV's packages but for CFITSIO's headers and `cfitsio.pc`.
//!
//! On macOS the C++ compiler, clang and libclang are those of Apple's command line tools, which Rust needs for linking
//! anyway.

use std::collections::BTreeSet;

/// What one purpose needs, per package manager.
pub(super) struct Needs {
    pub(super) purpose: &'static str,
    pub(super) apt: &'static [Package],
    pub(super) brew: &'static [Package],
}

/// One package to be installed.
pub(super) struct Package {
    pub(super) name: &'static str,
    /// Another one that has the same and may be there instead.
    or: Option<&'static str>,
    /// What it is for.
    pub(super) why: &'static str,
}

const fn package(name: &'static str, why: &'static str) -> Package {
    Package {
        name,
        or: None,
        why,
    }
}

/// For `cargo build`.
pub(super) const BUILD: Needs = Needs {
    purpose: "the build",
    apt: &[
        package("g++", "compiles the C++ side of the OpenCV binding"),
        package("clang", "finds the C++ headers for the binding's generator"),
        Package {
            name: "libclang1",
            or: Some("libclang-dev"),
            why: "parses OpenCV's headers to generate the binding",
        },
        package("libopencv-core-dev", "OpenCV: matrices"),
        package("libopencv-imgproc-dev", "OpenCV: filters"),
        package("libopencv-features2d-dev", "OpenCV: SIFT features"),
        package(
            "libopencv-flann-dev",
            "OpenCV: what features2d searches with",
        ),
        package("libopencv-calib3d-dev", "OpenCV: robust homographies"),
        package("libopencv-video-dev", "OpenCV: alignment by correlation"),
        package("libcfitsio-dev", "CFITSIO: reads and writes FITS"),
        Package {
            name: "pkg-config",
            or: Some("pkgconf"),
            why: "finds CFITSIO",
        },
    ],
    brew: &[
        package("opencv", "features, robust homographies, filters"),
        package("cfitsio", "reads and writes FITS"),
        package("pkgconf", "finds OpenCV and CFITSIO"),
    ],
};

/// For the tests, beyond that.
pub(super) const TEST: Needs = Needs {
    purpose: "the tests",
    apt: &[
        package(
            "libtiff-tools",
            "writes TIFF variants for the reader's tests",
        ),
        package(
            "python3-venv",
            "runs tifffile and astropy, which the tests compare with",
        ),
    ],
    brew: &[
        package("libtiff", "writes TIFF variants for the reader's tests"),
        package(
            "python",
            "runs tifffile and astropy, which the tests compare with",
        ),
    ],
};

/// For the tests that open the report of a batch. Apart from [`TEST`], as Ubuntu's archive has no such package; an
/// installed Chrome will do there. Homebrew has browsers as casks only, beside its formulae.
pub(super) const BROWSER: Needs = Needs {
    purpose: "the tests of the report",
    apt: &[Package {
        name: "chromium",
        or: Some("google-chrome-stable"),
        why: "opens the report without a screen",
    }],
    brew: &[],
};

/// For the tests on a cluster. Homebrew has none of it.
pub(super) const SLURM: Needs = Needs {
    purpose: "a cluster on this machine",
    apt: &[
        package(
            "slurm-wlm",
            "SLURM: the cluster that `cargo xtask slurm` starts",
        ),
        package("munge", "lets its daemons trust each other"),
    ],
    brew: &[],
};

/// For the archive that is passed on. Compilers for it come as wheels; what is here serves the build itself, or fetches sources.
pub(super) const DIST: Needs = Needs {
    purpose: "the archive",
    apt: &[
        package("g++", "links the programs that the build runs"),
        package("clang", "finds the C++ headers for the binding's generator"),
        Package {
            name: "libclang1",
            or: Some("libclang-dev"),
            why: "parses OpenCV's headers to generate the binding",
        },
        Package {
            name: "pkg-config",
            or: Some("pkgconf"),
            why: "tells the build where CFITSIO is",
        },
        package("python3-venv", "installs the compiler, which is a wheel"),
        package("xz-utils", "unpacks OpenCV's sources"),
        package("bzip2", "unpacks zlib's sources"),
        package(
            "debian-archive-keyring",
            "tells whether sources are Debian's",
        ),
    ],
    brew: &[],
};

/// For trying the archive.
pub(super) const TRIAL: Needs = Needs {
    purpose: "trying the archive",
    apt: &[
        package("debootstrap", "makes bare systems"),
        package("util-linux", "runs programs in them: unshare"),
    ],
    brew: &[],
};

/// The packages that are not among those installed.
pub(super) fn missing(
    packages: &'static [Package],
    installed: &BTreeSet<String>,
) -> Vec<&'static Package> {
    packages
        .iter()
        .filter(|package| !package.names().any(|name| installed.contains(name)))
        .collect()
}

/// One line per package, name and purpose.
pub(super) fn print<'a>(packages: impl IntoIterator<Item = &'a Package>) {
    for package in packages {
        println!("  {:<26}{}", package.name, package.why);
    }
}

impl Package {
    /// Every name under which it may be installed.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.or)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing_names(installed: &[&str]) -> Vec<&'static str> {
        let installed = installed.iter().map(|name| (*name).to_owned()).collect();
        missing(BUILD.apt, &installed)
            .iter()
            .map(|package| package.name)
            .collect()
    }

    #[test]
    fn a_bare_machine_misses_everything() {
        assert_eq!(missing_names(&[]).len(), BUILD.apt.len());
    }

    #[test]
    fn what_is_installed_is_not_missing() {
        let names = missing_names(&["g++"]);
        assert!(!names.contains(&"g++"));
        assert!(names.contains(&"clang"));
    }

    #[test]
    fn either_of_two_names_will_do() {
        assert!(!missing_names(&["libclang-dev"]).contains(&"libclang1"));
        assert!(!missing_names(&["libclang1"]).contains(&"libclang1"));
    }
}
