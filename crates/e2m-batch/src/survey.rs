//! Surveys the raw images of a batch without loading them.

use crate::batch_file::BatchFile;
use crate::plan::written_params;
use e2m_io::{Discovery, MissingPair, RawError, RawImage, RawPair, Survey};
use e2m_pipeline::{Params, choose_pair};

/// What was found of the raw images.
#[derive(Debug)]
pub struct BatchSurvey {
    /// The images of each pair: post, then pre.
    pub images: Vec<SurveyedImage>,
    /// Which channels a run would take of pairs in colour, and why: a line each.
    pub channels: Vec<String>,
    /// What speaks against comparing the images of a pair, a sentence each.
    pub doubts: Vec<String>,
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

    /// Surveys the images of a pair, of which these parameters ask for pages and channels.
    fn add(&mut self, pair: &RawPair, params: &Params, crop_px: usize) {
        let task = format!("{}/{}", pair.sample, pair.dye);
        let mut opened = Vec::new();
        let asked = params.pages().into_iter().zip(params.channels());
        for ((stain, path), (page, channel)) in [("post", &pair.post), ("pre", &pair.pre)]
            .into_iter()
            .zip(asked)
        {
            let image = RawImage::open_page(path, page, channel);
            let survey = image.and_then(|image| {
                let survey = image.survey(crop_px);
                opened.push(image);
                survey
            });
            self.images.push(SurveyedImage {
                task: task.clone(),
                stain,
                survey,
            });
        }
        // What cannot be read is told of the image.
        if let [post, pre] = &*opened
            && let Ok((choice, doubts)) = choose_pair(post, pre)
        {
            let channels = choice.explained();
            self.channels
                .extend(channels.map(|channels| format!("{task}: {channels}")));
            self.doubts
                .extend(doubts.iter().map(|doubt| format!("{task}: {doubt}")));
        }
    }
}

/// Surveys the images of these pairs of a batch: of each a square of `crop_px` px in its centre, and a sample of those in colour.
pub fn survey(batch: &BatchFile, found: &Discovery, crop_px: usize) -> BatchSurvey {
    let mut survey = BatchSurvey {
        images: Vec::new(),
        channels: Vec::new(),
        doubts: Vec::new(),
        missing: found.missing.clone(),
        notes: found.notes.iter().map(ToString::to_string).collect(),
    };
    for pair in &found.pairs {
        let params = written_params(batch, &pair.sample, &pair.dye);
        survey.add(pair, &params, crop_px);
    }
    survey
}
