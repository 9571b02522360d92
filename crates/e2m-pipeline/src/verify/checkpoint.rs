//! A checkpoint: its length, its header, every pixel.

use super::finding::Fault;
use super::records::ReadManifest;
use super::watched::ReadWatch;
use crate::alignment_record::local_facts;
use crate::artifact::{ArtifactKind, Image, all_artifacts, pixels_of};
use crate::error::PipelineError;
use crate::manifest::{CheckpointRecord, Manifest};
use crate::names::{Header, ScaleKind};
use crate::params::suffix;
use e2m_image::BandSource as _;
use e2m_io::{CheckpointError, CheckpointReader, ContentHash, FactValue, Facts};
use std::path::Path;

/// What the manifest does not tell of a checkpoint: they say how a file came about, not what it is.
const NOT_COMPARED: [&str; 3] = ["VERSION", "IACC", "ILVLOK"];
/// What tells whose image it is.
pub(super) const IDENTITY: [&str; 3] = ["SAMPLE", "DYE", "STAGE"];

/// A manifest and what it says of one checkpoint.
pub(super) type OnRecord<'a> = (&'a ReadManifest, &'a CheckpointRecord);

/// What was found out about a checkpoint.
#[derive(Debug)]
pub(super) struct Outcome<'a> {
    /// What is wrong with it.
    pub(super) fault: Option<Fault>,
    /// The manifest by which it was judged.
    pub(super) judge: OnRecord<'a>,
    /// Manifests that tell of another content, where one is right.
    pub(super) superseded: Vec<&'a ReadManifest>,
}

/// Compares the checkpoint at `path` with what manifests tell of it, at least one, the most important first. `known` finds
/// the checkpoint that a hash is on record for.
pub(super) fn verify<'a>(
    path: &Path,
    recorded: &[OnRecord<'a>],
    first: OnRecord<'a>,
    known: &dyn Fn(ContentHash) -> Option<String>,
    watch: ReadWatch<'_>,
) -> Result<Outcome<'a>, PipelineError> {
    let outcome = |fault| Outcome {
        fault: Some(fault),
        judge: first,
        superseded: Vec::new(),
    };
    let bytes = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) => return Ok(outcome(Fault::Unreadable(error.to_string()))),
    };
    if !recorded.iter().any(|(_, record)| record.bytes == bytes) {
        let (found, recorded) = (bytes, first.1.bytes);
        return Ok(outcome(Fault::Length { found, recorded }));
    }
    let (facts, hash) = match read(path, bytes, watch) {
        Ok(read) => read,
        Err(CheckpointError::Stopped { .. }) => return Err(PipelineError::Interrupted),
        Err(error) => return Ok(outcome(Fault::Unreadable(without_path(&error, path)))),
    };
    let (right, wrong): (Vec<OnRecord<'a>>, Vec<OnRecord<'a>>) =
        recorded.iter().partition(|(_, record)| record.hash == hash);
    let Some(&judge) = right.first() else {
        // Whose image it is says more than that it is not the right one.
        let fault = contradiction(&first.0.manifest, path, &facts, &IDENTITY)
            .or_else(|| known(hash).map(|other| Fault::Swapped { other }))
            .unwrap_or(Fault::Pixels {
                found: hash,
                recorded: first.1.hash,
            });
        return Ok(outcome(fault));
    };
    Ok(Outcome {
        fault: contradiction(&judge.0.manifest, path, &facts, &[]),
        judge,
        superseded: wrong.iter().map(|(record, _)| *record).collect(),
    })
}

/// The facts of a checkpoint and the hash of its pixels.
pub(super) fn read(
    path: &Path,
    file_bytes: u64,
    watch: ReadWatch<'_>,
) -> Result<(Facts, ContentHash), CheckpointError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut reader = CheckpointReader::open_as(path, pixels_of(&name))?;
    let facts = reader.facts().clone();
    // Of a compressed file there are more bytes of pixels than of the file.
    let pixel_bytes = (reader.kind().bytes() * reader.size().pixels()).max(1);
    let (mut pixels_read, mut reported) = (0, 0);
    let hash = reader.verify_watched(&mut |bytes| {
        pixels_read += bytes;
        let so_far = (file_bytes as f64 * pixels_read as f64 / pixel_bytes as f64) as u64;
        let new = so_far.saturating_sub(reported);
        reported = so_far;
        watch(new)
    })?;
    Ok((facts, hash))
}

/// What an error says, without the name of the file at its beginning: that is said anyway.
pub(super) fn without_path(error: &CheckpointError, path: &Path) -> String {
    let text = error.to_string();
    let named = format!("{}: ", path.display());
    text.strip_prefix(&named).map_or_else(
        || text.replace(&path.display().to_string(), "the file"),
        str::to_owned,
    )
}

/// What a header says otherwise than the manifest: only these keys, or all if none are given.
fn contradiction(manifest: &Manifest, path: &Path, found: &Facts, only: &[&str]) -> Option<Fault> {
    let expected = expected_facts(manifest, path)?;
    let differing = expected.iter().find(|fact| {
        let asked = only.is_empty() || only.contains(&fact.key.as_str());
        let compared = asked && !NOT_COMPARED.contains(&fact.key.as_str());
        compared
            && !found
                .get(&fact.key)
                .is_some_and(|value| same(value, &fact.value))
    })?;
    Some(Fault::Fact {
        key: differing.key.clone(),
        found: found
            .get(&differing.key)
            .map_or_else(|| "nothing".to_owned(), ToString::to_string),
        recorded: differing.value.to_string(),
    })
}

/// Whether two values are the same; FITS does not keep spaces at the end, and whole numbers may be floats.
fn same(a: &FactValue, b: &FactValue) -> bool {
    let number = |value: &FactValue| match value {
        FactValue::Int(value) => Some(*value as f64),
        FactValue::Float(value) => Some(*value),
        _ => None,
    };
    match (a, b) {
        (FactValue::Text(a), FactValue::Text(b)) => a.trim_end() == b.trim_end(),
        (a, b) => a == b || number(a).is_some_and(|value| Some(value) == number(b)),
    }
}

/// What the header of a checkpoint has to say, by its name and the manifest; `None` for a name that the manifest's
/// parameters do not make.
fn expected_facts(manifest: &Manifest, path: &Path) -> Option<Facts> {
    let name = path.file_stem()?.to_string_lossy();
    let params = &manifest.params;
    let named =
        |image: &Image| name == format!("{}{}", image.stem(), suffix(params, image.named_by()));
    let mut all = all_artifacts(params).into_iter();
    let image = all.find_map(|artifact| match artifact.kind {
        ArtifactKind::Image(image) if named(&image) => Some(image),
        ArtifactKind::Image(_) | ArtifactKind::Picture(_) | ArtifactKind::Table(_) => None,
    })?;
    let (warps, scales) = (&manifest.warps, &manifest.scales);
    let (warp, scale) = match image {
        Image::PaddedPost | Image::PaddedPre => (None, None),
        Image::CoarsePre => (warps.coarse, None),
        Image::IcpPre => (warps.icp, None),
        Image::InteriorPre => (warps.interior, None),
        Image::Difference(kind) => (warps.finest(), Some((scales.of(kind)?, kind))),
        Image::Mask => (warps.finest(), None),
        Image::DifferenceField | Image::Significance => {
            let kind = ScaleKind::Moffat;
            (warps.finest(), Some((scales.of(kind)?, kind)))
        }
    };
    let header = Header {
        sample: &manifest.sample,
        dye: &manifest.dye,
        image,
        params,
        scale,
        interior: None,
        local: match image {
            Image::InteriorPre
            | Image::Difference(_)
            | Image::DifferenceField
            | Image::Mask
            | Image::Significance => manifest.alignment.as_ref().and_then(local_facts),
            Image::PaddedPost | Image::PaddedPre | Image::CoarsePre | Image::IcpPre => None,
        },
        warp,
    };
    header.facts().ok()
}
