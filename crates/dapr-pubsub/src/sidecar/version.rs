//! The version of daprd that this crate is made for.

/// The first one that gives the connection to a gRPC application more than a second (dapr/dapr
/// `docs/release_notes/v1.18.3.md`).
const NEEDED: [u32; 3] = [1, 18, 3];

/// Says what an older daprd does. A version that is no number, as of a daprd that somebody built, is taken as it is.
pub(super) fn check(version: &str) {
    if is_older(version) {
        let [major, minor, patch] = NEEDED;
        tracing::warn!(
            version,
            "daprd is older than {major}.{minor}.{patch}: deliveries by gRPC may fail with \"use of closed network connection\" and \
             come again, and an event whose traceparent is no string may stop the sidecar; upgrade Dapr"
        );
    }
}

fn is_older(version: &str) -> bool {
    let numbers = version.split(['.', '-', '+']).take(NEEDED.len());
    let numbers: Result<Vec<u32>, _> = numbers.map(str::parse).collect();
    numbers.is_ok_and(|numbers| numbers.len() == NEEDED.len() && numbers.as_slice() < &NEEDED)
}

#[cfg(test)]
mod tests {
    use super::is_older;

    #[test]
    fn only_numbers_are_compared() {
        for old in ["1.18.2", "1.17.9", "1.18.2-rc.1", "0.99.4"] {
            assert!(is_older(old), "{old}");
        }
        for fine in ["1.18.3", "1.18.10", "1.19.0", "2.0.0", "edge", "", "1.18"] {
            assert!(!is_older(fine), "{fine}");
        }
    }
}
