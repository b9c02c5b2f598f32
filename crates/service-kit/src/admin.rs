//! The admin server, on a port of its own: what the kubelet and Prometheus ask.
//!
//! | path | 200 means |
//! |---|---|
//! | `/livez` | the process answers; only a restart could help where it does not |
//! | `/startupz` | the service has bound its listeners |
//! | `/readyz` | every condition holds and no shutdown has begun; the body lists the conditions |
//! | `/metrics` | Prometheus' text format |

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Json, Response};
use axum::{Router, routing::get};
use http::{StatusCode, header};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::subscriber::NoSubscriber;

use crate::readiness::{ConditionState, Readiness};
use crate::server::{Limits, Protocols, serve};
use crate::shutdown::{Shutdown, ShutdownArgs};

/// Probes and scrapes at once.
const LIMITS: Limits = Limits {
    max_connections: 64,
    header_timeout: Duration::from_secs(30),
};

#[derive(Debug)]
struct Admin {
    readiness: Readiness,
    shutdown: Shutdown,
}

/// The body of `/readyz`.
#[derive(Debug, Serialize)]
struct ReadyReport {
    ready: bool,
    draining: bool,
    conditions: Vec<ConditionState>,
}

/// Serves the admin port alongside `service` and ends when it has ended: probes are answered through the whole drain.
///
/// It has a thread of its own that writes no log lines: where nobody reads standard output any more, every thread that logs stands
/// still, and a probe that stood still with them would have the process killed for a fault of whoever reads its log.
///
/// # Errors
/// The thread cannot be started.
pub async fn serve_beside<T>(
    listener: TcpListener,
    readiness: Readiness,
    shutdown: &Shutdown,
    service: impl Future<Output = T>,
) -> std::io::Result<T> {
    let admin = Arc::new(Admin {
        readiness,
        shutdown: shutdown.clone(),
    });
    let never = Shutdown::new(ShutdownArgs {
        shutdown_delay: shutdown.deadline(),
        shutdown_deadline: shutdown.deadline(),
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Registered with the runtime that is here, it would be served by its threads.
    let listener = listener.into_std()?;
    let ended = CancellationToken::new();
    let end = ended.clone().drop_guard();
    let serve = move || {
        let _silent = tracing::subscriber::set_default(NoSubscriber::default());
        runtime.block_on(ended.run_until_cancelled(async {
            let listener = TcpListener::from_std(listener)?;
            serve(listener, Protocols::Http1, router(admin), LIMITS, &never).await;
            Ok::<_, std::io::Error>(())
        }))
    };
    let thread = std::thread::Builder::new()
        .name("admin".to_owned())
        .spawn(serve)?;
    let result = service.await;
    drop(end);
    drop(thread);
    Ok(result)
}

fn router(admin: Arc<Admin>) -> Router {
    Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/startupz", get(async || "started\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(admin)
}

async fn readyz(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    let (holds, conditions) = admin.readiness.report();
    let draining = admin.shutdown.is_draining();
    let ready = holds && !draining;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(ReadyReport {
            ready,
            draining,
            conditions,
        }),
    )
}

async fn metrics() -> Response {
    let text = crate::telemetry::prometheus_text();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
