//! The task behind a lease.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::super::record::Record;
use super::super::store::StoreError;
use super::super::{InboxError, Inner, now};
use crate::Outcome;

/// Renewals per lease: two may fail before it is lost.
const RENEWALS: u32 = 3;
/// The whole of `complete`, in call timeouts.
const COMPLETE_BUDGET: u32 = 3;
const COMPLETE_PAUSE: Duration = Duration::from_millis(50);

type Reply<T> = oneshot::Sender<Result<T, InboxError>>;

/// The share of a lease by which an abandoned claim is given back before it would end, and its count with it.
const EARLY: u32 = 10;

pub(super) enum Command {
    Complete(Reply<()>),
    Fail(String, Reply<Outcome>),
    Release(Reply<()>),
}

pub(super) struct Keeper {
    inbox: Arc<Inner>,
    key: String,
    /// The claim, as it is written.
    mine: Record,
    failures: u32,
    /// Of the present record; unknown after each write, because a save does not return it.
    etag: Option<String>,
    /// The claim is a record that did not exist before.
    created: bool,
    /// The record cannot have expired before this moment. Later no write may rely on an etag: the
    /// record could be another one with the same etag (see `Store::replace`).
    valid_until: Instant,
    lost: CancellationToken,
}

/// What the store has instead of this keeper's claim.
enum Holder {
    This,
    Nobody,
    Other,
    Done,
}

impl Keeper {
    pub(super) fn new(
        inbox: Arc<Inner>,
        key: String,
        mine: Record,
        failures: u32,
        created: bool,
        started: Instant,
        lost: CancellationToken,
    ) -> Self {
        let valid_until = started + inbox.options.lease;
        Self {
            inbox,
            key,
            mine,
            failures,
            etag: None,
            created,
            valid_until,
            lost,
        }
    }

    pub(super) async fn run(mut self, mut commands: oneshot::Receiver<Command>) {
        let period = self.inbox.options.lease / RENEWALS;
        let mut renewal = Instant::now() + period;
        if self.guess().is_none() {
            self.learn().await;
        }
        let command = loop {
            tokio::select! {
                command = &mut commands => break command,
                () = sleep_until(renewal), if !self.lost.is_cancelled() => {
                    renewal = Instant::now() + if self.renew().await { period } else { period / 4 };
                }
                () = sleep_until(self.valid_until), if !self.lost.is_cancelled() => self.lose(),
            }
        };
        match command {
            Ok(Command::Complete(reply)) => {
                let started = Instant::now();
                let result = self.complete().await;
                if result.is_ok() {
                    self.inbox.recent.note(&self.key, started);
                }
                let _ = reply.send(result);
            }
            Ok(Command::Release(reply)) => {
                let result = self.release().await;
                let _ = reply.send(result);
            }
            Ok(Command::Fail(reason, reply)) => {
                let result = self.fail(reason).await;
                let _ = reply.send(result);
            }
            // The lease was dropped.
            Err(_) => self.abandoned().await,
        }
    }

    /// While the effect is under way, so that `complete` need not ask first. If it fails, the next step tries again.
    async fn learn(&mut self) {
        let found = self.look(self.limit()).await;
        if let (true, Ok(Holder::This), Some(etag)) = (self.created, found, &self.etag) {
            self.inbox.new_etag.saw(etag);
        }
    }

    /// What the etag must be if it is as always, of a claim that has not been written again.
    fn guess(&self) -> Option<String> {
        let new_etag = &self.inbox.new_etag;
        self.created.then(|| new_etag.guess()).flatten()
    }

    /// Writes the claim again. False when that has to be repeated soon.
    async fn renew(&mut self) -> bool {
        if self.etag.is_none() {
            match self.look(self.limit()).await {
                Ok(Holder::This) => {}
                // Expired, but nobody has come yet; or somebody has.
                Ok(_) => {
                    self.lose();
                    return false;
                }
                Err(_) => return false,
            }
        }
        let Some(etag) = self.etag.take() else {
            return false;
        };
        let limit = self.limit();
        if limit.is_zero() {
            return false;
        }
        self.created = false;
        let started = Instant::now();
        let lease = self.inbox.options.lease;
        let ttl = self.inbox.options.claim_ttl(self.failures);
        match self
            .inbox
            .store
            .replace(&self.key, &self.mine, &etag, ttl, limit)
            .await
        {
            Ok(()) => {
                self.valid_until = started + lease;
                let _ = self.look(self.limit()).await;
                true
            }
            // A conflict with an earlier write of our own, whose answer was lost, is no conflict:
            // the next look tells.
            Err(error) => {
                tracing::debug!(key = self.key, ?error, "a claim could not be renewed yet");
                false
            }
        }
    }

    async fn complete(&mut self) -> Result<(), InboxError> {
        let options = &self.inbox.options;
        let (retention, limit) = (options.retention, options.call_timeout);
        let end = Instant::now() + limit * COMPLETE_BUDGET;
        let mut written = false;
        let mut pause = COMPLETE_PAUSE;
        loop {
            let error = match self.record_done(&mut written, retention, limit).await {
                Ok(()) => return Ok(()),
                Err(StoreFailure::Lost) => {
                    self.lose();
                    return Err(InboxError::LeaseLost);
                }
                Err(StoreFailure::Again(status)) => status,
            };
            if Instant::now() + pause >= end {
                return Err(InboxError::NotRecorded {
                    source: error.into(),
                });
            }
            sleep(pause).await;
            pause *= 2;
        }
    }

    /// One attempt. Only a save that returned without an error counts, because only then the TTL is
    /// certain to be set as well.
    async fn record_done(
        &mut self,
        written: &mut bool,
        retention: Duration,
        limit: Duration,
    ) -> Result<(), StoreFailure> {
        if Instant::now() >= self.valid_until {
            self.etag = None;
        }
        let guess = match self.etag {
            None if Instant::now() < self.valid_until => self.guess(),
            _ => None,
        };
        self.created = false;
        if self.etag.is_none() && guess.is_none() {
            match self.look(limit).await? {
                Holder::This => {}
                // The claim has expired and nobody else has come: what is to be said is still true.
                Holder::Nobody => {
                    *written = true;
                    let store = &self.inbox.store;
                    return Ok(store
                        .create(&self.key, &Record::Done, retention, limit)
                        .await?);
                }
                Holder::Done if *written => {}
                Holder::Done | Holder::Other => return Err(StoreFailure::Lost),
            }
        }
        let guessed = guess.is_some();
        let etag = guess.or_else(|| self.etag.take()).unwrap_or_default();
        let store = &self.inbox.store;
        match store
            .replace(&self.key, &Record::Done, &etag, retention, limit)
            .await
        {
            Ok(()) => Ok(()),
            Err(error) => {
                if guessed && matches!(error, StoreError::Conflict(_)) {
                    self.inbox.new_etag.was_wrong();
                }
                *written |= !matches!(error, StoreError::Conflict(_));
                Err(error.into())
            }
        }
    }

    async fn release(&mut self) -> Result<(), InboxError> {
        let Some(etag) = self.give_back().await? else {
            return Ok(());
        };
        let (key, limit) = (&self.key, self.limit());
        let store = &self.inbox.store;
        let released = match self.failures {
            0 => store.delete(key, &etag, limit).await,
            // The count stays, and with it what was there before the claim, but for its words.
            failures => {
                let failed = failed(
                    failures,
                    "an attempt that was not counted".to_owned(),
                    false,
                );
                let retention = self.inbox.options.retention;
                store.replace(key, &failed, &etag, retention, limit).await
            }
        };
        self.given_back(released)
    }

    async fn fail(&mut self, reason: String) -> Result<Outcome, InboxError> {
        let failures = self.failures.saturating_add(1);
        let last = self.inbox.options.is_last(failures);
        self.note_failure(reason, failures, last).await?;
        Ok(if last { Outcome::Drop } else { Outcome::Retry })
    }

    /// Whoever had the lease has not said what became of the work, which may even go on somewhere. So others get the event only when
    /// the claim would have ended; the attempt counts, and the count must not end with the claim.
    async fn abandoned(&mut self) {
        if self.inbox.options.max_attempts.is_none() {
            return;
        }
        let end = self.valid_until - self.inbox.options.lease / EARLY;
        tokio::select! {
            () = sleep_until(end) => {}
            () = self.inbox.closing.cancelled() => {}
        }
        let reason = "the handler was interrupted: it panicked or took too long".to_owned();
        let noted = self.note_failure(reason, self.failures.saturating_add(1), false);
        if let Err(error) = noted.await {
            tracing::debug!(key = self.key, %error, "an interrupted attempt could not be counted");
        }
    }

    async fn note_failure(
        &mut self,
        reason: String,
        failures: u32,
        dropped: bool,
    ) -> Result<(), InboxError> {
        let etag = self.give_back().await?;
        let failed = failed(failures, reason, dropped);
        let (ttl, limit) = (self.inbox.options.retention, self.limit());
        let store = &self.inbox.store;
        let noted = match etag {
            Some(etag) => store.replace(&self.key, &failed, &etag, ttl, limit).await,
            None => store.create(&self.key, &failed, ttl, limit).await,
        };
        self.given_back(noted)
    }

    /// The etag of this keeper's claim, which is not to be renewed any more; `None` where the record is gone.
    async fn give_back(&mut self) -> Result<Option<String>, InboxError> {
        if self.lost.is_cancelled() || Instant::now() >= self.valid_until {
            return Err(InboxError::LeaseLost);
        }
        if self.etag.is_none() {
            match self.look(self.limit()).await? {
                Holder::This => {}
                Holder::Nobody => return Ok(None),
                Holder::Other | Holder::Done => {
                    self.lose();
                    return Err(InboxError::LeaseLost);
                }
            }
        }
        Ok(self.etag.take())
    }

    fn given_back(&self, written: Result<(), StoreError>) -> Result<(), InboxError> {
        match written {
            Ok(()) => Ok(()),
            Err(StoreError::Conflict(_)) => {
                self.lose();
                Err(InboxError::LeaseLost)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Asks the store who has the event, and notes the etag.
    async fn look(&mut self, limit: Duration) -> Result<Holder, StoreError> {
        let found = self.inbox.store.get(&self.key, limit).await?;
        let (holder, etag) = match found {
            None => (Holder::Nobody, None),
            Some((Record::Done, etag)) => (Holder::Done, Some(etag)),
            Some((record, etag)) if record == self.mine => (Holder::This, Some(etag)),
            Some(_) => (Holder::Other, None),
        };
        self.etag = etag;
        Ok(holder)
    }

    /// No longer than the claim is certain to last.
    fn limit(&self) -> Duration {
        let left = self.valid_until.saturating_duration_since(Instant::now());
        left.min(self.inbox.options.call_timeout)
    }

    fn lose(&self) {
        if !self.lost.is_cancelled() {
            self.lost.cancel();
            self.inbox.metrics.lost();
            tracing::warn!(
                key = self.key,
                "a claim ended before the work did: it may run twice"
            );
        }
    }
}

fn failed(failures: u32, reason: String, dropped: bool) -> Record {
    Record::Failed {
        failures,
        reason,
        at: now(),
        dropped,
    }
}

enum StoreFailure {
    Again(Status),
    Lost,
}

impl From<StoreError> for StoreFailure {
    fn from(error: StoreError) -> Self {
        Self::Again(error.status())
    }
}
