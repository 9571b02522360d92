//! Hands what libFuzzer invents to the targets of `e2m-fuzz`.

/// Feeds the target of this name.
pub fn feed(name: &str, bytes: &[u8]) {
    match e2m_fuzz::target(name) {
        Some(target) => drop((target.run)(bytes)),
        None => panic!("there is no target {name}"),
    }
}
