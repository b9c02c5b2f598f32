//! The fake of daprd's API, as a test has it in hand.

use std::collections::HashMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tonic::Status;
use tonic::metadata::MetadataMap;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::api::Api;
use super::state::StateStore;
use crate::cloud_event::salvage_id;
use crate::{Inbox, InboxOptions, Secret, Sidecar, SidecarOptions};

/// A publish call as it arrived.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PublishCall {
    /// `BulkPublishEvent`, not `PublishEvent`.
    pub bulk: bool,
    /// The component.
    pub pubsub: String,
    /// The topic.
    pub topic: String,
    /// One, or those of the bulk call in their order.
    pub events: Vec<SentEvent>,
    /// The token, the trace.
    pub headers: MetadataMap,
}

impl PublishCall {
    /// The ids of its events.
    pub fn ids(&self) -> Vec<&str> {
        self.events.iter().map(SentEvent::id).collect()
    }
}

/// An event of a [`PublishCall`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SentEvent {
    /// The payload: the envelope, where `content_type` says so.
    pub data: Vec<u8>,
    /// Its media type.
    pub content_type: String,
    /// Its metadata, those of the bulk call included.
    pub metadata: HashMap<String, String>,
    id: String,
}

impl SentEvent {
    pub(super) fn new(
        data: Vec<u8>,
        content_type: String,
        metadata: HashMap<String, String>,
    ) -> Self {
        let id = metadata.get("cloudevent.id").cloned();
        let id = id.or_else(|| salvage_id(&data)).unwrap_or_default();
        Self {
            data,
            content_type,
            metadata,
            id,
        }
    }

    /// From the metadata or the envelope; empty where neither has one.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// What becomes of a publish call.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// The broker has it.
    Ok,
    /// This status.
    Fail(Status),
    /// `Ok`, but only when the semaphore has a permit for it.
    Held(Arc<Semaphore>),
    /// None at all.
    Never,
}

type Script = Box<dyn FnMut(&PublishCall) -> Answer + Send>;

#[derive(Default)]
pub(super) struct Inner {
    pub(super) calls: Mutex<Vec<PublishCall>>,
    pub(super) script: Mutex<Option<Script>>,
    pub(super) components: Mutex<Vec<(String, String)>>,
    pub(super) subscriptions: Mutex<Vec<(String, String)>>,
    pub(super) shutdowns: AtomicUsize,
    pub(super) state: Arc<StateStore>,
}

/// A daprd that does as it is told: its gRPC API over TCP, as far as this crate uses it, with a broker that takes everything and an
/// empty state store. It delivers nothing: that is for a [`Delivery`](super::Delivery).
///
/// ```
/// use std::time::Duration;
///
/// use dapr_pubsub::testing::{Answer, FakeSidecar};
/// use dapr_pubsub::{NewEvent, PublishError, Publisher, PublisherOptions};
/// use tonic::Status;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), PublishError> {
/// let fake = FakeSidecar::start();
/// let publisher = Publisher::new(&fake.sidecar(), PublisherOptions::new("pubsub", "task-events"));
/// publisher.publish(NewEvent::json("1", &"x")?, Duration::from_secs(5)).await?;
/// assert_eq!(fake.calls()[0].ids(), ["1"]);
///
/// fake.on_publish(|_| Answer::Fail(Status::permission_denied("not this topic")));
/// let refused = publisher.publish(NewEvent::json("2", &"x")?, Duration::from_secs(5)).await;
/// assert!(matches!(refused, Err(PublishError::Rejected { .. })));
/// # Ok(())
/// # }
/// ```
pub struct FakeSidecar {
    /// Where it listens; it keeps that when it is stopped and started again.
    pub address: SocketAddr,
    inner: Arc<Inner>,
    /// One of its own, because only the end of the runtime breaks the server's connections.
    server: Option<Runtime>,
}

impl FakeSidecar {
    /// Answers OK to everything until it is told otherwise.
    pub fn start() -> Self {
        // Only Linux answers on the whole of 127.0.0.0/8.
        let listener = TcpListener::bind((own_address(), 0))
            .or_else(|_| TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let mut fake = Self {
            address: listener.local_addr().unwrap(),
            inner: Arc::default(),
            server: None,
        };
        fake.serve(listener);
        fake
    }

    /// Breaks all connections and refuses new ones.
    pub async fn stop(&mut self) {
        self.end();
        // The end of the runtime, and with it of the listener, is not instantaneous.
        while tokio::net::TcpStream::connect(self.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }

    /// Listens again, with all that it had.
    pub fn restart(&mut self) {
        self.serve(TcpListener::bind(self.address).unwrap());
    }

    fn end(&mut self) {
        if let Some(server) = self.server.take() {
            server.shutdown_background();
        }
    }

    fn serve(&mut self, listener: TcpListener) {
        let api = Api {
            inner: Arc::clone(&self.inner),
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.spawn(async move {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let incoming = TcpIncoming::from(listener);
            Server::builder()
                .add_service(api)
                .serve_with_incoming(incoming)
                .await
                .unwrap();
        });
        self.server = Some(runtime);
    }

    /// A client of it.
    pub fn sidecar(&self) -> Sidecar {
        self.sidecar_with_token(None)
    }

    /// A client with a token, which is not asked for but is among the [`headers`](PublishCall::headers).
    pub fn sidecar_with_token(&self, api_token: Option<Secret>) -> Sidecar {
        let mut options = SidecarOptions::new(format!("http://{}", self.address));
        options.api_token = api_token;
        Sidecar::new(&options).unwrap()
    }

    /// An inbox with the state store of this sidecar, to be given to [`on_once`](crate::Subscriptions::on_once). Several of one consumer
    /// are replicas.
    ///
    /// ```
    /// use dapr_pubsub::testing::{Delivery, FakeSidecar};
    /// use dapr_pubsub::{CloudEvent, Outcome, Subscription, Subscriptions};
    ///
    /// async fn on_order(_: CloudEvent<String>) {}
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let fake = FakeSidecar::start();
    /// let orders = Subscription::new("order-events", "/events/order");
    /// let router = Subscriptions::new()
    ///     .on_once(orders, fake.inbox("worker"), on_order)
    ///     .into_router();
    /// let delivery = Delivery::json("/events/order", &"cup").source("shop").id("1");
    /// assert_eq!(delivery.by_grpc(&router).await, Outcome::Success);
    /// assert!(fake.state().event("worker", "shop", "1").is_some());
    /// # }
    /// ```
    pub fn inbox(&self, consumer: &str) -> Inbox {
        Inbox::new(&self.sidecar(), InboxOptions::new("statestore", consumer))
    }

    /// Decides what becomes of publish calls from now on.
    pub fn on_publish(&self, script: impl FnMut(&PublishCall) -> Answer + Send + 'static) {
        *self.inner.script.lock().unwrap() = Some(Box::new(script));
    }

    /// Lists a component, by its name and type, as initialised.
    pub fn load(&self, name: &str, kind: &str) {
        self.inner
            .components
            .lock()
            .unwrap()
            .push((name.to_owned(), kind.to_owned()));
    }

    /// Says that it has subscribed to `topic`.
    pub fn subscribed(&self, pubsub: &str, topic: &str) {
        let way = (pubsub.to_owned(), topic.to_owned());
        self.inner.subscriptions.lock().unwrap().push(way);
    }

    /// How often it was asked to end, which it does not.
    pub fn shutdowns(&self) -> usize {
        self.inner.shutdowns.load(Ordering::Relaxed)
    }

    /// The state store, for a script of [`on_publish`](Self::on_publish).
    pub fn handle(&self) -> Arc<StateStore> {
        Arc::clone(&self.inner.state)
    }

    /// The publish calls so far, in the order in which they came.
    pub fn calls(&self) -> Vec<PublishCall> {
        self.inner.calls.lock().unwrap().clone()
    }

    /// The state store.
    pub fn state(&self) -> &StateStore {
        &self.inner.state
    }
}

impl fmt::Debug for FakeSidecar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeSidecar")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Drop for FakeSidecar {
    fn drop(&mut self) {
        self.end();
    }
}

/// A loopback address that no other fake uses: one that is stopped keeps its port, so to say, and the
/// clients that go on asking there find nobody else.
fn own_address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high.max(1), low, NEXT.fetch_add(1, Ordering::Relaxed))
}
