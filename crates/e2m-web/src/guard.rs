//! What every request has to pass: the name that was asked for, where the page lies that asks, and the token.
//!
//! A page of another site can make a browser send requests to this server, and by a name that it has changed the address of
//! (DNS rebinding) even read the answers. So a request has to be to a name of this server (`Host`), what changes something has to
//! come from a page of it (`Origin`), and everything below `api` needs the token.

use crate::error::Refusal;
use crate::session::Token;
use crate::state::App;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;

/// What a page may do: load from this server, and nothing else from anywhere. No script or style stands in the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Names by which this server may be asked for.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    names: Vec<String>,
    /// Those by which a proxy is asked, which may ask this server by another.
    proxies: Vec<String>,
    /// Whether addresses of other machines' networks are names too: only where the server listens to them.
    any_address: bool,
}

impl Names {
    /// Those of a server that listens on the loopback interface, or on `host`; and further ones, by which a proxy asks.
    pub(crate) fn new(host: Option<&str>, further: &[String]) -> Self {
        let own = ["localhost"].into_iter().chain(host);
        let names = own.chain(further.iter().map(String::as_str));
        Self {
            names: names.map(str::to_lowercase).collect(),
            proxies: further.iter().map(|name| name.to_lowercase()).collect(),
            any_address: host.is_some(),
        }
    }

    /// Whether a `Host`, such as `localhost:8000` or `[::1]`, is this server. The port is that of a tunnel or a proxy.
    pub(crate) fn include(&self, host: &str) -> bool {
        let Some(name) = without_port(host) else {
            return false;
        };
        match name.parse::<IpAddr>() {
            // Who changes what a name stands for cannot change an address.
            Ok(address) => address.is_loopback() || self.any_address || self.names.contains(&name),
            Err(_) => self.names.contains(&name),
        }
    }

    /// Whether a proxy is asked by this name.
    fn are_of_proxy(&self, host: &str) -> bool {
        without_port(host).is_some_and(|name| self.proxies.contains(&name))
    }
}

/// The name in `name:port`, in small letters; an address of version 6 without its brackets.
fn without_port(host: &str) -> Option<String> {
    let (name, rest) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => host.find(':').map_or((host, ""), |at| host.split_at(at)),
    };
    let port = rest.is_empty()
        || rest
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    (port && !name.is_empty()).then(|| name.to_lowercase())
}

/// Refuses what does not pass, and adds to every answer what a browser has to keep to.
pub(crate) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let asked = Asked {
        method: request.method(),
        path: request.uri().path(),
        headers: request.headers(),
    };
    let mut answer = match entrance(&app, request.uri()) {
        Some(answer) => answer,
        None => match asked.passes(&app) {
            Ok(()) => next.run(request).await,
            Err(refusal) => refusal.into_response(),
        },
    };
    let headers = answer.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    answer
}

/// The answer to the address with the token in it: the cookie, and the address without it, so that it stays in no history.
fn entrance(app: &App, uri: &Uri) -> Option<Response> {
    // A proxy may have taken the path before it away.
    if uri.path() != "/" && uri.path() != format!("{}/", app.base_path) {
        return None;
    }
    let mut pairs = uri.query()?.split('&');
    let given = pairs.find_map(|pair| pair.strip_prefix("token="))?;
    let mut answer = (StatusCode::SEE_OTHER, [(header::LOCATION, "./")]).into_response();
    if app.token.is(given) {
        answer
            .headers_mut()
            .insert(header::SET_COOKIE, app.token.set_cookie()?);
    }
    Some(answer)
}

/// A request as far as it matters here.
struct Asked<'r> {
    method: &'r Method,
    path: &'r str,
    headers: &'r HeaderMap,
}

impl Asked<'_> {
    fn passes(&self, app: &App) -> Result<(), Refusal> {
        let host = self.text(&header::HOST).unwrap_or_default();
        if !app.names.include(host) {
            return Err(Refusal::new(
                StatusCode::MISDIRECTED_REQUEST,
                format!(
                    "this server is not known as {host:?}. Open the address that `e2m serve` prints; behind a proxy, start it with \
                     --allow-host NAME"
                ),
            ));
        }
        let below = self.path.strip_prefix(&app.base_path).unwrap_or(self.path);
        if !below.starts_with("/api/") {
            // The page and its parts are the same for everybody and hold nothing.
            return Ok(());
        }
        let site = HeaderName::from_static("sec-fetch-site");
        if let Some("cross-site" | "same-site") = self.text(&site) {
            return Err(foreign());
        }
        self.may_ask(&app.token)?;
        if matches!(*self.method, Method::GET | Method::HEAD) {
            return Ok(());
        }
        match self.text(&header::ORIGIN) {
            Some(origin) if !is_own(origin, host, &app.names) => return Err(foreign()),
            // A browser names it. A program that does not has the token in its hand.
            None if !app.token.in_authorization(self.headers) => return Err(foreign()),
            Some(_) | None => {}
        }
        if app.read_only {
            return Err(Refusal::forbidden(
                "this server was started with --read-only: it shows, and changes nothing",
            ));
        }
        Ok(())
    }

    fn may_ask(&self, token: &Token) -> Result<(), Refusal> {
        if token.in_cookie(self.headers) || token.in_authorization(self.headers) {
            return Ok(());
        }
        Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            "this browser has not shown the token of this server; open the whole address that `e2m serve` printed, with ?token=…",
        ))
    }

    fn text(&self, name: &HeaderName) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap_or("?"))
    }
}

/// Whether an origin, such as `http://localhost:8000`, is this server: the very host that was asked for, or a name of it where a
/// proxy has changed that.
fn is_own(origin: &str, host: &str, names: &Names) -> bool {
    let Some((_, authority)) = origin.split_once("://") else {
        return false;
    };
    authority.eq_ignore_ascii_case(host) || names.are_of_proxy(authority)
}

fn foreign() -> Refusal {
    Refusal::forbidden(
        "a page of another site asked for this, and this server answers its own pages only; open the address that `e2m serve` \
         printed",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_somebody_else_may_change_is_no_name_of_this_server() {
        let local = Names::new(None, &[]);
        for good in [
            "localhost",
            "LOCALHOST:8000",
            "127.0.0.1:1",
            "[::1]:8000",
            "[::1]",
            "127.8.9.1",
        ] {
            assert!(local.include(good), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "localhost.evil.example:8000",
            "10.0.0.1",
            "[::1",
            "localhost:8000x",
            "0.0.0.0",
            ":80",
        ] {
            assert!(!local.include(bad), "{bad}");
        }
        let open = Names::new(Some("lab.example"), &["hub.example".into()]);
        for good in [
            "lab.example:80",
            "hub.example",
            "10.0.0.1:8000",
            "localhost",
        ] {
            assert!(open.include(good), "{good}");
        }
        assert!(!open.include("evil.example"));
    }

    #[test]
    fn another_port_of_this_machine_is_another_site() {
        let names = Names::new(None, &["hub.example".into()]);
        assert!(is_own("http://localhost:8000", "localhost:8000", &names));
        assert!(is_own("https://hub.example", "127.0.0.1:8000", &names));
        assert!(!is_own("http://localhost:9000", "localhost:8000", &names));
        assert!(!is_own("http://localhost:9000", "127.0.0.1:8000", &names));
        assert!(!is_own("null", "localhost:8000", &names));
        assert!(!is_own("https://evil.example", "localhost:8000", &names));
    }
}
