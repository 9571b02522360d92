//! Manifests.

use crate::{FileInMemory, ReadOutcome};
use e2m_pipeline::{Manifest, MoffatRecord, Stage};

pub(crate) fn read(bytes: &[u8]) -> ReadOutcome {
    let file = FileInMemory::of("e2m_task_pad500.json", bytes);
    match Manifest::open(file.path()) {
        Ok(manifest) => {
            survives(&manifest);
            ReadOutcome::Read
        }
        Err(error) => {
            let error = error.to_string();
            file.assert_named(&error);
            ReadOutcome::Refused(error)
        }
    }
}

/// What was read is what is read after it was written.
fn survives(manifest: &Manifest) {
    let json = match serde_json::to_vec_pretty(manifest) {
        Ok(json) => json,
        Err(error) => panic!("a manifest cannot be written: {error}"),
    };
    match Manifest::parse(&json) {
        Ok(again) => assert_eq!(*manifest, again, "a manifest changed"),
        Err(error) => panic!("a manifest that was written cannot be read: {error}"),
    }
    // What a resumed run, a report and the terminal ask of it.
    let _ = manifest.warps.finest();
    let _ = manifest.inputs.same_content(&manifest.inputs);
    let _ = manifest.scales.moffat.as_ref().map(MoffatRecord::notes);
    let _ = e2m_pipeline::suffix(&manifest.params, Stage::LAST);
    let _ = manifest.params.validate();
}
