//! What the build and the tests need from the system, under the names that package managers give it.
//!
//! OpenCV comes as its components: `libopencv-dev` would add VTK and Java. `.cargo/config.toml` points the binding at
//! them. `clang` is run by the binding generator to find the C++ headers and brings clang's own; `libclang1` is the
//! library it parses with. `libclang-dev` is not needed, as the library is loaded at run time.

/// One thing that must be installed.
pub(super) struct Need {
    /// Its names on Debian and Ubuntu; the first one is installed, any of them will do.
    pub(super) apt: &'static [&'static str],
    /// The Homebrew formula it is in, or `None` where Apple's command line tools have it.
    pub(super) brew: Option<&'static str>,
    /// What it is for.
    pub(super) why: &'static str,
}

const fn need(apt: &'static [&'static str], brew: Option<&'static str>, why: &'static str) -> Need {
    Need { apt, brew, why }
}

const OPENCV: Option<&str> = Some("opencv");

/// For `cargo build`.
pub(super) const BUILD: &[Need] = &[
    need(
        &["g++"],
        None,
        "compiles the C++ side of the OpenCV binding",
    ),
    need(
        &["clang"],
        None,
        "finds the C++ headers for the OpenCV binding's generator",
    ),
    need(
        &["libclang1", "libclang-dev"],
        None,
        "parses OpenCV's headers to generate the binding",
    ),
    need(&["libopencv-core-dev"], OPENCV, "OpenCV: matrices"),
    need(
        &["libopencv-imgproc-dev"],
        OPENCV,
        "OpenCV: filters and resizing",
    ),
    need(
        &["libopencv-features2d-dev"],
        OPENCV,
        "OpenCV: SIFT features",
    ),
    need(
        &["libopencv-flann-dev"],
        OPENCV,
        "OpenCV: matching of features",
    ),
    need(
        &["libopencv-calib3d-dev"],
        OPENCV,
        "OpenCV: robust homographies",
    ),
    need(
        &["libopencv-video-dev"],
        OPENCV,
        "OpenCV: alignment by correlation",
    ),
    need(&["pkg-config"], Some("pkgconf"), "finds CFITSIO"),
    need(
        &["libcfitsio-dev"],
        Some("cfitsio"),
        "reads and writes FITS",
    ),
];

/// For the tests beyond that.
pub(super) const TEST: &[Need] = &[
    need(
        &["libtiff-tools"],
        Some("libtiff"),
        "writes TIFF variants for the reader's tests",
    ),
    need(
        &["python3-venv"],
        Some("python"),
        "runs tifffile and astropy, which the tests compare with",
    ),
];

/// One line per need, name and purpose.
pub(super) fn print<'a>(needs: impl Iterator<Item = &'a Need>) {
    for need in needs {
        println!("  {:<26}{}", need.apt[0], need.why);
    }
}
