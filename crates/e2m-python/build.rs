//! Tells the linker that Python's own functions are found when the module is loaded, which only macOS has to be told.

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
