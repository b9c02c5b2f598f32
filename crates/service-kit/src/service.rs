//! What every service has: two ports, a sidecar, limits, an end, telemetry.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::server::{self, Limits};
use crate::shutdown::ShutdownArgs;
use crate::sidecar::SidecarArgs;
use crate::telemetry::TelemetryArgs;

/// The part of a service's configuration that all services have. Each gives `listen_addr` a default of its own
/// (`#[command(mut_arg("listen_addr", |it| it.default_value("0.0.0.0:8000")))]`).
#[derive(Debug, Clone, clap::Args)]
pub struct ServiceArgs {
    /// Where the service listens: an API for its clients, a subscriber for its sidecar, which needs no more than loopback.
    #[arg(long, env = "LISTEN_ADDR", required = false)]
    pub listen_addr: SocketAddr,
    /// Where probes and metrics are served.
    #[arg(long, env = "ADMIN_ADDR", default_value = "0.0.0.0:9100")]
    pub admin_addr: SocketAddr,
    /// The sidecar.
    #[command(flatten)]
    pub sidecar: SidecarArgs,
    /// What the service takes on at most.
    #[command(flatten)]
    pub limits: Limits,
    /// How the process ends.
    #[command(flatten)]
    pub shutdown: ShutdownArgs,
    /// Logs, traces, metrics.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
}

/// The configuration of a service that has no settings of its own: what every service has, what its kind of service has, and the
/// defaults of this one. A service with settings of its own writes the struct out, as `task-worker` does.
///
/// ```
/// mod api {
///     service_kit::service_config! {
///         /// Takes `POST /orders` and announces `order.created` through the Dapr sidecar.
///         publishing { listen_addr: "0.0.0.0:8002", topic: "order-events" }
///     }
/// }
/// mod worker {
///     service_kit::service_config! {
///         /// Receives `order.created` through the Dapr sidecar.
///         subscribing at "/events/order" {
///             listen_addr: "127.0.0.1:8003",
///             topic: "order-events",
///             dead_letter_topic: "order-events-dead-letter",
///             consumer: "order-worker",
///         }
///     }
/// }
/// # use clap::Parser as _;
/// let config = worker::Config::parse_from(["order-worker"]);
/// assert_eq!(config.subscription().route(), "/events/order");
/// assert_eq!(api::Config::parse_from(["order-api"]).publish.topic, "order-events");
/// ```
#[macro_export]
macro_rules! service_config {
    ($(#[doc = $doc:literal])+ publishing { $($arg:ident: $default:literal),+ $(,)? }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, ::clap::Parser)]
        #[command(version, $(mut_arg(stringify!($arg), |it| it.default_value($default))),+)]
        pub struct Config {
            /// What every service has.
            #[command(flatten)]
            pub service: $crate::service::ServiceArgs,
            /// What is published where, and how long that may take.
            #[command(flatten)]
            pub publish: $crate::publishing::PublishArgs,
        }

        impl $crate::config::Check for Config {
            fn check(&self) -> Result<(), String> {
                self.publish.check(&self.service.shutdown)
            }
        }

        $crate::service_config!(@service);
    };
    ($(#[doc = $doc:literal])+ subscribing at $route:literal { $($arg:ident: $default:literal),+ $(,)? }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, ::clap::Parser)]
        #[command(version, $(mut_arg(stringify!($arg), |it| it.default_value($default))),+)]
        pub struct Config {
            /// What every service has.
            #[command(flatten)]
            pub service: $crate::service::ServiceArgs,
            /// What is received, and how it is kept from being lost or acted on twice.
            #[command(flatten)]
            pub subscribe: $crate::subscribing::SubscribeArgs,
        }

        impl Config {
            /// The one declaration of what is received.
            pub fn subscription(&self) -> ::dapr_pubsub::Subscription {
                self.subscribe.subscription.declared($route)
            }
        }

        impl $crate::config::Check for Config {
            fn check(&self) -> Result<(), String> {
                self.subscribe
                    .check(&self.subscription(), &self.service.shutdown)
            }
        }

        $crate::service_config!(@service);
    };
    (@service) => {
        impl AsRef<$crate::service::ServiceArgs> for Config {
            fn as_ref(&self) -> &$crate::service::ServiceArgs {
                &self.service
            }
        }
    };
}

/// The ports, bound before anything is promised.
#[derive(Debug)]
pub struct Listeners {
    /// Where the service's clients, or its sidecar, come.
    pub app: TcpListener,
    /// Probes and metrics.
    pub admin: TcpListener,
}

impl Listeners {
    /// Binds both ports; call it inside a runtime.
    ///
    /// # Errors
    /// Names the address that cannot be had and its variable.
    pub fn bind(service: &ServiceArgs) -> anyhow::Result<Self> {
        Ok(Self {
            app: server::bind(service.listen_addr, "LISTEN_ADDR")?,
            admin: server::bind(service.admin_addr, "ADMIN_ADDR")?,
        })
    }
}
