//! Proof that a request comes from the sidecar.

use http::HeaderMap;
use subtle::ConstantTimeEq as _;

use crate::Secret;

/// The header daprd sends (dapr/dapr `pkg/channel/http/http_channel.go`).
const HEADER: &str = "dapr-api-token";

/// Whether the request carries the token. The comparison takes the same time wherever the first
/// difference is; only the token's length can be measured.
pub(super) fn admits(expected: Option<&Secret>, headers: &HeaderMap) -> bool {
    let Some(expected) = expected else {
        return true;
    };
    let mut sent = headers.get_all(HEADER).iter();
    let (Some(token), None) = (sent.next(), sent.next()) else {
        return false;
    };
    token.as_bytes().ct_eq(expected.expose().as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{HEADER, admits};
    use crate::Secret;

    #[test]
    fn only_the_right_token_passes() {
        let secret = Secret::from("right".to_owned());
        let with = |token: &'static str| {
            HeaderMap::from_iter([(HEADER.parse().unwrap(), HeaderValue::from_static(token))])
        };
        assert!(admits(Some(&secret), &with("right")));
        assert!(!admits(Some(&secret), &with("wrong")));
        assert!(!admits(Some(&secret), &with("righ")));
        assert!(!admits(Some(&secret), &HeaderMap::new()));
        assert!(admits(None, &HeaderMap::new()));

        let mut twice = with("right");
        twice.append(HEADER, HeaderValue::from_static("wrong"));
        assert!(!admits(Some(&secret), &twice));
    }
}
