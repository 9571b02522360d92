//! `e2m licences`: the licences of everything that is part of the program, or that it is built with.
//!
//! The text of the crates is made from their packages by `cargo xtask docs`; those of the libraries are theirs.

/// A part of the program that others have made, its licence, and where it is found.
const PARTS: [(&str, &str); 8] = [
    (
        "DejaVu Sans, the font of the pictures",
        e2m_plot::FONT_LICENCE,
    ),
    (
        "OpenSeadragon, the viewer of the web app",
        e2m_web::VIEWER_LICENCE,
    ),
    (
        "OpenCV 4, where the program was linked with it statically, as in the archive that is passed on",
        include_str!("../licences/opencv.txt"),
    ),
    ("CFITSIO, likewise", include_str!("../licences/cfitsio.txt")),
    ("zlib, likewise", include_str!("../licences/zlib.txt")),
    (
        "libc++, libc++abi and libunwind of LLVM, likewise",
        include_str!("../licences/libcxx.txt"),
    ),
    (
        "the run-time library of Zig, whose compiler and linker make that archive, and start-up code, likewise",
        include_str!("../licences/zig.txt"),
    ),
    (
        "The crates, and the standard library of Rust, whose licence is that of most of them (MIT or Apache-2.0)",
        include_str!("../licences/crates.txt"),
    ),
];

/// All of it.
pub(crate) fn text() -> String {
    let rule = "=".repeat(80);
    let mut text = format!(
        "e2m {} is under the MIT licence or the Apache licence 2.0, as you like. It contains:\n",
        env!("CARGO_PKG_VERSION")
    );
    for (part, _) in PARTS {
        text.push_str(&format!("  {part}\n"));
    }
    let own = [
        ("The MIT licence of e2m", include_str!("../LICENSE-MIT")),
        ("The Apache licence 2.0", include_str!("../LICENSE-APACHE")),
    ];
    for (part, licence) in own.into_iter().chain(PARTS) {
        text.push_str(&format!(
            "\n{rule}\n{part}\n{rule}\n\n{}\n",
            licence.trim_end()
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_its_own_text() {
        for (part, words) in PARTS.into_iter().zip([
            "Bitstream Vera Fonts Copyright",
            "OpenSeadragon contributors",
            "Marius Muja",
            "National Aeronautics and Space",
            "Jean-loup Gailly",
            "LLVM Exceptions to the Apache 2.0 License",
            "Zig contributors",
            "serde 1.",
        ]) {
            assert!(part.1.contains(words), "{}: {words}", part.0);
            assert!(text().contains(part.1.trim_end()), "{}", part.0);
        }
    }
}
