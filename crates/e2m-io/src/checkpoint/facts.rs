//! What a checkpoint says about itself: an ordered list of named values, the same in TIFF and FITS.

use e2m_image::{Warp, WarpError};
use serde_json::Value;
use std::fmt;

/// Keys are FITS keywords.
const MAX_KEY_LENGTH: usize = 8;
/// More facts than these are not looked at in a TIFF's description; e2m writes about forty. Keys are compared one by one, so
/// that a description of 100,000 would take minutes.
const MAX_FACTS_READ: usize = 1000;
/// Keywords that describe the file itself and are written by the writers.
const RESERVED: [&str; 16] = [
    "SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "EXTEND", "XTENSION", "PCOUNT", "GCOUNT",
    "BSCALE", "BZERO", "CHECKSUM", "DATASUM", "CONTINUE", "COMMENT", "END",
];

/// A value of a [`Fact`].
#[derive(Debug, Clone, PartialEq)]
pub enum FactValue {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A finite float; kept to the last bit.
    Float(f64),
    /// Any text.
    Text(String),
}

macro_rules! fact_from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl From<$from> for FactValue {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}
fact_from!(bool => Bool, i32 => Int, i64 => Int, u32 => Int, f32 => Float, f64 => Float, &str => Text, String => Text);

impl fmt::Display for FactValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(value) => f.write_str(value),
        }
    }
}

/// One named value.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// At most eight of `A-Z`, `0-9`, `-` and `_`.
    pub key: String,
    /// The value.
    pub value: FactValue,
    /// What it means; kept in FITS as far as the card has room, not kept in TIFF.
    pub comment: String,
}

/// Why something cannot be a [`Fact`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FactError {
    /// Not a keyword.
    #[error("{0:?} is not a key: one to eight of A-Z, 0-9, - and _ are")]
    Key(String),
    /// A keyword that belongs to the file format.
    #[error("{0} belongs to the file format")]
    Reserved(String),
    /// Infinity and NaN can be written in neither format.
    #[error("{key} is {value}, which cannot be written")]
    NotFinite {
        /// The key.
        key: String,
        /// The value.
        value: f64,
    },
}

/// An ordered list of [`Fact`]s with unique keys.
///
/// ```
/// use e2m_io::Facts;
/// use e2m_image::Warp;
///
/// let mut facts = Facts::new();
/// facts.set("SAMPLE", "CD070", "Sample name")?;
/// facts.set("PAD", 2000, "pad")?;
/// facts.set_warp(&Warp::translation(0.1, -3.0));
/// assert_eq!(facts.get_int("PAD"), Some(2000));
/// assert_eq!(facts.warp(), Some(Warp::translation(0.1, -3.0)));
/// # Ok::<(), e2m_io::FactError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    facts: Vec<Fact>,
}

impl Facts {
    /// No facts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a value; a new key goes to the end, a known one keeps its place.
    pub fn set(
        &mut self,
        key: &str,
        value: impl Into<FactValue>,
        comment: &str,
    ) -> Result<&mut Self, FactError> {
        let value = value.into();
        if !is_key(key) {
            return Err(FactError::Key(key.to_owned()));
        }
        if RESERVED.contains(&key) {
            return Err(FactError::Reserved(key.to_owned()));
        }
        if let FactValue::Float(value) = value
            && !value.is_finite()
        {
            return Err(FactError::NotFinite {
                key: key.to_owned(),
                value,
            });
        }
        self.put(key, value, comment);
        Ok(self)
    }

    /// Sets what is known to be a valid fact.
    fn put(&mut self, key: &str, value: FactValue, comment: &str) {
        let fact = Fact {
            key: key.to_owned(),
            value,
            comment: comment.to_owned(),
        };
        match self.facts.iter_mut().find(|known| known.key == key) {
            Some(known) => *known = fact,
            None => self.facts.push(fact),
        }
    }

    /// Sets how large a pixel is, micrometres along x and y: as `XPIXSZ` and `YPIXSZ`, and as the linear coordinates of FITS, whose
    /// zero is the corner of the canvas that is stored first. TIFFs have it as their resolution too.
    ///
    /// # Errors
    /// Where a size is infinite or not a number.
    pub fn set_um_per_px(&mut self, um: [f64; 2]) -> Result<&mut Self, FactError> {
        for (axis, um) in [("X", um[0]), ("Y", um[1])] {
            self.set(
                &format!("{axis}PIXSZ"),
                um,
                &format!("Size of a pixel along {} (um)", axis.to_lowercase()),
            )?;
        }
        for (axis, um) in ["1", "2"].into_iter().zip(um) {
            self.set(&format!("CRPIX{axis}"), 0.5, "Where the canvas begins")?;
            self.set(&format!("CRVAL{axis}"), 0.0, "Coordinate there")?;
            self.set(&format!("CDELT{axis}"), um, "Step per pixel")?;
            self.set(&format!("CUNIT{axis}"), "um", "Unit of the coordinate")?;
        }
        Ok(self)
    }

    /// How large a pixel is, micrometres along x and y, if [`Facts::set_um_per_px`] has said it.
    pub fn um_per_px(&self) -> Option<[f64; 2]> {
        Some([self.get_float("XPIXSZ")?, self.get_float("YPIXSZ")?])
    }

    /// Sets the nine entries of a warp as `W11` to `W33`.
    pub fn set_warp(&mut self, warp: &Warp) -> &mut Self {
        for (r, row) in warp.rows().into_iter().enumerate() {
            for (c, entry) in row.into_iter().enumerate() {
                let comment = format!("Warp post to pre, row {} column {}", r + 1, c + 1);
                self.put(&warp_key(r, c), FactValue::Float(entry), &comment);
            }
        }
        self
    }

    /// The warp in `W11` to `W33`, bit for bit what was set; none where entries are missing or make no warp.
    pub fn warp(&self) -> Option<Warp> {
        self.try_warp().and_then(Result::ok)
    }

    fn try_warp(&self) -> Option<Result<Warp, WarpError>> {
        let mut rows = [[0.0; 3]; 3];
        for (r, row) in rows.iter_mut().enumerate() {
            for (c, entry) in row.iter_mut().enumerate() {
                *entry = self.get_float(&warp_key(r, c))?;
            }
        }
        Some(Warp::new(rows))
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&FactValue> {
        self.facts.iter().find(|f| f.key == key).map(|f| &f.value)
    }

    /// The value of a key if it is a text.
    pub fn get_text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            FactValue::Text(value) => Some(value),
            _ => None,
        }
    }

    /// The value of a key if it is a number.
    pub fn get_float(&self, key: &str) -> Option<f64> {
        match self.get(key)? {
            FactValue::Float(value) => Some(*value),
            FactValue::Int(value) => Some(*value as f64),
            _ => None,
        }
    }

    /// The value of a key if it is a whole number.
    pub fn get_int(&self, key: &str) -> Option<i64> {
        match self.get(key)? {
            FactValue::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of a key if it is a bool.
    pub fn get_bool(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            FactValue::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The facts in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Fact> {
        self.facts.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// Whether keys, values and their order are the same; comments do not count.
    pub fn same_values(&self, other: &Self) -> bool {
        let own = self.facts.iter().map(|f| (&f.key, &f.value));
        own.eq(other.facts.iter().map(|f| (&f.key, &f.value)))
    }

    /// The facts as a JSON object of ASCII characters only, as TIFF wants its texts.
    pub(crate) fn to_json(&self) -> String {
        let object: serde_json::Map<String, Value> = self
            .facts
            .iter()
            .map(|fact| {
                let value = match &fact.value {
                    FactValue::Bool(value) => Value::from(*value),
                    FactValue::Int(value) => Value::from(*value),
                    FactValue::Float(value) => Value::from(*value),
                    FactValue::Text(value) => Value::from(value.as_str()),
                };
                (fact.key.clone(), value)
            })
            .collect();
        let mut ascii = String::new();
        for c in Value::from(object).to_string().chars() {
            if c.is_ascii() && c != '\x7f' {
                ascii.push(c);
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    ascii.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
        ascii
    }

    /// What in `text` are facts: the valid entries of a JSON object. Other descriptions hold none.
    pub(crate) fn from_json(text: &str) -> Self {
        let mut facts = Self::new();
        let Ok(Value::Object(object)) = serde_json::from_str(text) else {
            return facts;
        };
        for (key, value) in object.into_iter().take(MAX_FACTS_READ) {
            let value = match value {
                Value::Bool(value) => FactValue::Bool(value),
                Value::String(value) => FactValue::Text(value),
                Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                    (Some(value), _) => FactValue::Int(value),
                    (None, Some(value)) => FactValue::Float(value),
                    (None, None) => continue,
                },
                Value::Null | Value::Array(_) | Value::Object(_) => continue,
            };
            // What is no fact was not written by e2m and is nothing to it.
            let _ = facts.set(&key, value, "");
        }
        facts
    }
}

impl<'a> IntoIterator for &'a Facts {
    type Item = &'a Fact;
    type IntoIter = std::slice::Iter<'a, Fact>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn warp_key(row: usize, column: usize) -> String {
    format!("W{}{}", row + 1, column + 1)
}

fn is_key(key: &str) -> bool {
    let character =
        |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    (1..=MAX_KEY_LENGTH).contains(&key.len()) && key.bytes().all(character)
}
