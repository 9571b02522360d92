//! The parameters of the five stages: one table, from which everything else about them comes.
//!
//! [`Params`] is the struct the stages read, [`REGISTRY`] the same table as data: names, abbreviations, stages, defaults,
//! ranges and what each means. Suffixes of file names ([`suffix`], [`parse_suffix`]), FITS cards, the JSON schema and the
//! table in the docs are all made from it.

mod black;
mod choices;
mod escape;
mod format;
mod registry;
mod suffix;
mod value;

pub use black::{BlackLevel, NoBlackLevel};
pub use choices::{CoarseMethod, LocalCorrectionChoice, NoData};
pub use format::format_g;
pub use registry::{Params, REGISTRY};
pub use suffix::{SuffixError, parse_suffix, suffix};
pub use value::{ParamError, ParamKind, ParamSpec, ParamValue};
