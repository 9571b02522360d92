//! What a run has left, made comparable.

use crate::common::Bench;
use serde_json::Value;
use std::collections::BTreeMap;

/// The results of a run.
#[derive(Debug)]
pub(crate) struct Tree {
    /// TIFF byte for byte; FITS without the cards that tell the time.
    images: BTreeMap<String, Vec<u8>>,
    /// What manifests say of warps, verdict, scales and checkpoints.
    manifests: BTreeMap<String, Value>,
    /// Every file.
    names: Vec<String>,
}

impl Tree {
    pub(crate) fn read(bench: &Bench) -> Self {
        let images = bench.images("out");
        let names = bench.names("out");
        let manifests = names
            .iter()
            .filter(|name| name.ends_with(".json") && name.contains("e2m_task"));
        let manifests = manifests
            .map(|name| {
                let text = bench.read(&format!("out/{name}"));
                let manifest = serde_json::from_str(&text).expect("JSON");
                (name.clone(), lasting(&manifest))
            })
            .collect();
        Self {
            images,
            manifests,
            names,
        }
    }

    /// Nothing is missing, nothing is there besides, and everything is the same.
    pub(crate) fn assert_same(&self, whole: &Self, after: &str) {
        let left_over = self.names.iter().find(|name| name.contains("e2m-tmp"));
        assert_eq!(left_over, None, "after {after}");
        assert_eq!(self.names, whole.names, "after {after}");
        assert!(!self.images.is_empty());
        for (name, bytes) in &whole.images {
            assert!(self.images[name] == *bytes, "{name} differs after {after}");
        }
        assert_eq!(self.manifests, whole.manifests, "after {after}");
    }
}

/// What of a manifest does not depend on when and how it was made.
fn lasting(manifest: &Value) -> Value {
    let hashes = |list: &Value, key: &str| -> Vec<Value> {
        let list = list.as_array().expect("a list").iter();
        list.map(|item| serde_json::json!([item["path"], item[key]]))
            .collect()
    };
    serde_json::json!({
        "status": manifest["status"],
        "post": manifest["inputs"]["post"]["hash"],
        "pre": manifest["inputs"]["pre"]["hash"],
        "warps": manifest["warps"],
        "verdict": manifest["alignment"]["verdict"],
        "residual": manifest["alignment"]["residual_median_px"],
        "scales": manifest["scales"],
        "checkpoints": hashes(&manifest["checkpoints"], "hash"),
        "pictures": hashes(&manifest["pictures"], "kind"),
    })
}
