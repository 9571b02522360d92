//! The program `e2m`; everything is in the library.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::get_unwrap,
        clippy::panic,
        clippy::panic_in_result_fn,
        clippy::string_slice,
        clippy::unreachable
    )
)]

fn main() -> std::process::ExitCode {
    e2m_cli::main()
}
