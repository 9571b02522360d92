//! `e2m init`: a batch file to start from, and on request a table of the images that lie there.

use crate::args::InitArgs;
use crate::exit::Exit;
use crate::terminal::Terminal;
use e2m_batch::batch_file::file_table::{ProposedTable, propose_table};
use e2m_batch::batch_file::{BatchFile, BatchFileError, DEFAULT_FILE, Files, USUAL_NAME};
use e2m_io::StainWords;
use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

/// The table beside a batch file.
const TABLE_NAME: &str = "files.csv";

/// Writes the commented batch file, unless there is one.
pub(crate) fn run(args: &InitArgs, terminal: &Terminal) -> Exit {
    if args.table {
        return with_table(args, terminal);
    }
    let path = args.dir.join(USUAL_NAME);
    let shown = shown(&path);
    match write_new(&args.dir, &path, DEFAULT_FILE) {
        Ok(()) => {
            terminal.result(&format!(
                "Wrote {shown}. Put your images into the folder raw beside it, one folder per sample, or change raw_dir \
                 in it; then\n  e2m --dry-run {shown}   shows what would run\n  e2m {shown}             runs it"
            ));
            Exit::Complete
        }
        Err(error) => refuse(&path, &error, terminal),
    }
}

/// Writes a table of the images below the raw folder, unless there is one, and where there is no batch file one that uses it.
fn with_table(args: &InitArgs, terminal: &Terminal) -> Exit {
    let (batch_path, table_path) = (args.dir.join(USUAL_NAME), args.dir.join(TABLE_NAME));
    let (raw_dir, words, has_batch) = match batch_path.exists() {
        false => (args.dir.join("raw"), StainWords::default(), false),
        // Not read whole: it may name the table that is yet to be written.
        true => match parsed(&batch_path) {
            Ok(batch) => (batch.raw_dir(), words_of(&batch.files), true),
            Err(error) => {
                terminal.error(&error.to_string());
                return Exit::BadInput;
            }
        },
    };
    // Below the folder of the table, as it will be read.
    let folder = std::path::absolute(&args.dir).unwrap_or_else(|_| args.dir.clone());
    let raw_dir = std::path::absolute(&raw_dir).unwrap_or(raw_dir);
    let ProposedTable {
        csv,
        complete,
        incomplete,
        unplaced,
    } = match propose_table(&raw_dir, &folder, &words) {
        Ok(table) => table,
        Err(error) => {
            terminal.error(&format!(
                "{} cannot be listed: {error}; put the images there, or name their folder as raw_dir in {}",
                raw_dir.display(),
                shown(&batch_path)
            ));
            return Exit::BadInput;
        }
    };
    if let Err(error) = write_new(&args.dir, &table_path, &csv) {
        return refuse(&table_path, &error, terminal);
    }
    let mut text = format!(
        "Wrote {}: {complete} with both images, {incomplete} with one of them, and {unplaced} files that have no place (in comments). \
         Correct it in any editor or spreadsheet",
        shown(&table_path)
    );
    if unplaced > 0 {
        text.push_str(
            " (where file names have words of their own for pre and post, name these in the batch file first, such as \
             [files] pre = [\"before\"] and post = [\"after\"], and begin again)",
        );
    }
    if has_batch {
        text.push_str(&format!(
            ", and have it used by two lines in {}:\n  [files]\n  table = \"{TABLE_NAME}\"",
            shown(&batch_path)
        ));
    } else {
        let batch = format!("{DEFAULT_FILE}\n[files]\ntable = \"{TABLE_NAME}\"\n");
        if let Err(error) = write_new(&args.dir, &batch_path, &batch) {
            return refuse(&batch_path, &error, terminal);
        }
        let shown = shown(&batch_path);
        text.push_str(&format!(
            ". {shown}, which is new too, uses it:\n  e2m --dry-run {shown}   shows what would run"
        ));
    }
    terminal.result(&text);
    Exit::Complete
}

/// A batch file without the table that it may name.
fn parsed(path: &Path) -> Result<BatchFile, BatchFileError> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    // What is wrong with it is said as for every command.
    BatchFile::parse(&path, &text).or_else(|_| BatchFile::read(&path))
}

fn words_of(files: &Files) -> StainWords {
    let naming = files.naming();
    naming.map(|naming| naming.words).unwrap_or_default()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

fn write_new(folder: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
        .and_then(|()| File::create_new(path))
        .and_then(|mut file| file.write_all(text.as_bytes()))
}

fn refuse(path: &Path, error: &std::io::Error, terminal: &Terminal) -> Exit {
    let shown = shown(path);
    if error.kind() == ErrorKind::AlreadyExists && path.exists() {
        terminal.error(&format!(
            "{shown} is there already and was left as it is; name another folder: e2m init DIR"
        ));
    } else {
        terminal.error(&format!("{shown} cannot be written: {error}"));
    }
    Exit::BadInput
}
