//! `e2m survey`: a look at the raw images without loading them.

use crate::exit::Exit;
use crate::human;
use crate::table::Table;
use crate::terminal::Terminal;
use e2m_image::PixelType;
use e2m_io::{ChunkLayout, Compression, Discovery, RawError, RawInfo, Survey};

/// Prints a table of all raw images found, and what is missing.
pub(crate) fn survey(found: &Discovery, crop_px: usize, terminal: &Terminal) -> Exit {
    let mut table = Table::new(&[
        "task",
        "image",
        "size px",
        "type",
        "file",
        "stored as",
        "channel",
        "max",
        "mean",
        "non-zero",
    ]);
    let mut unreadable = Vec::new();
    for pair in &found.pairs {
        let name = format!("{}/{}", pair.sample, pair.dye);
        for (stain, path) in [("post", &pair.post), ("pre", &pair.pre)] {
            match e2m_io::survey(path, crop_px) {
                Ok(survey) => add(&mut table, &name, stain, &survey),
                Err(error) => {
                    table.row([
                        name.clone(),
                        stain.to_owned(),
                        "cannot be read, see below".to_owned(),
                    ]);
                    unreadable.push(error);
                }
            }
        }
    }
    if !found.pairs.is_empty() {
        terminal.result(&table.to_string());
        terminal.summary(&format!(
            "\nmax, mean and non-zero are those of at most {crop_px} x {crop_px} px in the centre."
        ));
    }
    for note in &found.notes {
        terminal.warn(&note.to_string());
    }
    report(found, &unreadable, terminal)
}

fn report(found: &Discovery, unreadable: &[RawError], terminal: &Terminal) -> Exit {
    for error in unreadable {
        terminal.error(&error.to_string());
    }
    for missing in &found.missing {
        terminal.error(&missing.to_string());
    }
    match (found.missing.is_empty(), unreadable.is_empty()) {
        (false, _) => Exit::RawFiles,
        (true, false) => Exit::TaskFailed,
        (true, true) => Exit::Complete,
    }
}

/// One row per channel; what is the same for all channels stands in the first.
fn add(table: &mut Table, name: &str, stain: &str, survey: &Survey) {
    let info = &survey.info;
    let stored = stored(info);
    let kind = match info.pixel_type {
        PixelType::U8 => "8 bit",
        PixelType::U16 => "16 bit",
        PixelType::F32 => "float",
    };
    for (index, channel) in survey.channels.iter().enumerate() {
        let first = |text: &str| {
            if index == 0 {
                text.to_owned()
            } else {
                String::new()
            }
        };
        table.row([
            first(name),
            first(stain),
            first(&info.size.to_string()),
            first(kind),
            first(&human::bytes(info.file_bytes)),
            first(&stored),
            channel.name.clone(),
            format!("{}", channel.max),
            format!("{:.2}", channel.mean),
            format!("{:.1} %", 100.0 * channel.non_zero_share),
        ]);
    }
}

/// How the pixels lie in the file.
fn stored(info: &RawInfo) -> String {
    let mut words = vec![match info.compression {
        Compression::None => "uncompressed".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }];
    if let ChunkLayout::Tiles { .. } = info.layout {
        words.push("tiles".to_owned());
    }
    if info.big_tiff {
        words.push("BigTIFF".to_owned());
    }
    if info.pages > 1 {
        words.push(format!("first of {} pages", info.pages));
    }
    words.join(", ")
}
