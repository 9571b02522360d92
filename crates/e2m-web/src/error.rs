//! Why a request is not answered with what it asked for.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use e2m_batch::PlanError;
use e2m_pipeline::RegionError;
use serde_json::json;

/// A request that is not answered with what it asked for: the status, and the sentence for the user. It becomes
/// `{"error": "…"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The status of the answer.
    pub(crate) status: StatusCode,
    /// What is wrong and what to do.
    pub(crate) text: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
        }
    }

    /// The request makes no sense.
    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// There is nothing of the kind.
    pub(crate) fn nothing(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }

    /// It is there, and is not for this browser.
    pub(crate) fn forbidden(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, text)
    }

    /// It stands against something that is going on, or that has changed.
    pub(crate) fn conflict(text: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, text)
    }

    /// A file or the system is at fault.
    pub(crate) fn fault(text: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, text)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let cache = [(header::CACHE_CONTROL, "no-store")];
        (self.status, cache, Json(json!({"error": self.text}))).into_response()
    }
}

impl From<RegionError> for Refusal {
    fn from(error: RegionError) -> Self {
        if error.is_question() {
            Self::nothing(error.to_string())
        } else {
            Self::fault(error.to_string())
        }
    }
}

impl From<PlanError> for Refusal {
    fn from(error: PlanError) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
    }
}
