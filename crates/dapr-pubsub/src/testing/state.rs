//! The state store of the fake. It has the habits of `state.redis` (dapr/components-contrib `state/redis/redis.go`):
//! versions that start at 1 again after a record has gone, a lost race that is INTERNAL when the
//! write had no etag and ABORTED when it had one, and a write with an etag that creates what is not
//! there.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use dapr::dapr::proto::common::v1::state_options::StateConcurrency;
use dapr::dapr::proto::runtime::v1::{
    DeleteStateRequest, ExecuteStateTransactionRequest, GetStateRequest, GetStateResponse,
    SaveStateRequest,
};
use tokio::time::Instant;
use tonic::Status;

/// What a [`StateStore`] has under a key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stored {
    /// As it was written: for an inbox JSON.
    pub value: String,
    /// Its etag.
    pub version: u64,
    /// When it ends, if it does.
    pub expires: Option<Instant>,
}

type Script = Box<dyn FnMut(&str, &str) -> Option<Fault> + Send>;

/// What a [`StateStore`] does instead of doing it right.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// Fail without an effect.
    Refuse(Status),
    /// Do it, then fail: without setting the TTL, as when a sidecar dies between the two steps.
    HalfDone(Status),
    /// No effect and no answer.
    Hang,
}

/// A state store in memory, with etags, TTL and first-write, after `state.redis`.
#[derive(Default)]
pub struct StateStore {
    records: Mutex<HashMap<String, Stored>>,
    fault: Mutex<Option<Script>>,
}

impl StateStore {
    /// From now on asks `fault`, which sees the operation (`save`, `get`, `delete`) and the value, if any.
    pub fn disturb(&self, fault: impl FnMut(&str, &str) -> Option<Fault> + Send + 'static) {
        *self.fault.lock().unwrap() = Some(Box::new(fault));
    }

    /// Does everything right again.
    pub fn heal(&self) {
        *self.fault.lock().unwrap() = None;
    }

    /// What an inbox has written about an event: the JSON that [`Inbox`](crate::Inbox) describes.
    pub fn event(&self, consumer: &str, source: &str, id: &str) -> Option<serde_json::Value> {
        let stored = self.record(&crate::record_key(consumer, source, id))?;
        serde_json::from_str(&stored.value).ok()
    }

    /// What there is under a key and has not ended.
    pub fn record(&self, key: &str) -> Option<Stored> {
        let mut records = self.records.lock().unwrap();
        records.retain(|_, it| it.expires.is_none_or(|end| end > Instant::now()));
        records.get(key).cloned()
    }

    /// Writes a record without an end.
    pub fn put(&self, key: &str, value: &str) {
        let stored = Stored {
            value: value.to_owned(),
            version: 1,
            expires: None,
        };
        self.records.lock().unwrap().insert(key.to_owned(), stored);
    }

    /// Removes a record, as its end would.
    pub fn remove(&self, key: &str) {
        self.records.lock().unwrap().remove(key);
    }

    async fn verdict(&self, operation: &str, value: &str) -> Result<Option<Status>, Status> {
        let verdict = self
            .fault
            .lock()
            .unwrap()
            .as_mut()
            .and_then(|it| it(operation, value));
        match verdict {
            None => Ok(None),
            Some(Fault::Refuse(status)) => Err(status),
            Some(Fault::HalfDone(status)) => Ok(Some(status)),
            Some(Fault::Hang) => std::future::pending().await,
        }
    }

    pub(super) async fn save(&self, request: SaveStateRequest) -> Result<(), Status> {
        for item in request.states {
            let value = String::from_utf8(item.value).unwrap();
            let half = self.verdict("save", &value).await?;
            let present = self.record(&item.key);
            let etag = item.etag.map(|etag| etag.value);
            let concurrency = item.options.unwrap_or_default().concurrency();
            if let Some(present) = &present
                && concurrency == StateConcurrency::ConcurrencyFirstWrite
                && etag.as_deref() != Some(present.version.to_string().as_str())
            {
                return Err(match etag {
                    Some(_) => Status::aborted("possible etag mismatch"),
                    None => Status::internal("failed to set key"),
                });
            }
            let ttl: u64 = item.metadata["ttlInSeconds"].parse().unwrap();
            let expires = match half {
                Some(_) => present.as_ref().and_then(|it| it.expires),
                None => Some(Instant::now() + Duration::from_secs(ttl)),
            };
            let version = present.map_or(0, |it| it.version) + 1;
            let stored = Stored {
                value,
                version,
                expires,
            };
            self.records.lock().unwrap().insert(item.key, stored);
            if let Some(status) = half {
                return Err(status);
            }
        }
        Ok(())
    }

    /// As `state.redis` does it: what cannot be written holds up nothing else, and its TTL is set all the same.
    pub(super) async fn transact(
        &self,
        request: ExecuteStateTransactionRequest,
    ) -> Result<(), Status> {
        let mut failed = None;
        for item in request.operations.into_iter().filter_map(|it| it.request) {
            let (key, ttl) = (item.key.clone(), item.metadata["ttlInSeconds"].parse());
            let states = vec![item];
            let saved = self.save(SaveStateRequest {
                states,
                ..Default::default()
            });
            if let Err(status) = saved.await {
                failed = Some(Status::internal(status.message()));
                let ends = Instant::now() + Duration::from_secs(ttl.unwrap());
                let mut records = self.records.lock().unwrap();
                records.entry(key).and_modify(|it| it.expires = Some(ends));
            }
        }
        failed.map_or(Ok(()), Err)
    }

    pub(super) async fn get(&self, request: GetStateRequest) -> Result<GetStateResponse, Status> {
        self.verdict("get", "").await?;
        let Some(stored) = self.record(&request.key) else {
            return Ok(GetStateResponse::default());
        };
        let (data, etag) = (stored.value.into_bytes(), stored.version.to_string());
        Ok(GetStateResponse {
            data,
            etag,
            ..Default::default()
        })
    }

    pub(super) async fn delete(&self, request: DeleteStateRequest) -> Result<(), Status> {
        self.verdict("delete", "").await?;
        let etag = request.etag.map(|etag| etag.value);
        if let Some(present) = self.record(&request.key)
            && etag != Some(present.version.to_string())
        {
            return Err(Status::aborted("possible etag mismatch"));
        }
        self.remove(&request.key);
        Ok(())
    }
}

impl fmt::Debug for StateStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateStore")
            .field("records", &self.records)
            .finish_non_exhaustive()
    }
}
