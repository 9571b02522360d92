//! `e2m survey`: the raw images, without loading them.

use crate::args::SurveyArgs;
use crate::exit::Exit;
use crate::table::Table;
use crate::terminal::Terminal;
use e2m_batch::{BatchFile, BatchSurvey, SurveyedImage, human};
use e2m_image::PixelType;
use e2m_io::{ChunkLayout, Compression, Discovery, RawFormat, RawInfo, Survey};
use serde_json::{Value, json};

/// Prints a table of all raw images found, and what is missing.
pub(crate) fn survey(
    (batch, found): (&BatchFile, &Discovery),
    args: &SurveyArgs,
    terminal: &Terminal,
) -> Exit {
    let crop_px = args.crop as usize;
    let surveyed = e2m_batch::survey(batch, found, crop_px);
    if args.json {
        terminal.result(&document(&surveyed).to_string());
    } else {
        show_table(&surveyed, crop_px, terminal);
    }
    for doubt in &surveyed.doubts {
        terminal.warn(doubt);
    }
    for note in &surveyed.notes {
        terminal.warn(note);
    }
    for error in surveyed.errors() {
        terminal.error(&error.to_string());
    }
    for missing in &surveyed.missing {
        terminal.error(&missing.to_string());
    }
    if !surveyed.missing.is_empty() {
        Exit::RawFiles
    } else if surveyed.errors().next().is_some() {
        Exit::TaskFailed
    } else {
        Exit::Complete
    }
}

/// The same for other programs.
fn document(surveyed: &BatchSurvey) -> Value {
    let image = |image: &SurveyedImage| match &image.survey {
        Ok(survey) => json!({"task": image.task, "image": image.stain, "survey": survey}),
        Err(error) => {
            json!({"task": image.task, "image": image.stain, "error": error.to_string()})
        }
    };
    let missing = surveyed.missing.iter().map(ToString::to_string);
    json!({
        "schema": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "images": surveyed.images.iter().map(image).collect::<Vec<_>>(),
        "channels": surveyed.channels,
        "doubts": surveyed.doubts,
        "missing": missing.collect::<Vec<_>>(),
        "notes": surveyed.notes,
    })
}

fn show_table(surveyed: &BatchSurvey, crop_px: usize, terminal: &Terminal) {
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
    for image in &surveyed.images {
        match &image.survey {
            Ok(survey) => add(&mut table, &image.task, image.stain, survey),
            Err(_) => table.row([
                image.task.clone(),
                image.stain.to_owned(),
                "cannot be read, see below".to_owned(),
            ]),
        }
    }
    if !surveyed.images.is_empty() {
        terminal.result(&table.to_string());
        terminal.summary(&format!(
            "\nmax, mean and non-zero are those of at most {crop_px} x {crop_px} px in the centre."
        ));
    }
    if !surveyed.channels.is_empty() {
        terminal.result(&format!("\n{}", surveyed.channels.join("\n")));
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
    let mut words = Vec::new();
    if info.format != RawFormat::Tiff {
        words.push(info.format.to_string());
    }
    words.push(match (&info.coding, info.compression) {
        (Some(coding), _) => coding.clone(),
        (None, Compression::None) => "uncompressed".to_owned(),
        (None, other) => format!("{other:?}").to_lowercase(),
    });
    if let ChunkLayout::Tiles { .. } = info.layout {
        words.push("tiles".to_owned());
    }
    if info.big_tiff {
        words.push("BigTIFF".to_owned());
    }
    if info.pages > 1 {
        words.push(match info.page {
            1 => format!("first of {} pages", info.pages),
            page => format!("page {page} of {}", info.pages),
        });
    }
    words.join(", ")
}
