//! The scale of generated pairs: how accurate it is, and what it does not depend on.

mod accuracy;
mod pairs;
mod robustness;
mod verdict;
