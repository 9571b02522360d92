//! The parameters: what `e2m params` tells.

use super::fresh;
use axum::response::Response;
use e2m_pipeline::{ParamSpec, Params, REGISTRY};
use serde_json::{Value, json};

/// `GET api/params`
pub(crate) async fn list() -> Response {
    let defaults = json!(Params::default());
    let about = REGISTRY
        .iter()
        .map(|spec| about(spec, defaults.get(spec.name)));
    fresh(json!({"parameters": about.collect::<Vec<Value>>()}))
}

/// `default_value` is the default as a batch's `params` have it, to compare with.
fn about(spec: &ParamSpec, default_value: Option<&Value>) -> Value {
    json!({
        "name": spec.name,
        "stage": spec.stage,
        "default": spec.default.written(),
        "default_value": default_value,
        "values": spec.expected(),
        "meaning": spec.meaning,
        "when": spec.when,
    })
}
