//! The page of the diagnostic pictures: what e2m-plot says of each, beside three examples.

use super::examples::{MORE_SCALES, close_ups, compared, seen};
use e2m_plot::{CLOSE_UPS_GUIDE, COMPARISON_GUIDE, PictureGuide, PictureKind};
use std::fmt::Write as _;

const INTRODUCTION: &str = include_str!("pictures_introduction.md");

/// What the names of the examples begin with.
const PAIRS: [&str; 3] = ["clean", "hard", "failed"];

/// A part of the page: its heading, and the first kind of picture in it.
const PARTS: [(&str, PictureKind); 3] = [
    ("Alignment", PictureKind::Registration),
    ("Brightness and scale", PictureKind::PrePostHeatmap),
    ("The result", PictureKind::DifferenceImage),
];

/// The last picture of the alignment; what comes after it is not drawn of a pair that failed.
const LAST_OF_ALIGNMENT: PictureKind = PictureKind::RegistrationResidual;

pub(super) fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for kind in PictureKind::ALL {
        if let Some((part, _)) = PARTS.iter().find(|(_, first)| *first == kind) {
            let _ = write!(page, "\n## {part}\n");
        }
        let guide = kind.guide();
        let file = format!("`{}*.png`", guide.stem);
        let failed_is_drawn = kind <= LAST_OF_ALIGNMENT;
        add(&mut page, guide, &file, "png", failed_is_drawn, seen(kind));
        if kind == LAST_OF_ALIGNMENT {
            let files = "`comparison_post*.jpg` and `comparison_aligned_pre*.jpg`; here post is left of the line, aligned \
                         pre right of it";
            add(&mut page, &COMPARISON_GUIDE, files, "jpg", true, compared());
        }
        if kind == PictureKind::MicrobeGallery {
            let files = "`close_ups_post*.jpg` and `close_ups_aligned_pre*.jpg`; here post is left of the line, aligned pre \
                         right of it";
            add(
                &mut page,
                &CLOSE_UPS_GUIDE,
                files,
                "jpg",
                false,
                close_ups(),
            );
        }
    }
    page.push_str(&more_scales());
    page
}

/// A picture: what there is to say of it, and the examples.
fn add(
    page: &mut String,
    guide: &PictureGuide,
    file: &str,
    extension: &str,
    failed_is_drawn: bool,
    seen: [&str; 3],
) {
    let PictureGuide {
        title,
        shows,
        good,
        bad,
        stem,
    } = guide;
    let failed = if failed_is_drawn {
        "failed"
    } else {
        "failed, unchecked"
    };
    let _ = write!(
        page,
        "\n### {title}\n\n{shows} File: {file}.\n\n**Good:** {good}\n\n**Bad:** {bad}\n\n"
    );
    let images = PAIRS.map(|pair| image(title, pair, &format!("{pair}_{stem}.{extension}")));
    page.push_str(&table(&["clean", "hard", failed], &images, &seen));
}

/// The difference images with other scales.
fn more_scales() -> String {
    let guide = PictureKind::DifferenceImage.guide();
    let names = MORE_SCALES.map(|(variant, _)| format!("`{}_{variant}*.png`", guide.stem));
    let images = MORE_SCALES.map(|(variant, _)| {
        let file = format!("clean_{}_{variant}.png", guide.stem);
        image(guide.title, &format!("clean, {variant}"), &file)
    });
    let seen = MORE_SCALES.map(|(_, seen)| seen);
    format!(
        "\nWith `scale_percentile` or `manual_scale` there is one more difference image for each. The clean pair again:\n\n{}",
        table(&names, &images, &seen)
    )
}

fn image(title: &str, which: &str, file: &str) -> String {
    format!("![{title}, {which}](pictures/{file})")
}

/// Images side by side, each above its sentence.
fn table(names: &[impl AsRef<str>], images: &[String], seen: &[&str]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    format!(
        "| {} |\n|{}\n| {} |\n| {} |\n",
        names.join(" | "),
        "---|".repeat(names.len()),
        images.join(" | "),
        seen.join(" | ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_example_is_there_and_none_is_left_over() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pictures");
        let there: BTreeSet<String> = std::fs::read_dir(folder)
            .expect("the examples")
            .map(|entry| entry.expect("a name").file_name().to_string_lossy().into())
            .collect();
        let page = page();
        let shown: BTreeSet<String> = page
            .split("](pictures/")
            .skip(1)
            .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
            .collect();
        assert_eq!(there, shown);
    }

    #[test]
    fn links_lead_to_headings() {
        let page = page();
        let headings: BTreeSet<String> = page
            .lines()
            .filter_map(|line| line.strip_prefix("### "))
            .map(|title| {
                let kept = title
                    .chars()
                    .filter(|c| c.is_alphanumeric() || " -".contains(*c));
                kept.collect::<String>().to_lowercase().replace(' ', "-")
            })
            .collect();
        let links: Vec<&str> = page
            .split("](#")
            .skip(1)
            .filter_map(|rest| Some(rest.split_once(')')?.0))
            .collect();
        assert!(links.len() >= 6);
        for link in links {
            assert!(headings.contains(link), "{link} of {headings:?}");
        }
    }

    #[test]
    fn the_report_and_the_page_say_the_same() {
        let page = page();
        for guide in PictureKind::ALL.map(PictureKind::guide) {
            for text in [guide.title, guide.shows, guide.good, guide.bad] {
                assert!(page.contains(text), "{text}");
            }
        }
    }
}
