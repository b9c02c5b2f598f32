//! The head of a batch of records, which stands before what is compressed.

/// Where in a batch of format 2 the format's number and the first record's timestamp stand.
const MAGIC: usize = 16;
const TIMESTAMP: std::ops::Range<usize> = 27..35;

/// When the first record of the first batch was made, in milliseconds since 1970.
pub(super) fn timestamp(records: &[u8]) -> Option<u64> {
    if records.get(MAGIC) != Some(&2) {
        return None;
    }
    let bytes = records.get(TIMESTAMP)?.try_into().ok()?;
    u64::try_from(i64::from_be_bytes(bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timestamp_is_read_from_the_head() {
        let mut batch = vec![0; 61];
        batch[MAGIC] = 2;
        batch[TIMESTAMP].copy_from_slice(&1_700_000_000_000_i64.to_be_bytes());
        assert_eq!(timestamp(&batch), Some(1_700_000_000_000));
        batch[MAGIC] = 1;
        assert_eq!(timestamp(&batch), None);
        assert_eq!(timestamp(&[]), None);
    }
}
