//! The header: its cards in order, written and read.

use super::card::{self, CARD_BYTES, CardValue};
use super::cfitsio::checksum_characters;
use super::checksum::OnesSum;
use super::{BLOCK_BYTES, padded};
use crate::checkpoint::PixelKind;
use crate::checkpoint::facts::{Fact, FactValue, Facts};
use crate::section::read_exact_at;
use e2m_image::Size;
use std::fs::File;
use std::io;

/// Headers are read up to here; e2m's have about forty cards, 36 to a block.
const MAX_HEADER_BLOCKS: u64 = 200;
/// The fact behind which CREATED goes.
const CREATED_FOLLOWS: &str = "STAGE";
/// A card begins with its keyword, which takes so many bytes.
const KEY_BYTES: usize = 8;
/// The last card begins so and holds nothing else.
const END: &[u8; 8] = b"END     ";

/// The cards of a header but for its checksums.
///
/// `created` is the time of writing; it goes behind STAGE, or first where there is no STAGE.
pub(crate) fn header_text(size: Size, kind: PixelKind, facts: &Facts, created: &str) -> Header {
    let text = |text: &str| FactValue::Text(text.to_owned());
    let int = |value: usize| FactValue::Int(value as i64);
    let image = [
        ("SIMPLE", FactValue::Bool(true), "conforms to FITS standard"),
        ("BITPIX", FactValue::Int(kind.bitpix()), "array data type"),
        ("NAXIS", FactValue::Int(2), "number of array dimensions"),
        ("NAXIS1", int(size.width), ""),
        ("NAXIS2", int(size.height), ""),
        ("EXTEND", FactValue::Bool(true), ""),
    ];
    let image = image.map(|(key, value, comment)| cards(key, value, comment));
    let mut fact_cards = Vec::new();
    let mut created = Some(cards("CREATED", text(created), "File creation timestamp"));
    if facts.get(CREATED_FOLLOWS).is_none() {
        fact_cards.extend(created.take().unwrap_or_default());
    }
    for fact in facts.iter().filter(|fact| fact.key != "CREATED") {
        fact_cards.extend(card::cards(fact));
        if fact.key == CREATED_FOLLOWS {
            fact_cards.extend(created.take().unwrap_or_default());
        }
    }
    Header {
        image: image.concat(),
        facts: fact_cards,
    }
}

/// Whole blocks with these cards and END, for a header that is not one of a checkpoint.
pub(crate) fn header_blocks(all: &[(&str, FactValue, &str)]) -> Vec<u8> {
    let all = all.iter();
    let spelt = all.flat_map(|(key, value, comment)| cards(key, value.clone(), comment));
    let mut bytes = spelt.collect::<String>().into_bytes();
    bytes.extend(END);
    bytes.resize(padded(bytes.len() as u64) as usize, b' ');
    bytes
}

fn cards(key: &str, value: FactValue, comment: &str) -> Vec<String> {
    card::cards(&Fact {
        key: key.to_owned(),
        value,
        comment: comment.to_owned(),
    })
}

/// Cards of a header that still lacks its checksums.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    /// What every image begins with.
    image: Vec<String>,
    facts: Vec<String>,
}

impl Header {
    /// The blocks of a header with the cards of the image and room for all others before END: what CFITSIO needs to open
    /// a file, and as long as the header will be, so that pixels can follow.
    pub(crate) fn blocks(&self) -> Vec<u8> {
        let cards = self.image.len() + self.facts.len() + 3; // two checksums and END
        let length = padded((cards * CARD_BYTES) as u64) as usize;
        let mut bytes = self.image.concat().into_bytes();
        bytes.resize(length - CARD_BYTES, b' ');
        bytes.extend(END);
        bytes.resize(length, b' ');
        bytes
    }

    /// The cards that follow those of [`Header::blocks`].
    pub(crate) fn fact_cards(&self) -> &[String] {
        &self.facts
    }

    /// The last two cards, which follow all others, for data that adds up to `data`.
    pub(crate) fn checksum_cards(&self, data: OnesSum) -> Vec<String> {
        let datasum = cards(
            "DATASUM",
            FactValue::Text(data.value().to_string()),
            "data unit checksum",
        );
        let with = |checksum: String| {
            let card = cards("CHECKSUM", FactValue::Text(checksum), "HDU checksum");
            [card, datasum.clone()].concat()
        };
        let zeros = with("0".repeat(16)).concat();
        let mut bytes = [self.image.concat(), self.facts.concat(), zeros]
            .concat()
            .into_bytes();
        bytes.extend(END);
        bytes.resize(padded(bytes.len() as u64) as usize, b' ');
        let mut sum = data;
        sum.add_bytes(&bytes);
        with(checksum_characters(sum.value()))
    }
}

/// What a header says about its file.
#[derive(Debug, Clone)]
pub(crate) struct FitsHeader {
    pub(crate) size: Size,
    pub(crate) facts: Facts,
    /// The cards before END, without trailing spaces.
    pub(crate) cards: Vec<String>,
    /// Where the pixels begin, bytes.
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
    /// Reads the primary header of `file`, whose pixels have to be of this kind, and checks that its data can be there.
    pub(crate) fn read(
        file: &File,
        file_bytes: u64,
        pixels: PixelKind,
    ) -> Result<Self, HeaderProblem> {
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
        if kind != (Some(pixels.bitpix()), Some(2)) {
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
            .checked_mul(pixels.bytes())
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
            cards: cards_before_end(&bytes),
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
            .any(|card| card.starts_with(END));
        bytes.extend(next);
        if ends {
            return Ok(bytes);
        }
    }
    Err(HeaderProblem::Damaged(format!(
        "its header has no end within {MAX_HEADER_BLOCKS} blocks"
    )))
}

/// The cards before END, without trailing spaces and without the blank ones that keep room.
fn cards_before_end(bytes: &[u8]) -> Vec<String> {
    let cards = bytes.chunks_exact(CARD_BYTES);
    let mut cards: Vec<String> = cards
        .take_while(|card| !card.starts_with(END))
        .map(|card| String::from_utf8_lossy(card).trim_end().to_owned())
        .collect();
    while cards.pop_if(|card| card.is_empty()).is_some() {}
    cards
}

/// The cards with values, texts put together again.
fn entries(bytes: &[u8]) -> Result<Vec<Fact>, HeaderProblem> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| HeaderProblem::Damaged("its header is not ASCII text".into()))?;
    let mut entries: Vec<Fact> = Vec::new();
    let mut open = false; // the last text ended in `&`
    for start in (0..text.len()).step_by(CARD_BYTES) {
        let card = text.get(start..start + CARD_BYTES);
        let Some((key, field)) = card.and_then(|card| card.split_at_checked(KEY_BYTES)) else {
            break;
        };
        let key = key.trim_end();
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
