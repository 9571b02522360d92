//! Who may ask: the token that the address holds, and the cookie it becomes.

use axum::http::{HeaderMap, HeaderValue, header};

/// Random bytes of a token: none is guessed.
const TOKEN_BYTES: usize = 24;

/// The secret of a server that runs. Every start has another.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    text: String,
    cookie: String,
    path: String,
}

impl Token {
    /// A new one, for a server on this port and below this path.
    pub(crate) fn new(port: u16, base_path: &str) -> Result<Self, getrandom::Error> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self {
            text: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            // Cookies know no ports: two servers on one machine have two names.
            cookie: format!("e2m_{port}"),
            path: format!("{base_path}/"),
        })
    }

    /// As it stands in the address.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether this is the token; takes as long whatever is wrong.
    pub(crate) fn is(&self, given: &str) -> bool {
        let (own, given) = (self.text.as_bytes(), given.as_bytes());
        let different = own
            .iter()
            .zip(given)
            .fold(0, |all, (own, given)| all | (own ^ given));
        own.len() == given.len() && different == 0
    }

    /// Whether the cookie of a request holds it.
    pub(crate) fn in_cookie(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(header::COOKIE).iter();
        let texts = cookies.filter_map(|value| value.to_str().ok());
        let mut pairs = texts.flat_map(|text| text.split(';'));
        pairs.any(|pair| {
            let pair = pair.trim().split_once('=');
            pair.is_some_and(|(name, value)| name == self.cookie && self.is(value))
        })
    }

    /// Whether a program sends it: `Authorization: Bearer TOKEN`.
    pub(crate) fn in_authorization(&self, headers: &HeaderMap) -> bool {
        let value = headers.get(header::AUTHORIZATION);
        let value = value.and_then(|value| value.to_str().ok());
        let given = value.and_then(|value| value.strip_prefix("Bearer "));
        given.is_some_and(|given| self.is(given.trim()))
    }

    /// What makes a browser keep it: out of reach of scripts, and sent to pages of this server alone.
    pub(crate) fn set_cookie(&self) -> Option<HeaderValue> {
        let text = format!(
            "{}={}; Path={}; HttpOnly; SameSite=Strict",
            self.cookie, self.text, self.path
        );
        HeaderValue::from_str(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_is_the_token() {
        let token = Token::new(8000, "").expect("random bytes");
        assert!(token.is(token.text()) && token.text().len() == 2 * TOKEN_BYTES);
        let other = Token::new(8000, "").expect("random bytes");
        for wrong in [
            "",
            "x",
            other.text(),
            &token.text()[1..],
            &format!("{}0", token.text()),
        ] {
            assert!(!token.is(wrong), "{wrong}");
        }
        let mut headers = HeaderMap::new();
        let cookie = format!("a=b; e2m_8000={}; c", token.text());
        headers.insert(
            header::COOKIE,
            HeaderValue::from_str(&cookie).expect("a value"),
        );
        assert!(token.in_cookie(&headers) && !token.in_authorization(&headers));
        assert!(!other.in_cookie(&headers));
    }
}
