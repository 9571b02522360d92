//! Links to files beside the page.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use std::path::{Component, Path};

/// Everything but RFC 3986's unreserved characters. A colon goes too, so that no file name is taken for a scheme.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The URL reference of a path: each part percent-encoded byte by byte, joined by `/` on every system.
pub(super) fn href(path: &Path) -> String {
    let mut href = String::new();
    for part in path.components() {
        if matches!(part, Component::RootDir) {
            href.push('/');
            continue;
        }
        if !(href.is_empty() || href.ends_with('/')) {
            href.push('/');
        }
        let bytes = part.as_os_str().as_encoded_bytes();
        href.extend(percent_encode(bytes, ENCODED));
    }
    href
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_a_url_is_encoded() {
        let cases = [
            (
                "CD070/DAPI/ratio_histogram_bw20_msc1.42.png",
                "CD070/DAPI/ratio_histogram_bw20_msc1.42.png",
            ),
            ("a b/50%#1?.png", "a%20b/50%25%231%3F.png"),
            ("Gestein ä/α.png", "Gestein%20%C3%A4/%CE%B1.png"),
            ("\"><script>/'&.png", "%22%3E%3Cscript%3E/%27%26.png"),
            ("javascript:alert(1)", "javascript%3Aalert%281%29"),
            ("//elsewhere//x", "/elsewhere/x"),
            ("../other/./y", "../other/y"),
        ];
        for (path, expected) in cases {
            assert_eq!(href(Path::new(path)), expected);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_utf8_keeps_its_bytes() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(OsStr::from_bytes(b"caf\xe9/x"));
        assert_eq!(href(path), "caf%E9/x");
    }
}
