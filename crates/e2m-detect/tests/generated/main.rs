//! Catalogues of generated pairs, held against their truth.

mod matching;
mod pairs;
mod rates;
mod same;
mod texts;
