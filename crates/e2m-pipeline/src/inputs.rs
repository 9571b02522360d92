//! The raw files of a task.

use crate::background::both;
use crate::error::PipelineError;
use crate::history::History;
use crate::manifest::InputRecord;
use e2m_image::{BandSource, Plane};
use e2m_io::{ChannelChoice, FileIdentity, RawError, RawImage};
use std::io::ErrorKind;

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
    /// Takes over an opened raw file. What an earlier run found out about its content is taken over if the file is the same;
    /// otherwise it is read once, and with `keep` its pixels stay for [`RawInput::load`].
    pub(crate) fn read(
        image: RawImage,
        history: &History,
        keep: bool,
    ) -> Result<Self, PipelineError> {
        let identity = image.identity()?;
        let name = image.path().to_string_lossy().into_owned();
        if let Some(known) = history.known_input(&name, &identity) {
            return Ok(Self {
                image,
                plane: None,
                choice: known.channels.clone(),
                record: known.clone(),
            });
        }
        let read = || -> Result<(Option<Plane>, ChannelChoice), RawError> {
            if keep {
                let (plane, choice) = image.load_plane()?;
                Ok((Some(plane), choice))
            } else {
                Ok((None, image.choose_channels()?))
            }
        };
        let ((plane, choice), hash) = {
            let (read, hash) = both(read, || image.content_hash());
            (read?, hash?)
        };
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
