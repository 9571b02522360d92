//! What an error message adds when the disk was full, or the file too large for this process.

use std::io::{self, ErrorKind};

/// How many bytes are missing, where that is what went wrong: `; at least 5 of its 9 bytes are missing`.
///
/// `needed` is the length of the whole file, `written` what has been handed to the system; some of that may not have
/// reached the disk either. Nothing is said of a file whose length nobody knows.
pub(crate) fn shortage(error: &io::Error, needed: u64, written: u64) -> String {
    let no_room = matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    );
    if !no_room {
        return String::new();
    }
    let mut text = String::new();
    if error.kind() == ErrorKind::FileTooLarge {
        text.push_str(&too_large());
    }
    if needed > 0 {
        let missing = grouped(needed.saturating_sub(written).max(1));
        text.push_str(&format!(
            "; at least {missing} of its {} bytes are missing",
            grouped(needed)
        ));
    }
    text
}

/// Which limit a file has grown beyond: that of the process, or where it has none that of the file system.
fn too_large() -> String {
    match largest_file() {
        Some(bytes) => format!(
            "; the file size limit of this process (`ulimit -f`) is {} bytes",
            grouped(bytes)
        ),
        None => "; the file system takes no file of this size".to_owned(),
    }
}

/// The longest file that this process may write, bytes; nothing where there is no limit.
#[cfg(target_os = "linux")]
fn largest_file() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Fsize).current
}

#[cfg(not(target_os = "linux"))]
fn largest_file() -> Option<u64> {
    None
}

/// `12,345,678`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lack_of_room_is_counted() {
        let full = io::Error::from(ErrorKind::StorageFull);
        assert_eq!(
            shortage(&full, 12_345_678, 345_678),
            "; at least 12,000,000 of its 12,345,678 bytes are missing"
        );
        assert_eq!(shortage(&full, 0, 0), "");
        let quota = io::Error::from(ErrorKind::QuotaExceeded);
        assert_eq!(
            shortage(&quota, 9, 20),
            "; at least 1 of its 9 bytes are missing"
        );
        assert_eq!(shortage(&io::Error::from(ErrorKind::NotFound), 9, 0), "");
        let large = shortage(&io::Error::from(ErrorKind::FileTooLarge), 9, 4);
        assert!(
            large.starts_with("; the file")
                && large.ends_with("; at least 5 of its 9 bytes are missing"),
            "{large}"
        );
    }
}
