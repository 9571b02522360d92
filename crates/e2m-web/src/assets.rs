//! The page and its parts, which are in the program.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Name, content and type of each file.
macro_rules! assets {
    ($($name:literal $kind:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../static/", $name)), $kind)),*]
    };
}

const ASSETS: &[(&str, &str, &str)] = assets![
    "index.html" "text/html; charset=utf-8",
    "style.css" "text/css; charset=utf-8",
    "look.css" "text/css; charset=utf-8",
    "app.js" "text/javascript; charset=utf-8",
    "before.js" "text/javascript; charset=utf-8",
    "dom.js" "text/javascript; charset=utf-8",
    "api.js" "text/javascript; charset=utf-8",
    "batches.js" "text/javascript; charset=utf-8",
    "batch.js" "text/javascript; charset=utf-8",
    "picker.js" "text/javascript; charset=utf-8",
    "raws.js" "text/javascript; charset=utf-8",
    "compare.js" "text/javascript; charset=utf-8",
    "judge.js" "text/javascript; charset=utf-8",
    "edit.js" "text/javascript; charset=utf-8",
    "task.js" "text/javascript; charset=utf-8",
    "look.js" "text/javascript; charset=utf-8",
    "look_panes.js" "text/javascript; charset=utf-8",
    "look_objects.js" "text/javascript; charset=utf-8",
    "look_rings.js" "text/javascript; charset=utf-8",
    "look_overlays.js" "text/javascript; charset=utf-8",
    "look_bar.js" "text/javascript; charset=utf-8",
    "icon.svg" "image/svg+xml",
    "vendor/openseadragon.min.js" "text/javascript; charset=utf-8",
    "vendor/openseadragon.LICENSE.txt" "text/plain; charset=utf-8",
];

/// The licence of OpenSeadragon, the viewer that the page holds; it has to be passed on with it.
pub const VIEWER_LICENCE: &str = include_str!("../static/vendor/openseadragon.LICENSE.txt");

/// The page.
pub(crate) async fn page() -> Response {
    asset("index.html")
}

/// A part of it.
pub(crate) async fn part(Path(name): Path<String>) -> Response {
    asset(&name)
}

fn asset(name: &str) -> Response {
    let Some((_, content, kind)) = ASSETS.iter().find(|(own, ..)| *own == name) else {
        return (StatusCode::NOT_FOUND, "there is no such part of the page\n").into_response();
    };
    // Another version of e2m may answer next time, at the same address.
    let headers = [
        (header::CONTENT_TYPE, *kind),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, *content).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_no_script_or_style_of_its_own_and_names_no_other_host() {
        for (name, content, _) in ASSETS {
            if name.starts_with("vendor/") {
                continue;
            }
            if name.ends_with(".html") {
                for inline in ["<style", "style=", "onclick", "javascript:"] {
                    assert!(!content.contains(inline), "{name}: {inline}");
                }
                let scripts = content.matches("<script").count();
                assert_eq!(
                    scripts,
                    content.matches("<script src=").count()
                        + content.matches("<script type=\"module\" src=").count()
                );
            }
            for host in content.match_indices("://") {
                let before: String = content
                    .chars()
                    .take(host.0 + 30)
                    .skip(host.0.saturating_sub(8))
                    .collect();
                assert!(
                    content.contains("http://www.w3.org/2000/svg"),
                    "{name} names a host: {before}"
                );
            }
            assert!(content.lines().count() < 500, "{name} is long");
        }
    }
}
