//! What the page asks for, as JSON and as images. Every address below `api` is answered here.
//!
//! | module | what it answers |
//! |---|---|
//! | `batches` | which batch files there are, and what is there of the tasks of one |
//! | `task` | the record of a task, its pictures, its catalogue |
//! | `look` | its images: what there is, ranges, tiles, values, cut-outs |
//! | `folders` | folders in which raw images may lie |
//! | `raw` | raw images before a run: what their headers say, thumbnails |
//! | `variants` | what `e2m compare` has left of it |
//! | `judge` | what people think of its objects, and of it |
//! | `params` | the parameters and when to change them |
//! | `running` | starting, stopping and watching runs |
//! | `text` | the text of a batch file: looked through, changed, saved |

mod batches;
mod folders;
mod judge;
mod look;
mod params;
mod raw;
mod running;
mod task;
mod text;
mod variants;

use crate::error::Refusal;
use crate::state::App;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use std::sync::Arc;

/// The longest body: a batch file is no longer.
const MOST_BODY_BYTES: usize = 4 << 20;

/// All addresses below `api`.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/session", get(session))
        .route("/machine", get(machine))
        .route("/params", get(params::list))
        .route("/batches", get(batches::list))
        .route("/batch", get(batches::one))
        .route("/folders", get(folders::list))
        .route("/raw", get(raw::about))
        .route("/thumbnail", get(raw::picture))
        .route("/task", get(task::record))
        .route("/picture", get(task::picture))
        .route("/catalogue", get(task::catalogue))
        .route("/variants", get(variants::list))
        .route("/judgements", get(judge::list).post(judge::judge))
        .route("/view", get(look::view))
        .route("/range", get(look::range))
        .route("/tile", get(look::tile))
        .route("/overview", get(look::overview))
        .route("/values", get(look::values))
        .route("/cutout", get(look::cutout))
        .route("/run", get(running::state).post(running::start))
        .route("/run/abort", post(running::abort))
        .route("/run/events", get(running::events))
        .route("/check", get(running::check))
        .route("/text/check", post(text::check))
        .route("/text/set", post(text::set))
        .route("/text/save", post(text::save))
        .fallback(nothing)
        .method_not_allowed_fallback(not_so)
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
}

/// What the address asks for; what is wrong with it is said as everything else is.
#[derive(Debug, FromRequestParts)]
#[from_request(via(Query), rejection(Refusal))]
pub(crate) struct Asked<T>(pub(crate) T);

/// What the body holds.
#[derive(Debug, FromRequest)]
#[from_request(via(Json), rejection(Refusal))]
pub(crate) struct Given<T>(pub(crate) T);

impl From<QueryRejection> for Refusal {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

/// JSON that no browser keeps.
pub(crate) fn fresh(value: impl serde::Serialize) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(value)).into_response()
}

/// Content that is the same for ever: its address holds the version.
pub(crate) fn lasting(kind: &'static str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "private, max-age=86400, immutable"),
    ];
    (headers, bytes).into_response()
}

async fn session(State(app): State<Arc<App>>) -> Response {
    fresh(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "folder": app.folder.root(),
        "read_only": app.read_only,
    }))
}

async fn machine(State(app): State<Arc<App>>) -> Response {
    app.machine.measure();
    fresh(
        json!({"machine": app.machine.view(), "overview_bytes": app.overviews.bytes(), "thumbnail_bytes": app.thumbnails.bytes()}),
    )
}

async fn nothing() -> Refusal {
    Refusal::nothing("there is nothing at this address; docs/web.md lists those of the API")
}

async fn not_so() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this address is there, but not for this method: what shows is GET, what changes something is POST",
    )
}
