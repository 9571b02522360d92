//! The program `e2m`; everything is in the library.

fn main() -> std::process::ExitCode {
    e2m_cli::main()
}
