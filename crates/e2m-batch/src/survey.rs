//! Surveys the raw images of a batch without loading them.

use e2m_io::{Discovery, MissingPair, RawError, Survey};

/// What was found of the raw images.
#[derive(Debug)]
pub struct BatchSurvey {
    /// The images of each pair: post, then pre.
    pub images: Vec<SurveyedImage>,
    /// Pairs that are not there.
    pub missing: Vec<MissingPair>,
    /// What is odd about the folder, a sentence each.
    pub notes: Vec<String>,
}

/// One raw image.
#[derive(Debug)]
pub struct SurveyedImage {
    /// Its task, as `CD070/DAPI`.
    pub task: String,
    /// `post` or `pre`.
    pub stain: &'static str,
    /// Size, type and brightness of each channel, or why it cannot be read.
    pub survey: Result<Survey, RawError>,
}

impl BatchSurvey {
    /// Why images cannot be read.
    pub fn errors(&self) -> impl Iterator<Item = &RawError> {
        self.images
            .iter()
            .filter_map(|image| image.survey.as_ref().err())
    }
}

/// Surveys the images of these pairs: of each a square of `crop_px` px in its centre.
pub fn survey(found: &Discovery, crop_px: usize) -> BatchSurvey {
    let mut images = Vec::new();
    for pair in &found.pairs {
        for (stain, path) in [("post", &pair.post), ("pre", &pair.pre)] {
            images.push(SurveyedImage {
                task: format!("{}/{}", pair.sample, pair.dye),
                stain,
                survey: e2m_io::survey(path, crop_px),
            });
        }
    }
    BatchSurvey {
        images,
        missing: found.missing.clone(),
        notes: found.notes.iter().map(ToString::to_string).collect(),
    }
}
