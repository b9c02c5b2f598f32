//! A daprd that does as it is told: gRPC over TCP, only the calls that this crate makes.
//!
//! The generated `Dapr` server trait has a hundred methods and no defaults, so requests are
//! dispatched here by path, as the generated code does it.

// Services' tests include this file by its path, and would look for the other one elsewhere.
#[path = "fake_sidecar/state.rs"]
pub mod state;

use std::convert::Infallible;
use std::future::ready;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use dapr::dapr::proto::runtime::v1::{
    BulkPublishRequest, BulkPublishResponse, GetMetadataRequest, GetMetadataResponse,
    PublishEventRequest, PubsubSubscription, RegisteredComponents, ShutdownRequest,
};
use dapr_pubsub::{Secret, Sidecar, SidecarOptions};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

use state::State;

/// A publish call as it arrived.
#[derive(Clone, Debug)]
pub struct Call {
    pub bulk: bool,
    pub topic: String,
    pub events: Vec<Sent>,
    pub headers: MetadataMap,
}

#[derive(Clone, Debug)]
pub struct Sent {
    pub data: Vec<u8>,
    pub content_type: String,
    pub metadata: std::collections::HashMap<String, String>,
}

impl Sent {
    pub fn id(&self) -> &str {
        &self.metadata["cloudevent.id"]
    }
}

impl Call {
    pub fn ids(&self) -> Vec<&str> {
        self.events.iter().map(Sent::id).collect()
    }
}

/// What becomes of a publish call.
pub enum Answer {
    Ok,
    Fail(Status),
    /// `OK`, but only when the semaphore has a permit for it.
    Held(Arc<Semaphore>),
    Never,
}

type Script = Box<dyn FnMut(&Call) -> Answer + Send>;

#[derive(Default)]
struct Inner {
    calls: Mutex<Vec<Call>>,
    script: Mutex<Option<Script>>,
    components: Mutex<Vec<(String, String)>>,
    subscriptions: Mutex<Vec<(String, String)>>,
    shutdowns: AtomicUsize,
    state: Arc<State>,
}

pub struct FakeSidecar {
    pub address: SocketAddr,
    inner: Arc<Inner>,
    /// One of its own, because only the end of the runtime breaks the server's connections.
    server: Option<Runtime>,
}

impl FakeSidecar {
    /// Answers OK to everything until it is told otherwise.
    pub fn start() -> Self {
        crate::tracing_setup::install();
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

    pub fn sidecar(&self) -> Sidecar {
        self.sidecar_with_token(None)
    }

    pub fn sidecar_with_token(&self, api_token: Option<Secret>) -> Sidecar {
        let grpc_endpoint = format!("http://{}", self.address);
        Sidecar::new(&SidecarOptions {
            grpc_endpoint,
            api_token,
        })
        .unwrap()
    }

    pub fn on_publish(&self, script: impl FnMut(&Call) -> Answer + Send + 'static) {
        *self.inner.script.lock().unwrap() = Some(Box::new(script));
    }

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
    pub fn handle(&self) -> Arc<State> {
        Arc::clone(&self.inner.state)
    }

    pub fn calls(&self) -> Vec<Call> {
        self.inner.calls.lock().unwrap().clone()
    }

    pub fn state(&self) -> &State {
        &self.inner.state
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

#[derive(Clone)]
struct Api {
    inner: Arc<Inner>,
}

impl NamedService for Api {
    const NAME: &'static str = "dapr.proto.runtime.v1.Dapr";
}

type Answered = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

impl Service<http::Request<Body>> for Api {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answered;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Answered {
        let inner = Arc::clone(&self.inner);
        let method = request
            .uri()
            .path()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        match method.as_str() {
            "PublishEvent" => unary(request, service_fn(move |it| publish(inner.clone(), it))),
            "BulkPublishEvent" => unary(request, service_fn(move |it| bulk(inner.clone(), it))),
            "GetMetadata" => unary(
                request,
                service_fn(move |_: Request<GetMetadataRequest>| ready(Ok(metadata(&inner)))),
            ),
            "Shutdown" => unary(
                request,
                service_fn(move |_: Request<ShutdownRequest>| {
                    inner.shutdowns.fetch_add(1, Ordering::Relaxed);
                    ready(Ok(Response::new(())))
                }),
            ),
            "SaveState" => unary(
                request,
                service_fn(move |it: Request<_>| {
                    let inner = inner.clone();
                    async move { inner.state.save(it.into_inner()).await.map(Response::new) }
                }),
            ),
            "GetState" => unary(
                request,
                service_fn(move |it: Request<_>| {
                    let inner = inner.clone();
                    async move { inner.state.get(it.into_inner()).await.map(Response::new) }
                }),
            ),
            "DeleteState" => unary(
                request,
                service_fn(move |it: Request<_>| {
                    let inner = inner.clone();
                    async move { inner.state.delete(it.into_inner()).await.map(Response::new) }
                }),
            ),
            _ => Box::pin(async { Ok(Status::unimplemented("not faked").into_http()) }),
        }
    }
}

fn unary<M, R, S>(request: http::Request<Body>, service: S) -> Answered
where
    M: prost::Message + Default + 'static,
    R: prost::Message + Default + 'static,
    S: UnaryService<M, Response = R> + Send + 'static,
    S::Future: Send,
{
    Box::pin(async move {
        Ok(Grpc::new(ProstCodec::default())
            .unary(service, request)
            .await)
    })
}

async fn publish(
    inner: Arc<Inner>,
    request: Request<PublishEventRequest>,
) -> Result<Response<()>, Status> {
    let headers = request.metadata().clone();
    let event = request.into_inner();
    let sent = Sent {
        data: event.data,
        content_type: event.data_content_type,
        metadata: event.metadata,
    };
    answer(
        &inner,
        Call {
            bulk: false,
            topic: event.topic,
            events: vec![sent],
            headers,
        },
    )
    .await?;
    Ok(Response::new(()))
}

async fn bulk(
    inner: Arc<Inner>,
    request: Request<BulkPublishRequest>,
) -> Result<Response<BulkPublishResponse>, Status> {
    let headers = request.metadata().clone();
    let BulkPublishRequest {
        topic,
        entries,
        metadata,
        ..
    } = request.into_inner();
    let mut names: Vec<_> = entries.iter().map(|entry| entry.entry_id.clone()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), entries.len(), "daprd refuses equal entry ids");
    let events = entries
        .into_iter()
        .map(|entry| Sent {
            data: entry.event,
            content_type: entry.content_type,
            // An entry's own come before those of the whole.
            metadata: metadata.clone().into_iter().chain(entry.metadata).collect(),
        })
        .collect();
    answer(
        &inner,
        Call {
            bulk: true,
            topic,
            events,
            headers,
        },
    )
    .await?;
    Ok(Response::new(BulkPublishResponse::default()))
}

async fn answer(inner: &Inner, call: Call) -> Result<(), Status> {
    let answer = {
        let mut script = inner.script.lock().unwrap();
        script.as_mut().map_or(Answer::Ok, |script| script(&call))
    };
    inner.calls.lock().unwrap().push(call);
    match answer {
        Answer::Ok => Ok(()),
        Answer::Fail(status) => Err(status),
        Answer::Held(gate) => {
            gate.acquire().await.unwrap().forget();
            Ok(())
        }
        Answer::Never => std::future::pending().await,
    }
}

fn metadata(inner: &Inner) -> Response<GetMetadataResponse> {
    let components = inner.components.lock().unwrap().clone();
    let registered_components = components
        .into_iter()
        .map(|(name, kind)| RegisteredComponents {
            name,
            r#type: kind,
            ..Default::default()
        })
        .collect();
    let subscriptions = inner.subscriptions.lock().unwrap().clone();
    let subscriptions = subscriptions
        .into_iter()
        .map(|(pubsub_name, topic)| PubsubSubscription {
            pubsub_name,
            topic,
            ..Default::default()
        })
        .collect();
    Response::new(GetMetadataResponse {
        registered_components,
        subscriptions,
        ..Default::default()
    })
}
