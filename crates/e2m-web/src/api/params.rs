//! The parameters: what `e2m params` tells.

use super::fresh;
use axum::response::Response;
use e2m_pipeline::{ParamSpec, REGISTRY};
use serde_json::{Value, json};

/// `GET api/params`
pub(crate) async fn list() -> Response {
    fresh(json!({"parameters": REGISTRY.iter().map(about).collect::<Vec<Value>>()}))
}

fn about(spec: &ParamSpec) -> Value {
    json!({
        "name": spec.name,
        "stage": spec.stage,
        "default": spec.default.written(),
        "values": spec.expected(),
        "meaning": spec.meaning,
        "when": spec.when,
    })
}
