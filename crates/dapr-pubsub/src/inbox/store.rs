//! The sidecar's state API, reduced to the four calls that records need.

use std::collections::HashMap;
use std::time::Duration;

use dapr::dapr::proto::common::v1::state_options::{StateConcurrency, StateConsistency};
use dapr::dapr::proto::common::v1::{Etag, StateItem, StateOptions};
use dapr::dapr::proto::runtime::v1::{DeleteStateRequest, GetStateRequest};
use tonic::{Code, Status};

use super::batch::{Batches, Together};
use super::record::Record;
use crate::Sidecar;

/// First-write. Strong consistency is asked for where a record is read, not where it is written: `state.redis` would `WAIT` for as
/// many replicas as there were when it started, up to a second after each write, and ignore what came of it (dapr/components-contrib
/// `state/redis/redis.go`, `Set`). One lost replica would slow every event down and prove nothing. What a failover may forget is the
/// store's own business (Redis: `min-replicas-to-write`).
const OPTIONS: StateOptions = StateOptions {
    concurrency: StateConcurrency::ConcurrencyFirstWrite as i32,
    consistency: StateConsistency::ConsistencyUnspecified as i32,
};

#[derive(Clone)]
pub(super) struct Store {
    sidecar: Sidecar,
    name: String,
    /// Apart, because claims are what can fail for good reasons.
    creations: Batches,
    replacements: Batches,
    /// Of claims, by what is kept of the event.
    endings: Batches,
}

#[derive(Debug)]
pub(super) enum StoreError {
    /// Somebody else wrote the record.
    Conflict(Status),
    /// Any other answer, or none.
    Failed(Status),
    Record(serde_json::Error),
}

impl StoreError {
    /// Whether nothing can have been written, or there is no point in asking the same sidecar.
    ///
    /// A lost race is *not* among these: `state.redis` reports it as a conflict only for a write
    /// with an etag, and as a plain error (INTERNAL) for the creation of a record
    /// (dapr/components-contrib `state/redis/redis.go`, `Set`).
    pub(super) fn leaves_no_doubt(&self) -> bool {
        match self {
            Self::Failed(status) => !matches!(status.code(), Code::Internal | Code::Unknown),
            Self::Conflict(_) | Self::Record(_) => false,
        }
    }

    pub(super) fn status(self) -> Status {
        match self {
            Self::Conflict(status) | Self::Failed(status) => status,
            Self::Record(error) => Status::data_loss(error.to_string()),
        }
    }
}

impl From<Status> for StoreError {
    fn from(status: Status) -> Self {
        match status.code() {
            // How daprd reports an etag that does not match (dapr/dapr `pkg/api/grpc/grpc.go`,
            // `getStateErrorCode`).
            Code::Aborted => Self::Conflict(status),
            _ => Self::Failed(status),
        }
    }
}

impl Store {
    /// `limit` is the most that a call may take which several writes share.
    pub(super) fn new(sidecar: Sidecar, name: String, limit: Duration) -> Self {
        let batches = |many| Batches::new(sidecar.clone(), name.clone(), limit, many);
        Self {
            creations: batches(Together::Saved),
            replacements: batches(Together::Saved),
            endings: batches(Together::Transaction),
            sidecar,
            name,
        }
    }

    /// Name of the component.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The record and its etag.
    pub(super) async fn get(
        &self,
        key: &str,
        limit: Duration,
    ) -> Result<Option<(Record, String)>, StoreError> {
        let request = GetStateRequest {
            store_name: self.name.clone(),
            key: key.to_owned(),
            consistency: StateConsistency::ConsistencyStrong as i32,
            metadata: HashMap::new(),
        };
        let found = self
            .sidecar
            .call(limit, request, async |mut client, request| {
                client.get_state(request).await
            })
            .await?;
        if found.data.is_empty() {
            return Ok(None);
        }
        let record = Record::parse(&found.data).map_err(StoreError::Record)?;
        Ok(Some((record, found.etag)))
    }

    /// Writes a record that is no event's, whatever there is.
    pub(super) async fn note(
        &self,
        key: &str,
        ttl: Duration,
        limit: Duration,
    ) -> Result<(), StoreError> {
        let options = StateOptions {
            concurrency: StateConcurrency::ConcurrencyLastWrite as i32,
            ..OPTIONS
        };
        self.save(key, &Record::Done, None, options, ttl, limit)
            .await
    }

    /// Writes the record if there is none: a first-write without etag.
    pub(super) async fn create(
        &self,
        key: &str,
        record: &Record,
        ttl: Duration,
        limit: Duration,
    ) -> Result<(), StoreError> {
        self.save(key, record, None, OPTIONS, ttl, limit).await
    }

    /// Writes the record if the present one has this etag.
    ///
    /// Where there is none any more, `state.redis` writes it too; and after a record has expired, a
    /// new one counts its etags from 1 again. An etag is therefore proof only as long as the record
    /// it belongs to cannot have expired, which is the caller's business.
    pub(super) async fn replace(
        &self,
        key: &str,
        record: &Record,
        etag: &str,
        ttl: Duration,
        limit: Duration,
    ) -> Result<(), StoreError> {
        self.save(key, record, Some(etag), OPTIONS, ttl, limit)
            .await
    }

    async fn save(
        &self,
        key: &str,
        record: &Record,
        etag: Option<&str>,
        options: StateOptions,
        ttl: Duration,
        limit: Duration,
    ) -> Result<(), StoreError> {
        let ttl = whole_seconds(ttl).to_string();
        let item = StateItem {
            key: key.to_owned(),
            value: record.bytes().map_err(StoreError::Record)?,
            etag: etag.map(|value| Etag {
                value: value.to_owned(),
            }),
            metadata: HashMap::from([("ttlInSeconds".to_owned(), ttl)]),
            options: Some(options),
        };
        let batches = match (etag, record) {
            (None, _) => &self.creations,
            (Some(_), Record::Claimed { .. }) => &self.replacements,
            (Some(_), Record::Done | Record::Failed { .. }) => &self.endings,
        };
        Ok(batches.save(item, limit).await?)
    }

    /// Removes the record if it has this etag.
    pub(super) async fn delete(
        &self,
        key: &str,
        etag: &str,
        limit: Duration,
    ) -> Result<(), StoreError> {
        let request = DeleteStateRequest {
            store_name: self.name.clone(),
            key: key.to_owned(),
            etag: Some(Etag {
                value: etag.to_owned(),
            }),
            options: Some(OPTIONS),
            metadata: HashMap::new(),
        };
        self.sidecar
            .call(limit, request, async |mut client, request| {
                client.delete_state(request).await
            })
            .await?;
        Ok(())
    }
}

/// Rounded up: a record must not end before its owner thinks so.
fn whole_seconds(ttl: Duration) -> u64 {
    (ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::whole_seconds;

    #[test]
    fn ttls_are_rounded_up() {
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(10)), 10);
        assert_eq!(whole_seconds(Duration::from_millis(10_001)), 11);
        assert_eq!(whole_seconds(Duration::ZERO), 1);
    }
}
