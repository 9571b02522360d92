//! The raw files of a task.

use crate::background::both;
use crate::doubts::{Doubt, Side};
use crate::error::PipelineError;
use crate::history::History;
use crate::manifest::{InputRecord, Inputs};
use e2m_image::{BandSource, Plane};
use e2m_io::{
    ChannelChoice, ChannelStatistics, ColourKind, FileIdentity, PairChoice, RawError, RawImage,
    RawInfo, choose_channels,
};
use std::io::ErrorKind;

/// The raw files of a task, and what speaks against comparing them.
pub(crate) struct RawPair {
    pub(crate) post: RawInput,
    pub(crate) pre: RawInput,
    pub(crate) doubts: Vec<Doubt>,
}

impl RawPair {
    /// Takes over two opened raw files, and chooses the channels of both. What an earlier run found out about the content of a
    /// file is taken over if it is the same; otherwise it is read once, and the pixels of pre stay for [`RawInput::load`].
    pub(crate) fn read(
        post: RawImage,
        pre: RawImage,
        history: &History,
    ) -> Result<Self, PipelineError> {
        let needs = needs_statistics([&post, &pre]);
        let (post, pre) = both(
            || RawLook::at(post, history, needs[0]),
            || RawLook::at(pre, history, needs[1]),
        );
        let (post, pre) = (post?, pre?);
        let (choice, doubts) = choose([
            (&post.image, post.statistics.as_ref()),
            (&pre.image, pre.statistics.as_ref()),
        ]);
        let (post, pre) = both(
            || post.read(choice.post, false),
            || pre.read(choice.pre, true),
        );
        Ok(Self {
            post: post?,
            pre: pre?,
            doubts,
        })
    }

    /// The files as they were when an earlier run read them, with the channels that a run would choose now, and what speaks
    /// against comparing them. No pixel is read: `None` where the channels depend on some.
    pub(crate) fn from_records(
        images: [&RawImage; 2],
        records: [InputRecord; 2],
    ) -> Option<(Inputs, Vec<Doubt>)> {
        let needs = needs_statistics(images);
        let [post, pre] = records;
        let statistics = [
            known_statistics(&post, images[0]),
            known_statistics(&pre, images[1]),
        ];
        if (0..2).any(|i| needs[i] && statistics[i].is_none()) {
            return None;
        }
        let [post_statistics, pre_statistics] = statistics;
        let (choice, doubts) = choose([
            (images[0], post_statistics.as_ref()),
            (images[1], pre_statistics.as_ref()),
        ]);
        let inputs = Inputs {
            post: post.with_channels(images[0], choice.post, post_statistics),
            pre: pre.with_channels(images[1], choice.pre, pre_statistics),
        };
        Some((inputs, doubts))
    }
}

/// Chooses the channels of a pair as a task would, from a sample of its pixels, and tells what speaks against comparing the images.
///
/// # Errors
/// A file that cannot be read.
pub fn choose_pair(post: &RawImage, pre: &RawImage) -> Result<(PairChoice, Vec<Doubt>), RawError> {
    let look = |image: &RawImage, needed: bool| {
        let statistics = needed.then(|| image.channel_statistics());
        statistics.transpose()
    };
    let needs = needs_statistics([post, pre]);
    let (post_holds, pre_holds) = (look(post, needs[0])?, look(pre, needs[1])?);
    Ok(choose([
        (post, post_holds.as_ref()),
        (pre, pre_holds.as_ref()),
    ]))
}

/// Whether the channels of each image have to be looked at: those of colours, and where bit depths differ what they hold.
fn needs_statistics(images: [&RawImage; 2]) -> [bool; 2] {
    let [post, pre] = images.map(RawImage::info);
    let depths_differ = post.pixel_type != pre.pixel_type;
    [post, pre].map(|info| depths_differ || info.colour != ColourKind::Grey)
}

/// The channels of both images by what they hold, and what speaks against comparing them.
fn choose(images: [(&RawImage, Option<&ChannelStatistics>); 2]) -> (PairChoice, Vec<Doubt>) {
    let [post, pre] = images.map(|(image, statistics)| image.channels(statistics.cloned()));
    let choice = choose_channels(&post, &pre);
    let depths = images.map(|(image, statistics)| {
        let largest = statistics.map(|statistics| statistics.largest);
        (image.info().pixel_type, largest)
    });
    let difference = choice.difference.clone();
    let channels = difference.map(|difference| Doubt::ChannelsDiffer { difference });
    let [post, pre] = images.map(|(image, _)| image.info());
    let several = [(Side::Post, post), (Side::Pre, pre)]
        .into_iter()
        .filter_map(|(side, info)| several_images(side, info));
    let doubts = channels.into_iter().chain(Doubt::of_bit_depths(depths));
    let doubts = doubts.chain(several).collect();
    (choice, doubts)
}

/// That a file holds more than one image that could be meant.
fn several_images(side: Side, info: &RawInfo) -> Option<Doubt> {
    let (first, rest) = info.others.split_at(info.others.len().min(MOST_NAMED));
    (!first.is_empty()).then(|| Doubt::SeveralImages {
        side,
        taken: match (info.pages, info.page) {
            (1, _) => format!("channel {}", info.sample),
            (_, page) if info.sample > 1 => format!("page {page}, channel {}", info.sample),
            (_, page) => format!("page {page}"),
        },
        others: first.to_vec(),
        more: rest.len(),
    })
}

/// So many of the images that could be meant are named.
const MOST_NAMED: usize = 12;

/// What an earlier run has found of the channels of the image of a file that is asked for now.
fn known_statistics(record: &InputRecord, image: &RawImage) -> Option<ChannelStatistics> {
    let info = image.info();
    let same_channel = record.channels.sample == info.sample;
    let known = record.statistics.as_ref().filter(|_| same_channel);
    known
        .filter(|statistics| statistics.page == info.page)
        .cloned()
}

impl InputRecord {
    /// The record of the same file with these channels.
    fn with_channels(
        self,
        image: &RawImage,
        choice: ChannelChoice,
        statistics: Option<ChannelStatistics>,
    ) -> Self {
        let info = image.info();
        Self {
            width: info.size.width,
            height: info.size.height,
            dtype: choice.pixel_type(info.pixel_type),
            channel: choice.to_string(),
            channels: choice,
            is_corrected: info.is_corrected,
            pixel_size: info.pixel_size,
            statistics,
            ..self
        }
    }
}

/// A raw file of which the channels have been looked at.
struct RawLook {
    image: RawImage,
    identity: FileIdentity,
    known: Option<InputRecord>,
    statistics: Option<ChannelStatistics>,
}

impl RawLook {
    fn at(image: RawImage, history: &History, needed: bool) -> Result<Self, PipelineError> {
        let identity = image.identity()?;
        let name = image.path().to_string_lossy();
        let known = history.known_input(&name, &identity).cloned();
        let earlier = known
            .as_ref()
            .and_then(|known| known_statistics(known, &image));
        let statistics = match earlier {
            None if needed => Some(image.channel_statistics()?),
            earlier => earlier,
        };
        Ok(Self {
            image,
            identity,
            known,
            statistics,
        })
    }

    /// With `keep` the pixels stay, where the file has to be read.
    fn read(self, choice: ChannelChoice, keep: bool) -> Result<RawInput, PipelineError> {
        let Self {
            image,
            identity,
            known,
            statistics,
        } = self;
        if let Some(known) = known {
            return Ok(RawInput {
                record: known.with_channels(&image, choice.clone(), statistics),
                image,
                choice,
                plane: None,
            });
        }
        let load = || keep.then(|| image.load_plane(&choice)).transpose();
        let (plane, hash) = both(load, || image.content_hash());
        let record = InputRecord {
            path: image.path().to_string_lossy().into_owned(),
            bytes: identity.bytes,
            modified: identity.modified,
            changed_ns: identity.changed_ns,
            inode: identity.inode,
            hash: hash?,
            width: 0,
            height: 0,
            dtype: image.info().pixel_type,
            channel: String::new(),
            channels: choice.clone(),
            is_corrected: false,
            pixel_size: None,
            statistics: None,
        };
        Ok(RawInput {
            plane: plane?,
            record: record.with_channels(&image, choice.clone(), statistics),
            image,
            choice,
        })
    }
}

/// One raw file, opened by its header; its pixels are read when they are needed.
#[derive(Debug)]
pub(crate) struct RawInput {
    image: RawImage,
    choice: ChannelChoice,
    /// The pixels, where they were read beside the hash and nobody has asked for them yet.
    plane: Option<Plane>,
    pub(crate) record: InputRecord,
}

impl RawInput {
    /// Makes sure that the file is still the one whose content is on record: what was made from it is vouched for only then.
    ///
    /// # Errors
    /// [`PipelineError::RawChanged`].
    pub(crate) fn check_unchanged(&self) -> Result<(), PipelineError> {
        let path = self.image.path();
        let changed = |how| PipelineError::RawChanged {
            path: path.to_owned(),
            how,
        };
        match FileIdentity::of(path) {
            Ok(named) if named.inode != self.record.inode => {
                return Err(changed("was replaced by another file"));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(changed("was removed, or its disk taken away,"));
            }
            Ok(_) | Err(_) => {}
        }
        let (now, before) = (self.image.identity()?, self.record.identity());
        if now == before {
            return Ok(());
        }
        // Links and permissions change a file's last time as well; its content tells.
        let same_content = (now.bytes, &now.modified) == (before.bytes, &before.modified)
            && self.image.content_hash()? == self.record.hash;
        if same_content {
            Ok(())
        } else {
            Err(changed("was changed"))
        }
    }

    pub(crate) fn size(&self) -> e2m_image::Size {
        self.image.info().size
    }

    /// What had to be decided to read the file, and what is odd about it, sentences without subject or end.
    pub(crate) fn remarks(&self) -> &[String] {
        &self.image.info().remarks
    }

    /// What was read otherwise than it is stored, of the pixels read so far, in such sentences.
    pub(crate) fn alterations(&self) -> Vec<String> {
        self.image.alterations().sentences()
    }

    /// What decoding holds at a time.
    pub(crate) fn decoding_bytes(&self) -> u64 {
        self.image.info().decoding_bytes()
    }

    /// Reads the signal into memory.
    pub(crate) fn load(&mut self) -> Result<Plane, PipelineError> {
        if let Some(plane) = self.plane.take() {
            return Ok(plane);
        }
        Ok(self.image.load_plane(&self.choice)?)
    }

    /// Streams the signal.
    pub(crate) fn bands(&mut self) -> Result<impl BandSource + use<>, PipelineError> {
        Ok(self.image.bands(&self.choice)?)
    }
}
