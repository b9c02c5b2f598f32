//! Proof that a request comes from the sidecar.

use http::HeaderMap;
use subtle::{Choice, ConstantTimeEq as _};

use crate::Secret;

/// The header daprd sends (dapr/dapr `pkg/channel/http/http_channel.go`).
const HEADER: &str = "dapr-api-token";

/// Whether the request carries one of the tokens; any does where there are none. The comparison takes the same time wherever the
/// first difference is, and whichever token it is; only the tokens' lengths can be measured. An empty token lets nobody in: a sidecar
/// does not send it.
pub(super) fn admits(expected: &[Secret], headers: &HeaderMap) -> bool {
    if expected.is_empty() {
        return true;
    }
    let mut sent = headers.get_all(HEADER).iter();
    let (Some(token), None) = (sent.next(), sent.next()) else {
        return false;
    };
    let token = token.as_bytes();
    let mut found = Choice::from(0);
    for expected in expected {
        found |= token.ct_eq(expected.expose().as_bytes());
    }
    bool::from(found) && !token.is_empty()
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
        let one = [secret.clone()];
        assert!(admits(&one, &with("right")));
        assert!(!admits(&one, &with("wrong")));
        assert!(!admits(&one, &with("righ")));
        assert!(!admits(&one, &HeaderMap::new()));
        assert!(admits(&[], &HeaderMap::new()));
        let empty = Secret::from(String::new());
        assert!(!admits(&[empty], &with("")));

        let both = [Secret::from("old".to_owned()), secret];
        for (token, let_in) in [("old", true), ("right", true), ("new", false)] {
            assert_eq!(admits(&both, &with(token)), let_in, "{token}");
        }

        let mut twice = with("right");
        twice.append(HEADER, HeaderValue::from_static("wrong"));
        assert!(!admits(&both, &twice));
    }
}
