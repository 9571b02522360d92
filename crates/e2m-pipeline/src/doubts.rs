//! Why a task is suspect for reasons that are neither the alignment's nor the scale's, and what else is to be said of it every
//! time.
//!
//! A stage tells what it finds to the messages of its task (`Messages::doubt`, `Messages::keep_note`). The run keeps it with the
//! stage: it is dropped when the stage is made again, and taken over with the results of the stage. The record has it, and
//! whatever shows a task says it.

use crate::alignment_record::AlignmentRecord;
use crate::comparable;
use crate::manifest::{Inputs, Manifest};
use crate::pixel_record::Saturation;
use crate::scale_record::ScaleAssessment;
use crate::stage::Stage;
use crate::status::Status;
use e2m_align::Verdict;
use e2m_image::PixelType;
use e2m_io::ChannelDifference;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A reason to doubt a task, with the facts it rests on. Its text says what was found and what to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Doubt {
    /// Post and pre are one file, or copies of one.
    SameFile,
    /// Post and pre are one exposure, in two files.
    SameExposure {
        /// How much their noise agrees, -1 to 1.
        correlation: f64,
        /// By how many px pre lies beside post.
        shift_px: [f64; 2],
    },
    /// The compact sources are in pre: post and pre were given the wrong way round.
    Swapped {
        /// Bright spots that are in post only.
        post_sources: u64,
        /// Bright spots that are in pre only.
        pre_sources: u64,
        /// Whether the file given for post was last changed before that given for pre.
        post_is_older: bool,
    },
    /// So much of the section is saturated that its brightest part is not known.
    Saturated {
        /// In which of the two.
        side: Side,
        /// From which value on, and how much.
        saturation: Saturation,
    },
    /// Pre covers too little of the section in post.
    LowOverlap {
        /// The share of the section that it covers.
        section: f64,
        /// The share of the canvas that both cover.
        canvas: f64,
    },
    /// A file of the task is that of another task as well.
    SharedFile {
        /// Which of the two.
        side: Side,
        /// Some of the other tasks, as `sample/dye (post)`.
        with: Vec<String>,
        /// How many more there are.
        #[serde(default)]
        more: usize,
    },
    /// The file holds several images that could be meant, and nobody has chosen.
    SeveralImages {
        /// In which of the two.
        side: Side,
        /// What is read, as `page 1` or `channel 1`.
        taken: String,
        /// Some of what else there is.
        others: Vec<String>,
        /// How many more there are.
        more: usize,
    },
    /// The signal of post is taken from other channels than that of pre.
    ChannelsDiffer {
        /// How they differ.
        difference: ChannelDifference,
    },
    /// A count of post is another amount of light than a count of pre.
    BitDepthsDiffer {
        /// Type of post's samples.
        post: PixelType,
        /// Type of pre's samples.
        pre: PixelType,
        /// The count that post's depth ends at, over that of pre.
        ratio: f64,
    },
    /// A scale that no setting of a camera gives.
    ScaleIsNoGain {
        /// The scale.
        scale: f64,
    },
}

/// Which image of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// After staining.
    Post,
    /// Before staining.
    Pre,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Post => "post",
            Self::Pre => "pre",
        })
    }
}

impl Doubt {
    /// What it is called where programs read it: its `kind` in the record.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::SameFile => "same_file",
            Self::SameExposure { .. } => "same_exposure",
            Self::Swapped { .. } => "swapped",
            Self::Saturated { .. } => "saturated",
            Self::LowOverlap { .. } => "low_overlap",
            Self::SharedFile { .. } => "shared_file",
            Self::SeveralImages { .. } => "several_images",
            Self::ChannelsDiffer { .. } => "channels_differ",
            Self::BitDepthsDiffer { .. } => "bit_depths_differ",
            Self::ScaleIsNoGain { .. } => "scale_is_no_gain",
        }
    }

    /// The stage that finds it: from then on it belongs to the results. What is known from the raw files is of the first.
    pub fn stage(&self) -> Stage {
        match self {
            Self::SameFile
            | Self::SharedFile { .. }
            | Self::SeveralImages { .. }
            | Self::ChannelsDiffer { .. }
            | Self::BitDepthsDiffer { .. } => Stage::Pad,
            Self::Saturated { .. } => Stage::Coarse,
            Self::LowOverlap { .. } => Stage::Fine,
            Self::SameExposure { .. } | Self::Swapped { .. } | Self::ScaleIsNoGain { .. } => {
                Stage::Difference
            }
        }
    }

    /// Whether a stage finds it. Others follow from the raw files, and nothing of them is taken over.
    fn is_of_stage(&self) -> bool {
        match self {
            Self::SameFile
            | Self::SharedFile { .. }
            | Self::SeveralImages { .. }
            | Self::ChannelsDiffer { .. }
            | Self::BitDepthsDiffer { .. } => false,
            Self::Saturated { .. }
            | Self::LowOverlap { .. }
            | Self::SameExposure { .. }
            | Self::Swapped { .. }
            | Self::ScaleIsNoGain { .. } => true,
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameFile => f.write_str(
                "post and pre are the same file, so that their difference shows nothing: put the right image in place of one of them",
            ),
            Self::SameExposure {
                correlation,
                shift_px: [x, y],
            } => write!(
                f,
                "post and pre are one exposure: pre is post moved by ({x:.0}, {y:.0}) px, and even their noise agrees (correlation \
                 {correlation:.3}), which that of two exposures never does: put the right image in place of one of them"
            ),
            Self::Swapped {
                post_sources,
                pre_sources,
                post_is_older,
            } => {
                write!(
                    f,
                    "post and pre seem to be swapped: {pre_sources} compact bright sources are in pre only and {post_sources} in post \
                     only, while a stain shows them in post"
                )?;
                if *post_is_older {
                    f.write_str(" (and the file of post was last changed before that of pre)")?;
                }
                f.write_str(
                    ": look at both images, and if they are swapped exchange the names of their files and run again",
                )
            }
            Self::Saturated { side, saturation } => write!(
                f,
                "{}; take the image again with a shorter exposure, or take its brightest parts for what they are",
                saturation.text(*side)
            ),
            Self::LowOverlap { section, .. } => write!(
                f,
                "pre covers only {:.0} % of the section in post, and the rest has no difference (04_mask, flag 2): take pre images that \
                 show the whole section, or count on what both show",
                100.0 * section
            ),
            Self::SharedFile { side, with, more } => {
                write!(f, "the {side} image is the same file as that of {}", with.join(", "))?;
                if *more > 0 {
                    write!(f, " and {more} more")?;
                }
                f.write_str(": find out which of them it belongs to, and replace the others")
            }
            Self::SeveralImages {
                side,
                taken,
                others,
                more,
            } => {
                write!(f, "the {side} file holds several images, of which {taken} was read; there is also {}", others.join(", "))?;
                if *more > 0 {
                    write!(f, " and {more} more")?;
                }
                write!(
                    f,
                    ": give `channel` or `page` (or `{side}_channel`, `{side}_page`) to say which one is meant; `e2m survey` shows them"
                )
            }
            Self::ChannelsDiffer { difference } => comparable::write_channels(f, difference),
            Self::BitDepthsDiffer { post, pre, ratio } => {
                comparable::write_bit_depths(f, (*post, *pre), *ratio)
            }
            Self::ScaleIsNoGain { scale } => comparable::write_no_gain(f, *scale),
        }
    }
}

/// Something to know about a task, said every time although nothing is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The stage that found it.
    pub stage: Stage,
    /// A sentence.
    pub text: String,
}

/// What was found of a task besides its results.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Findings {
    pub(crate) doubts: Vec<Doubt>,
    pub(crate) notes: Vec<Note>,
}

impl Findings {
    /// What is known of a pair before its first stage. That a file is another task's as well is told by an earlier run; who
    /// knows all tasks says it anew.
    pub(crate) fn of_pair(inputs: &Inputs, earlier: Option<&Manifest>, of_files: &[Doubt]) -> Self {
        let same = inputs.post.hash == inputs.pre.hash;
        let known = earlier.into_iter().flat_map(|earlier| &earlier.doubts);
        let shared = known.filter(|doubt| matches!(doubt, Doubt::SharedFile { .. }));
        Self {
            doubts: same
                .then_some(Doubt::SameFile)
                .into_iter()
                .chain(of_files.iter().cloned())
                .chain(shared.cloned())
                .collect(),
            notes: Vec::new(),
        }
    }

    /// What a stage found, as it is on record.
    pub(crate) fn of_stage(manifest: &Manifest, stage: Stage) -> Self {
        let doubts = manifest.doubts.iter();
        let notes = manifest.notes.iter();
        Self {
            doubts: doubts
                .filter(|doubt| doubt.is_of_stage() && doubt.stage() == stage)
                .cloned()
                .collect(),
            notes: notes.filter(|note| note.stage == stage).cloned().collect(),
        }
    }

    /// Forgets what a stage found, which is made again.
    pub(crate) fn drop_stage(&mut self, stage: Stage) {
        self.doubts
            .retain(|doubt| !doubt.is_of_stage() || doubt.stage() != stage);
        self.notes.retain(|note| note.stage != stage);
    }

    /// Adds what is not there yet.
    pub(crate) fn add(&mut self, more: Self) {
        for doubt in more.doubts {
            if !self.doubts.contains(&doubt) {
                self.doubts.push(doubt);
            }
        }
        for note in more.notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }
}

/// What a task's status is made from, of the record or of a run.
pub(crate) struct Judged<'a> {
    pub(crate) alignment: Option<&'a AlignmentRecord>,
    /// Whether aligned pre is an image of the Python program.
    pub(crate) is_legacy: bool,
    pub(crate) scale: Option<&'a ScaleAssessment>,
    pub(crate) doubts: &'a [Doubt],
}

impl Judged<'_> {
    /// How a task has ended that went up to this stage: by the worst of what is thought of its alignment, its scale and
    /// everything else.
    pub(crate) fn status(&self, to_stage: Stage) -> Status {
        let mut reasons: Vec<String> = Vec::new();
        // Before stage 3 no alignment has been judged, and nobody asked for it.
        if to_stage >= Stage::Fine {
            match self.alignment {
                Some(a) if a.verdict != Verdict::Pass => reasons.extend(a.reasons.clone()),
                None if self.is_legacy => reasons
                    .push("the alignment is the Python program's and was not checked".to_owned()),
                _ => {}
            }
        }
        if to_stage >= Stage::Difference
            && let Some(scale) = self.scale
        {
            reasons.extend(scale.reasons.clone());
        }
        let doubts = self.doubts.iter().filter(|doubt| doubt.stage() <= to_stage);
        reasons.extend(doubts.map(ToString::to_string));
        if reasons.is_empty() {
            Status::Complete
        } else {
            Status::Suspect(reasons.join("; "))
        }
    }
}

impl Manifest {
    /// Everything to know about the task although nothing is wrong, in sentences.
    pub fn all_notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self.notes.iter().map(|note| note.text.clone()).collect();
        let moffat = self.scales.moffat.iter();
        for note in moffat.flat_map(crate::scale_record::MoffatRecord::notes) {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        notes
    }

    /// Puts doubts of the raw files into a finished record that does not have them yet.
    pub(crate) fn add_doubts(&mut self, of_files: &[Doubt]) {
        let new = of_files.iter().filter(|doubt| !self.doubts.contains(doubt));
        let new: Vec<Doubt> = new.cloned().collect();
        if new.is_empty() {
            return;
        }
        let reasons: Vec<String> = new.iter().map(ToString::to_string).collect();
        self.doubts.extend(new);
        match &mut self.status {
            status @ Status::Complete => *status = Status::Suspect(reasons.join("; ")),
            Status::Suspect(why) => *why = format!("{why}; {}", reasons.join("; ")),
            Status::Error(_) | Status::Incomplete(_) => {}
        }
    }

    /// How the task has ended by what is on record of it, if it went up to this stage.
    pub(crate) fn judged_status(&self, to_stage: Stage) -> Status {
        let judged = Judged {
            alignment: self.alignment.as_ref(),
            is_legacy: self.legacy_aligned.is_some(),
            scale: self.scale.as_ref(),
            doubts: &self.doubts,
        };
        judged.status(to_stage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Doubt> {
        vec![
            Doubt::SameFile,
            Doubt::SameExposure {
                correlation: 0.998,
                shift_px: [0.0, 12.0],
            },
            Doubt::Swapped {
                post_sources: 3,
                pre_sources: 214,
                post_is_older: true,
            },
            Doubt::SeveralImages {
                side: Side::Post,
                taken: "page 1".into(),
                others: vec!["page 2 (Cy3)".into()],
                more: 0,
            },
            Doubt::SharedFile {
                side: Side::Pre,
                with: vec!["CD071/DAPI (pre)".into(), "CD072/DAPI (post)".into()],
                more: 7,
            },
        ]
    }

    #[test]
    fn doubts_come_back_from_json_by_the_name_of_their_kind() {
        for doubt in all() {
            let json = serde_json::to_value(&doubt).expect("it can be written");
            assert_eq!(json["kind"], doubt.kind());
            assert_eq!(
                serde_json::from_value::<Doubt>(json).expect("it can be read"),
                doubt
            );
        }
    }

    #[test]
    fn a_doubt_counts_from_its_stage_on_and_adds_to_the_others() {
        let scale = ScaleAssessment {
            verdict: Verdict::Suspect,
            reasons: vec!["the scale is odd".into()],
        };
        let judged = Judged {
            alignment: None,
            is_legacy: false,
            scale: Some(&scale),
            doubts: &all(),
        };
        let early = judged.status(Stage::Pad).to_string();
        assert!(early.starts_with("suspect: post and pre are the same file"));
        assert!(early.contains("that of CD071/DAPI (pre), CD072/DAPI (post) and 7 more: find"));
        let late = judged.status(Stage::Difference).to_string();
        assert!(
            late.starts_with("suspect: the scale is odd; post and pre are"),
            "{late}"
        );
    }

    #[test]
    fn what_a_stage_found_goes_when_it_is_made_again_and_is_said_once() {
        let note = |stage, text: &str| Note {
            stage,
            text: text.to_owned(),
        };
        let mut findings = Findings {
            doubts: all(),
            notes: vec![note(Stage::Fine, "one")],
        };
        findings.add(Findings {
            doubts: vec![Doubt::SameFile],
            notes: vec![note(Stage::Fine, "one"), note(Stage::Coarse, "two")],
        });
        let counts = (findings.doubts.len(), findings.notes.len());
        assert_eq!(counts, (all().len(), 2));
        findings.drop_stage(Stage::Fine);
        assert_eq!(findings.notes, [note(Stage::Coarse, "two")]);
        assert_eq!(findings.doubts, all());
    }
}
