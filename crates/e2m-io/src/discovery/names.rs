//! Names that look the same and are not: accents in one character or two, capitals, spaces and `.ome` at the end.

use std::borrow::Cow;
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// What OME-TIFFs have before their extension.
const OME: &str = ".ome";
/// What names of OME-Zarrs usually end in.
const OME_ZARR: &str = ".ome.zarr";

/// The name with every accent in one character with its letter (Unicode's form NFC). macOS writes names with accents as
/// characters of their own (NFD), keyboards and batch files do not; both show alike.
pub fn composed(name: &str) -> Cow<'_, str> {
    match is_nfc_quick(name.chars()) {
        IsNormalized::Yes => Cow::Borrowed(name),
        IsNormalized::No | IsNormalized::Maybe => Cow::Owned(name.nfc().collect()),
    }
}

/// A name without what is overlooked: the same for names that a reader would take for one.
pub(super) fn overlooked(name: &str) -> String {
    let name = composed(name).to_lowercase();
    plain(&name).to_owned()
}

/// A name without spaces around it and without `.ome` at its end.
pub(super) fn plain(name: &str) -> &str {
    let mut name = name;
    while let Some(shorter) = without_ending(name) {
        name = shorter;
    }
    name.trim_start()
}

/// The name of an OME-Zarr without what it has before its extension: `x_DAPI.zarr` for `x_DAPI.ome.zarr`. Nothing for other names.
pub(super) fn without_ome(name: &str) -> Option<String> {
    let split = name.len().checked_sub(OME_ZARR.len())?;
    let ends_so = (name.get(split..)?).eq_ignore_ascii_case(OME_ZARR);
    let stem = name.get(..split).filter(|_| ends_so)?;
    Some(format!("{stem}.zarr"))
}

/// A name without a space or `.ome` at its end; nothing where it has neither.
fn without_ending(name: &str) -> Option<&str> {
    let trimmed = name.trim_end();
    let split = trimmed.len().saturating_sub(OME.len());
    let ends_so = trimmed
        .get(split..)
        .is_some_and(|end| end.eq_ignore_ascii_case(OME));
    let shorter = if ends_so {
        trimmed.get(..split)?
    } else {
        trimmed
    };
    (shorter.len() < name.len() && !shorter.is_empty()).then_some(shorter)
}

/// What is odd about the end of a dye's name, as the end of "ends in …".
pub(super) fn odd_ending(dye: &str) -> Option<&'static str> {
    if dye.ends_with(char::is_whitespace) {
        Some("a space")
    } else if dye.to_lowercase().ends_with(OME) && dye.len() > OME.len() {
        Some(".ome")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_an_accent_are_one_name() {
        assert_eq!(composed("Gru\u{308}n"), "Gr\u{fc}n");
        assert_eq!(composed("Gr\u{fc}n"), "Gr\u{fc}n");
        assert!(matches!(composed("CD070"), Cow::Borrowed("CD070")));
    }

    #[test]
    fn what_is_overlooked_is_left_out() {
        for name in [
            "DAPI",
            "dapi",
            "DAPI ",
            "Dapi.ome",
            "DAPI.OME ",
            " dapi.ome.ome",
        ] {
            assert_eq!(overlooked(name), "dapi", "{name:?}");
        }
        assert_eq!(overlooked(".ome"), ".ome");
        assert_eq!(odd_ending("DAPI "), Some("a space"));
        assert_eq!(odd_ending("DAPI.Ome"), Some(".ome"));
        assert_eq!(odd_ending("DAPI"), None);
        assert_eq!(odd_ending("488.nm"), None);
    }
}
