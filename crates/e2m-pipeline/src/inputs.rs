//! The raw files of a task.

use crate::background::both;
use crate::error::PipelineError;
use crate::history::History;
use crate::manifest::InputRecord;
use e2m_image::{BandSource, Plane};
use e2m_io::{ChannelChoice, FileIdentity, RawError, RawImage, content_hash};
use std::path::Path;

/// One raw file, opened by its header; its pixels are read when they are needed.
#[derive(Debug)]
pub(crate) struct RawInput {
    image: RawImage,
    choice: ChannelChoice,
    /// The pixels, where they were read to find the channels and nobody has asked for them yet.
    plane: Option<Plane>,
    pub(crate) record: InputRecord,
}

impl RawInput {
    /// Opens a raw file. What an earlier run found out about its content is taken over if the file is the same; otherwise it
    /// is read once, and with `keep` its pixels stay for [`RawInput::load`].
    pub(crate) fn open(path: &Path, history: &History, keep: bool) -> Result<Self, PipelineError> {
        let mut image = RawImage::open(path)?;
        let identity = FileIdentity::of(path).map_err(PipelineError::io(path, "looking at it"))?;
        let name = path.to_string_lossy().into_owned();
        if let Some(known) = history.known_input(&name, &identity) {
            return Ok(Self {
                image,
                plane: None,
                choice: known.channels.clone(),
                record: known.clone(),
            });
        }
        let read = |image: &mut RawImage| -> Result<(Option<Plane>, ChannelChoice), RawError> {
            if keep {
                let (plane, choice) = image.load_plane()?;
                Ok((Some(plane), choice))
            } else {
                Ok((None, image.choose_channels()?))
            }
        };
        let (read, hash) = both(|| read(&mut image), || content_hash(path));
        let (plane, choice) = read?;
        let hash = hash.map_err(PipelineError::io(path, "reading it"))?;
        let info = image.info();
        let record = InputRecord {
            path: name,
            bytes: identity.bytes,
            modified: identity.modified,
            changed_ns: identity.changed_ns,
            inode: identity.inode,
            hash,
            width: info.size.width,
            height: info.size.height,
            dtype: info.pixel_type,
            channel: choice.to_string(),
            channels: choice.clone(),
        };
        Ok(Self {
            image,
            choice,
            plane,
            record,
        })
    }

    pub(crate) fn size(&self) -> e2m_image::Size {
        self.image.info().size
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
        let (plane, choice) = self.image.load_plane()?;
        // ASSERT: the same pixels were judged twice; were the answers two, the record would be wrong.
        debug_assert_eq!(choice.active, self.choice.active);
        Ok(plane)
    }

    /// Streams the signal.
    pub(crate) fn bands(&mut self) -> Result<impl BandSource + use<>, PipelineError> {
        Ok(self.image.bands(&self.choice)?)
    }
}
