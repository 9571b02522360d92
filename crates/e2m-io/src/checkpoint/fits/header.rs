//! The header: its cards in order, written and read.

use super::card::{self, CARD_BYTES, CardValue};
use super::checksum::OnesSum;
use super::{BLOCK_BYTES, padded};
use crate::checkpoint::facts::{Fact, FactValue, Facts};
use crate::section::read_exact_at;
use e2m_image::Size;
use std::fs::File;
use std::io;

/// Headers are read up to here; e2m's have about forty cards, 36 to a block.
const MAX_HEADER_BLOCKS: u64 = 200;
/// The fact behind which CREATED goes.
const CREATED_FOLLOWS: &str = "STAGE";

/// The text of a header without checksums: whole blocks.
///
/// `created` is the time of writing; it goes behind STAGE, or first where there is no STAGE.
pub(crate) fn header_text(size: Size, facts: &Facts, created: &str) -> Header {
    let mut cards = Vec::new();
    let mut push = |key: &str, value: FactValue, comment: &str| {
        cards.extend(card::cards(&Fact {
            key: key.to_owned(),
            value,
            comment: comment.to_owned(),
        }));
    };
    let int = |value: usize| FactValue::Int(value as i64);
    push("SIMPLE", FactValue::Bool(true), "conforms to FITS standard");
    push("BITPIX", FactValue::Int(-32), "array data type");
    push("NAXIS", FactValue::Int(2), "number of array dimensions");
    push("NAXIS1", int(size.width), "");
    push("NAXIS2", int(size.height), "");
    push("EXTEND", FactValue::Bool(true), "");
    let text = |text: &str| FactValue::Text(text.to_owned());
    let mut created = Some(created);
    if facts.get(CREATED_FOLLOWS).is_none()
        && let Some(time) = created.take()
    {
        push("CREATED", text(time), "File creation timestamp");
    }
    for fact in facts.iter().filter(|fact| fact.key != "CREATED") {
        push(&fact.key, fact.value.clone(), &fact.comment);
        if fact.key == CREATED_FOLLOWS
            && let Some(time) = created.take()
        {
            push("CREATED", text(time), "File creation timestamp");
        }
    }
    Header { cards }
}

/// Cards of a header that still lacks its checksums.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    cards: Vec<String>,
}

impl Header {
    /// The bytes with the checksums of a unit whose data adds up to `data`.
    pub(crate) fn sealed(&self, data: OnesSum) -> Vec<u8> {
        let unsealed = self.bytes("0000000000000000", data);
        let mut sum = data;
        sum.add_bytes(&unsealed);
        self.bytes(&sum.complement_characters(), data)
    }

    fn bytes(&self, checksum: &str, data: OnesSum) -> Vec<u8> {
        let text = |key: &str, value: String, comment: &str| {
            card::cards(&Fact {
                key: key.into(),
                value: FactValue::Text(value),
                comment: comment.into(),
            })
        };
        let mut bytes = self.cards.concat().into_bytes();
        for card in text("CHECKSUM", checksum.to_owned(), "HDU checksum")
            .into_iter()
            .chain(text(
                "DATASUM",
                data.value().to_string(),
                "data unit checksum",
            ))
        {
            bytes.extend(card.bytes());
        }
        bytes.extend(b"END");
        let length = padded(bytes.len() as u64) as usize;
        bytes.resize(length, b' ');
        bytes
    }
}

/// What a header says about its file.
#[derive(Debug, Clone)]
pub(crate) struct FitsHeader {
    pub(crate) size: Size,
    pub(crate) facts: Facts,
    /// Where the pixels begin.
    pub(crate) data_start: u64,
    /// The sum of the header's own bytes.
    pub(crate) sum: OnesSum,
    pub(crate) has_checksum: bool,
    pub(crate) datasum: Option<u32>,
}

/// Why a header is refused.
#[derive(Debug)]
pub(crate) enum HeaderProblem {
    Read(io::Error),
    Truncated { expected_bytes: u64 },
    Damaged(String),
    NotFloat(String),
}

impl FitsHeader {
    /// Reads the primary header of `file` and checks that its data can be there.
    pub(crate) fn read(file: &File, file_bytes: u64) -> Result<Self, HeaderProblem> {
        let bytes = header_bytes(file, file_bytes)?;
        let mut entries = entries(&bytes)?;
        let mut sum = OnesSum::default();
        sum.add_bytes(&bytes);
        let int = |key: &str| match entries.iter().find(|e| e.key == key)?.value {
            FactValue::Int(value) => Some(value),
            _ => None,
        };
        let axis = |key: &str| {
            let value = int(key)
                .and_then(|v| u32::try_from(v).ok())
                .filter(|&v| v > 0);
            value.ok_or_else(|| HeaderProblem::Damaged(format!("{key} is missing or not a length")))
        };
        let kind = (int("BITPIX"), int("NAXIS"));
        if kind != (Some(-32), Some(2)) {
            let show = |n: Option<i64>| n.map_or("none".to_owned(), |n| n.to_string());
            return Err(HeaderProblem::NotFloat(format!(
                "an array with BITPIX {} and NAXIS {}",
                show(kind.0),
                show(kind.1)
            )));
        }
        let scaled = |key: &str, neutral: f64| {
            let entry = entries.iter().find(|e| e.key == key).map(|e| &e.value);
            !matches!(entry, None | Some(FactValue::Int(_) | FactValue::Float(_)))
                || match entry {
                    Some(FactValue::Int(value)) => *value as f64 != neutral,
                    Some(FactValue::Float(value)) => *value != neutral,
                    _ => false,
                }
        };
        if scaled("BSCALE", 1.0) || scaled("BZERO", 0.0) {
            return Err(HeaderProblem::NotFloat(
                "scaled values (BSCALE, BZERO)".into(),
            ));
        }
        let size = Size::new(axis("NAXIS1")? as usize, axis("NAXIS2")? as usize);
        let data_start = bytes.len() as u64;
        let expected_bytes = size
            .pixels()
            .checked_mul(4)
            .map(|data| data_start.saturating_add(padded(data)))
            .ok_or_else(|| HeaderProblem::Damaged(format!("it promises {size} pixels")))?;
        if file_bytes < expected_bytes {
            return Err(HeaderProblem::Truncated { expected_bytes });
        }
        let datasum = entries
            .iter()
            .find(|e| e.key == "DATASUM")
            .map(|e| e.value.to_string());
        let has_checksum = entries.iter().any(|e| e.key == "CHECKSUM");
        let mut facts = Facts::new();
        for entry in entries.drain(..) {
            // Cards that belong to the format, or are no facts of e2m, are left out.
            let _ = facts.set(&entry.key, entry.value, &entry.comment);
        }
        Ok(Self {
            size,
            facts,
            data_start,
            sum,
            has_checksum,
            datasum: datasum.and_then(|sum| sum.trim().parse().ok()),
        })
    }
}

/// The blocks up to and with the one that holds END.
fn header_bytes(file: &File, file_bytes: u64) -> Result<Vec<u8>, HeaderProblem> {
    let mut bytes = Vec::new();
    for block in 0..MAX_HEADER_BLOCKS {
        let start = block * BLOCK_BYTES;
        if file_bytes < start + BLOCK_BYTES {
            return Err(HeaderProblem::Truncated {
                expected_bytes: start + BLOCK_BYTES,
            });
        }
        let mut next = vec![0; BLOCK_BYTES as usize];
        read_exact_at(file, &mut next, start).map_err(HeaderProblem::Read)?;
        if !next.iter().all(|b| (32..127).contains(b)) {
            return Err(HeaderProblem::Damaged(format!(
                "header block {} is not ASCII text",
                block + 1
            )));
        }
        let ends = next
            .chunks_exact(CARD_BYTES)
            .any(|card| card.starts_with(b"END     "));
        bytes.extend(next);
        if ends {
            return Ok(bytes);
        }
    }
    Err(HeaderProblem::Damaged(format!(
        "its header has no end within {MAX_HEADER_BLOCKS} blocks"
    )))
}

/// The cards with values, texts put together again.
fn entries(bytes: &[u8]) -> Result<Vec<Fact>, HeaderProblem> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| HeaderProblem::Damaged("its header is not ASCII text".into()))?;
    let mut entries: Vec<Fact> = Vec::new();
    let mut open = false; // the last text ended in `&`
    for start in (0..text.len()).step_by(CARD_BYTES) {
        let card = &text[start..start + CARD_BYTES];
        let (key, field) = (card[..8].trim_end(), &card[8..]);
        if key == "END" {
            break;
        }
        if key == "CONTINUE" {
            let (value, comment) = card::parse_value(field);
            if let (
                true,
                CardValue::Text(part),
                Some(Fact {
                    value: FactValue::Text(text),
                    comment: c,
                    ..
                }),
            ) = (open, value, entries.last_mut())
            {
                text.pop(); // the `&`
                open = part.ends_with('&');
                text.push_str(&part);
                c.push_str(&comment);
            }
            continue;
        }
        open = false;
        let Some(field) = field.strip_prefix("= ") else {
            continue; // a comment
        };
        let (value, comment) = card::parse_value(field);
        let value = match value {
            CardValue::Text(text) => {
                open = text.ends_with('&');
                Some(FactValue::Text(text))
            }
            CardValue::Other(other) => card::parse_other(&other),
        };
        if let Some(value) = value {
            entries.push(Fact {
                key: key.to_owned(),
                value,
                comment,
            });
        }
    }
    for entry in &mut entries {
        if let FactValue::Text(text) = &mut entry.value {
            *text = card::unescape(text);
        }
    }
    Ok(entries)
}
