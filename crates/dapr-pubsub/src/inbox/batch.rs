//! Writes of records. Those that come while a call is under way go out together in the next one, so the load itself decides how many;
//! no timer is involved, and a lone write goes at once.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dapr::dapr::proto::common::v1::StateItem;
use dapr::dapr::proto::runtime::v1::{
    ExecuteStateTransactionRequest, SaveStateRequest, TransactionalStateOperation,
};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tonic::{Code, Status};

use crate::Sidecar;

/// Records of one call.
const MOST: usize = 64;

/// Writes that go alone after a call that failed. daprd does not say which records of a call it could not write, so each has to be
/// looked at: where copies of events are many, batches would cost more than they save.
const ALONE: u32 = 256;

/// How several writes are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Together {
    /// Each for itself, at the same time (`SaveState`).
    Saved,
    /// In one transaction, where the store has them: on Redis one round trip, and for daprd a fraction of the work. `state.redis` sets the
    /// TTL of a record there even if it could not write it (dapr/components-contrib `state/redis/redis.go`, `Multi`), so this is only for
    /// records that are kept as long as any other of the same key may be.
    Transaction,
}

/// Writes of one kind to one store.
#[derive(Clone)]
pub(super) struct Batches {
    shared: Arc<Shared>,
}

struct Shared {
    sidecar: Sidecar,
    store: String,
    /// Of a call that several writes share.
    limit: Duration,
    transactions: AtomicBool,
    queue: Mutex<Queue>,
    /// Writes that are still to go alone.
    alone: AtomicU32,
    /// One at most, for as long as somebody waits for it.
    tasks: TaskTracker,
}

#[derive(Default)]
struct Queue {
    /// No more than events are in hand.
    waiting: Vec<Write>,
    /// A task is sending them.
    busy: bool,
}

struct Write {
    item: StateItem,
    reply: oneshot::Sender<Result<(), Status>>,
}

impl Batches {
    pub(super) fn new(sidecar: Sidecar, store: String, limit: Duration, many: Together) -> Self {
        let shared = Shared {
            sidecar,
            store,
            limit,
            transactions: AtomicBool::new(many == Together::Transaction),
            queue: Mutex::default(),
            alone: AtomicU32::new(0),
            tasks: TaskTracker::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Writes `item`, in a call of its own or with others, within `limit`. Dropping the future withdraws what has not been sent. What has
    /// less time than a shared call goes alone: it would cut the others short, or be written after its time.
    ///
    /// `INTERNAL` leaves open whether the record was written.
    pub(super) async fn save(&self, item: StateItem, limit: Duration) -> Result<(), Status> {
        let shared = &self.shared;
        if limit < shared.limit || shared.goes_alone() {
            return shared.call(vec![item], limit).await;
        }
        let (reply, answer) = oneshot::channel();
        if shared.push(Write { item, reply }) {
            shared.tasks.spawn(Arc::clone(shared).drain());
        }
        match timeout(limit, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Status::cancelled("the runtime is shutting down")),
            Err(_) => Err(Status::deadline_exceeded(format!(
                "no answer within {limit:?}"
            ))),
        }
    }
}

impl Shared {
    fn goes_alone(&self) -> bool {
        let fewer = |left: u32| left.checked_sub(1);
        let order = Ordering::Relaxed;
        self.alone.fetch_update(order, order, fewer).is_ok()
    }

    /// Whether nobody is sending what waits.
    fn push(&self, write: Write) -> bool {
        let mut queue = self.queue();
        queue.waiting.push(write);
        !std::mem::replace(&mut queue.busy, true)
    }

    async fn drain(self: Arc<Self>) {
        while let Some(batch) = self.next() {
            let (items, replies): (Vec<_>, Vec<_>) = batch
                .into_iter()
                .filter(|write| !write.reply.is_closed())
                .map(|write| (write.item, write.reply))
                .unzip();
            if items.is_empty() {
                continue;
            }
            let answer = self.call(items, self.limit).await;
            let answer = answer.map_err(|status| self.of_all(status, replies.len()));
            for reply in replies {
                let _ = reply.send(answer.clone());
            }
        }
    }

    fn next(&self) -> Option<Vec<Write>> {
        let mut queue = self.queue();
        let count = queue.waiting.len().min(MOST);
        queue.busy = count > 0;
        queue.busy.then(|| queue.waiting.drain(..count).collect())
    }

    /// What the failure of a call says about each of its records. A conflict is one record's own.
    fn of_all(&self, status: Status, count: usize) -> Status {
        if count == 1 {
            return status;
        }
        self.alone.store(ALONE, Ordering::Relaxed);
        match status.code() {
            Code::Aborted => Status::internal(status.message()),
            _ => status,
        }
    }

    async fn call(&self, items: Vec<StateItem>, limit: Duration) -> Result<(), Status> {
        if items.len() > 1 && self.transactions.load(Ordering::Relaxed) {
            match self.transaction(items.clone(), limit).await {
                // The store has none.
                Err(status) if status.code() == Code::Unimplemented => {
                    self.transactions.store(false, Ordering::Relaxed);
                }
                answer => return answer,
            }
        }
        let request = SaveStateRequest {
            store_name: self.store.clone(),
            states: items,
        };
        self.sidecar
            .call(limit, request, async |mut client, request| {
                client.save_state(request).await
            })
            .await
    }

    async fn transaction(&self, items: Vec<StateItem>, limit: Duration) -> Result<(), Status> {
        let operations = items.into_iter().map(|item| TransactionalStateOperation {
            operation_type: "upsert".to_owned(),
            request: Some(item),
        });
        let request = ExecuteStateTransactionRequest {
            store_name: self.store.clone(),
            operations: operations.collect(),
            ..Default::default()
        };
        self.sidecar
            .call(limit, request, async |mut client, request| {
                client.execute_state_transaction(request).await
            })
            .await
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
