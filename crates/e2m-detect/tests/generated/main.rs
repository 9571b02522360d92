//! Catalogues of generated pairs, held against their truth.
#![expect(
    clippy::print_stdout,
    reason = "the figures behind each rate are worth reading"
)]

mod field;
mod matching;
mod pairs;
mod rates;
mod same;
mod texts;
