//! Texts of users in file names: whatever could part a name, or mean something to a shell, as `%` and two hexadecimal digits.

/// The text as it stands in a file name.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// The text behind that; `None` for what [`escape`] does not write.
pub(super) fn unescape(escaped: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = escaped.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    let text = String::from_utf8(bytes).ok()?;
    (escape(&text) == escaped).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        for (text, escaped) in [
            ("G", "G"),
            ("Alexa Fluor 488", "Alexa%20Fluor%20488"),
            ("ch_1/\u{b5}", "ch%5F1%2F%C2%B5"),
        ] {
            assert_eq!(escape(text), escaped);
            assert_eq!(unescape(escaped).as_deref(), Some(text));
        }
        for odd in ["%2", "%zz", "a b", "%ff", "%5f"] {
            assert_eq!(unescape(odd), None, "{odd}");
        }
    }
}
