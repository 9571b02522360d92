//! Header cards: one fact in 80 ASCII characters, as astropy writes them.
//!
//! Texts that FITS cannot hold are escaped. A backslash becomes `\\`. What is not printable ASCII becomes `\u` and four
//! hexadecimal digits per UTF-16 unit; so does a trailing space, which FITS would drop. Texts longer than a card go on in
//! CONTINUE cards.

use crate::checkpoint::facts::{Fact, FactValue};

/// Characters of a card.
pub(crate) const CARD_BYTES: usize = 80;
/// Characters of a text in one card of several: a card less keyword, quotes and `&`.
const PART_CHARACTERS: usize = 67;

/// The card or cards of a fact.
pub(crate) fn cards(fact: &Fact) -> Vec<String> {
    let value = match &fact.value {
        FactValue::Bool(value) => format!("{:>20}", if *value { "T" } else { "F" }),
        FactValue::Int(value) => format!("{value:>20}"),
        FactValue::Float(value) => format!("{:>20}", python_float(*value)),
        FactValue::Text(text) => {
            let units = units(text);
            let quoted = units.concat();
            if quoted.len() > PART_CHARACTERS + 1 {
                return continued(&fact.key, &units, &fact.comment);
            }
            let quoted = if quoted.is_empty() {
                "''".into()
            } else {
                format!("'{quoted:<8}'")
            };
            format!("{quoted:<20}")
        }
    };
    vec![card(&fact.key, &value, &fact.comment)]
}

/// `KEY     = value / comment`, the comment cut where the card ends.
fn card(key: &str, value: &str, comment: &str) -> String {
    let mut card = format!("{key:<8}= {value}");
    if !comment.is_empty() {
        card.push_str(" / ");
        card.push_str(&printable(comment));
    }
    full(card)
}

/// Exactly 80 characters; all of them are ASCII.
fn full(mut card: String) -> String {
    card.truncate(CARD_BYTES);
    format!("{card:<80}")
}

/// A text over several cards, the comment on the last one.
fn continued(key: &str, units: &[String], comment: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for unit in units {
        match parts.last_mut() {
            Some(part) if part.len() + unit.len() <= PART_CHARACTERS => part.push_str(unit),
            _ => parts.push(unit.clone()),
        }
    }
    let last = parts.len() - 1;
    let cards = parts.iter().enumerate().map(|(i, part)| {
        let head = if i == 0 {
            format!("{key:<8}= ")
        } else {
            "CONTINUE  ".to_owned()
        };
        match (i == last, comment.is_empty()) {
            (false, _) => full(format!("{head}'{part}&'")),
            (true, true) => full(format!("{head}'{part}'")),
            (true, false) => full(format!("{head}'{part}' / {}", printable(comment))),
        }
    });
    cards.collect()
}

fn printable(text: &str) -> String {
    let ascii = |c: char| {
        if c == ' ' || c.is_ascii_graphic() {
            c
        } else {
            '?'
        }
    };
    text.chars().map(ascii).collect()
}

/// A text in printable ASCII without trailing spaces, quotes doubled, character by character: cards are cut between them.
fn units(text: &str) -> Vec<String> {
    let kept = text.trim_end_matches(' ').len();
    let unit = |(i, c): (usize, char)| match c {
        '\\' => "\\\\".to_owned(),
        '\'' => "''".to_owned(),
        ' ' if i < kept => " ".to_owned(),
        c if c.is_ascii_graphic() => c.to_string(),
        c => {
            let units = c.encode_utf16(&mut [0; 2]).to_vec();
            units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }
    };
    text.char_indices().map(unit).collect()
}

/// Undoes the escapes of a text whose quotes are single again; backslashes that begin no escape stay as they are.
pub(crate) fn unescape(text: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let hex = rest.strip_prefix("\\u").and_then(|r| r.get(..4));
        let unit = hex.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let length = match unit {
            Some(unit) => {
                units.push(unit);
                6
            }
            None => {
                units.extend(c.encode_utf16(&mut [0; 2]).iter());
                if rest.starts_with("\\\\") {
                    2
                } else {
                    c.len_utf8()
                }
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    String::from_utf16_lossy(&units)
}

/// A float as Python writes it, with the capital `E` of FITS: `50.0`, `1.42`, `1E-07`, `1E+16`. Reads back exactly.
fn python_float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}E{sign}{:02}", exponent.abs());
    }
    let plain = format!("{value}");
    if plain.contains('.') {
        plain
    } else {
        format!("{plain}.0")
    }
}

/// The value and comment of one card; a text may end in `&`, to be continued.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CardValue {
    Text(String),
    Other(String),
}

/// Reads what follows the keyword of a card: value and comment.
pub(crate) fn parse_value(field: &str) -> (CardValue, String) {
    let field = field.trim_start();
    let Some(quoted) = field.strip_prefix('\'') else {
        let (value, comment) = field.split_once('/').unwrap_or((field, ""));
        return (
            CardValue::Other(value.trim().to_owned()),
            comment.trim().to_owned(),
        );
    };
    let mut text = String::new();
    let mut rest = quoted;
    while let Some((before, after)) = rest.split_once('\'') {
        text.push_str(before);
        rest = after;
        match rest.strip_prefix('\'') {
            Some(more) => {
                text.push('\'');
                rest = more;
            }
            None => break,
        }
    }
    let comment = rest
        .split_once('/')
        .map_or("", |(_, comment)| comment.trim());
    (
        CardValue::Text(text.trim_end_matches(' ').to_owned()),
        comment.to_owned(),
    )
}

/// A value that is not a text: `T`, `F`, a whole number or a float.
pub(crate) fn parse_other(value: &str) -> Option<FactValue> {
    match value {
        "T" => return Some(FactValue::Bool(true)),
        "F" => return Some(FactValue::Bool(false)),
        _ => {}
    }
    if let Ok(value) = value.parse() {
        return Some(FactValue::Int(value));
    }
    let float: f64 = value.replace(['D', 'd'], "E").parse().ok()?;
    float.is_finite().then_some(FactValue::Float(float))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(key: &str, value: impl Into<FactValue>, comment: &str) -> String {
        let fact = Fact {
            key: key.into(),
            value: value.into(),
            comment: comment.into(),
        };
        let cards = cards(&fact);
        assert_eq!(cards.len(), 1);
        cards[0].clone()
    }

    #[test]
    fn floats_are_written_as_python_does() {
        let cases = [
            (50.0, "50.0"),
            (1.42, "1.42"),
            (1e-6, "1E-06"),
            (-2.5e-7, "-2.5E-07"),
            (0.0001, "0.0001"),
            (1e15, "1000000000000000.0"),
            (1e16, "1E+16"),
            (1.5e300, "1.5E+300"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0023844987154007, "1.0023844987154007"),
        ];
        for (value, text) in cases {
            assert_eq!(python_float(value), text);
        }
    }

    #[test]
    fn texts_are_padded_and_quoted_as_astropy_does() {
        let pad = |card: &str| format!("{card:<80}");
        assert_eq!(
            one("SAMPLE", "T1500", "Sample name"),
            pad("SAMPLE  = 'T1500   '           / Sample name")
        );
        assert_eq!(
            one("STAGE", "03_interior_aligned", "Pipeline stage"),
            pad("STAGE   = '03_interior_aligned' / Pipeline stage")
        );
        assert_eq!(one("X", "o'clock", ""), pad("X       = 'o''clock'"));
        assert_eq!(one("X", "", ""), pad("X       = ''"));
    }

    #[test]
    fn a_comment_is_cut_where_the_card_ends() {
        let card = one("PAD", 500, &"c".repeat(100));
        assert_eq!(card.len(), CARD_BYTES);
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_its_escape(text in any::<String>()) {
            let escaped = units(&text).concat();
            prop_assert!(escaped.bytes().all(|b| (32..127).contains(&b)), "{escaped:?}");
            prop_assert!(!escaped.ends_with(' '));
            prop_assert_eq!(unescape(&escaped.replace("''", "'")), text);
        }

        #[test]
        fn any_float_comes_back_bit_for_bit(value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO) {
            let Some(FactValue::Float(back)) = parse_other(&python_float(value)) else {
                return Err(TestCaseError::fail("not a float"));
            };
            prop_assert_eq!(back.to_bits(), value.to_bits());
        }
    }
}
