//! `e2m docs`: the pages of the documentation, which are part of the program.

use crate::exit::Exit;
use crate::table::Table;
use crate::terminal::Terminal;
use e2m_batch::batch_file::nearest;

/// A page.
struct Page {
    /// What it is asked for by.
    name: &'static str,
    /// What it answers.
    about: &'static str,
    /// Its Markdown.
    text: &'static str,
}

macro_rules! pages {
    ($($name:literal, $about:literal;)*) => {
        const PAGES: &[Page] = &[$(Page {
            name: $name,
            about: $about,
            text: include_str!(concat!("../pages/", $name, ".md")),
        },)*];
    };
}

pages! {
    "install", "The archive that needs nothing installed, containers, from source, other systems";
    "quickstart", "From a folder of images to a difference you trust, step by step";
    "troubleshooting", "From what you see, or from a message, to what to do";
    "running", "From a look before the start to what is left in the morning: commands, files, exit codes";
    "batch-file", "Every key of the batch file, and the commented file that `e2m init` writes";
    "parameters", "Every parameter of the stages, and when to change it (shorter: `e2m params`)";
    "raw-files", "Which images are read, which page and channel of them, how folders and files are named";
    "trust", "The verdicts pass, suspect and fail: what each reason means and what to do";
    "pictures", "Each picture of a task: what it shows, and what a good and a bad one look like";
    "detection", "How microbes are found, every column of the catalogue, and how sure it is";
    "web", "The web app: `e2m serve`, what it shows, who is let in, its addresses";
    "python", "The module e2m for Python: batches, tasks and arrays; notebooks of exo2micro";
    "export", "Results in QuPath, Fiji, napari, DS9 and Python; OME-TIFF, OME-Zarr, TIFF and FITS";
    "apply", "Other channels, masks, points and outlines through the warp of a task";
    "accuracy", "How far off alignment and scale are on pairs whose truth is known";
    "reliability", "What happens when a run is killed, a disk is full or a file changes";
    "on-a-cluster", "SLURM, Snakemake and other engines";
    "benchmarks", "Time and memory, measured, with the commands";
    "from-exo2micro", "What is the same as in the Python program, what is not, and why";
    "glossary", "What each word means";
    "CHANGELOG", "What has changed from version to version";
}

/// Prints a page, or the list of all.
pub(crate) fn show(name: Option<&str>, terminal: &Terminal) -> Exit {
    let Some(name) = name else {
        let mut table = Table::new(&["page", "what it answers"]);
        for page in PAGES {
            table.row([page.name.to_owned(), page.about.to_owned()]);
        }
        let place = concat!(env!("CARGO_PKG_REPOSITORY"), "/tree/main/docs");
        terminal.result(&format!(
            "{table}\n\n`e2m docs PAGE` prints one; with pictures they are at {place}"
        ));
        return Exit::Complete;
    };
    let asked = name.trim_start_matches("docs/").trim_end_matches(".md");
    if let Some(page) = PAGES
        .iter()
        .find(|page| page.name.eq_ignore_ascii_case(asked))
    {
        terminal.result(&readable(page.text));
        return Exit::Complete;
    }
    let names = || PAGES.iter().map(|page| page.name);
    terminal.error(&match nearest(asked, names(), 0.5) {
        Some(meant) => format!("there is no page {name:?}; did you mean `e2m docs {meant}`?"),
        None => format!(
            "there is no page {name:?}; the pages are {}",
            names().collect::<Vec<_>>().join(", ")
        ),
    });
    Exit::BadInput
}

/// Without the marks that say how its commands are tried (docs/CONTRIBUTING.md).
fn readable(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("<!-- run:"));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_a_heading_and_a_text() {
        for page in PAGES {
            // A checkout that cannot have links would hold their targets' names instead.
            assert!(
                page.text.starts_with("# ") || page.text.starts_with("<!--"),
                "{}",
                page.name
            );
            assert!(page.text.lines().count() > 20, "{}", page.name);
            assert!(!readable(page.text).contains("<!-- run"), "{}", page.name);
        }
    }
}
