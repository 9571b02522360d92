//! placeholder while compiling tests
mod measure;
fn main() {}
