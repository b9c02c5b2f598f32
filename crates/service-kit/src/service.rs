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

/// The configuration of a service: what every service has, what its kind of service has, the topics that it publishes to and hears, and
/// the defaults of this one. `publishing` takes the types of the events, `subscribing` keys of topics with the routes at which their events are taken; a
/// service may do both. A service with settings of its own writes the struct out, as `task-worker` does.
///
/// ```
/// mod worker {
///     service_kit::service_config! {
///         /// Receives `order.created` through the Dapr sidecar.
///         subscribing ["order" at "/events/order"]
///         { listen_addr: "127.0.0.1:8003", consumer: "order-worker" }
///     }
/// }
/// # use clap::Parser as _;
/// let config = worker::Config::parse_from(["order-worker"]);
/// let subscription = config.subscription("order");
/// assert_eq!(subscription.route(), "/events/order");
/// assert_eq!(subscription.topic(), "order-events");
/// ```
#[macro_export]
macro_rules! service_config {
    ($(#[doc = $doc:literal])+ publishing [$($event:ty),+] $defaults:tt) => {
        $crate::service_config! { @declared [$($event),+] [] }
        $crate::service_config! { @config [$(#[doc = $doc])+] $defaults {
            /// Through what is published, and how long that may take.
            #[command(flatten)]
            pub publish: $crate::publishing::PublishArgs,
        } }

        impl $crate::config::Check for Config {
            fn check(&self) -> Result<(), String> {
                self.publish.check(&self.service.shutdown)
            }
        }
    };
    ($(#[doc = $doc:literal])+ subscribing [$($key:literal at $route:literal),+] $defaults:tt) => {
        $crate::service_config! { @declared [] [$($key at $route),+] }
        $crate::service_config! { @config [$(#[doc = $doc])+] $defaults {
            /// How events come, and how they are kept from being lost or acted on twice.
            #[command(flatten)]
            pub subscribe: $crate::subscribing::SubscribeArgs,
        } }
        $crate::service_config! { @subscription }

        impl $crate::config::Check for Config {
            fn check(&self) -> Result<(), String> {
                self.subscribe.check(&self.topics, &self.service.shutdown)
            }
        }
    };
    ($(#[doc = $doc:literal])+ publishing [$($event:ty),+] subscribing [$($key:literal at $route:literal),+] $defaults:tt) => {
        $crate::service_config! { @declared [$($event),+] [$($key at $route),+] }
        $crate::service_config! { @config [$(#[doc = $doc])+] $defaults {
            /// Through what is published, and how long that may take.
            #[command(flatten)]
            pub publish: $crate::publishing::PublishArgs,
            /// How events come, and how they are kept from being lost or acted on twice.
            #[command(flatten)]
            pub subscribe: $crate::subscribing::SubscribeArgs,
        } }
        $crate::service_config! { @subscription }

        impl $crate::config::Check for Config {
            fn check(&self) -> Result<(), String> {
                self.publish.check(&self.service.shutdown)?;
                self.subscribe.check(&self.topics, &self.service.shutdown)
            }
        }
    };
    (@declared [$($event:ty),*] [$($key:literal at $route:literal),*]) => {
        /// What the service publishes and hears.
        #[derive(Debug, Clone)]
        pub struct Declared;

        impl $crate::topics::Declares for Declared {
            const PUBLISHES: &'static [&'static str] =
                &[$(<$event as $crate::publishing::Announcement>::TOPIC),*];
            const HEARS: &'static [(&'static str, &'static str)] = &[$(($key, $route)),*];

            fn events() -> Vec<$crate::asyncapi::Event> {
                vec![$($crate::asyncapi::Event::of::<$event>()),*]
            }
        }
    };
    (@config [$($doc:tt)+] { $($arg:ident: $default:literal),+ $(,)? } { $($kind:tt)+ }) => {
        $($doc)+
        #[derive(Debug, Clone, ::clap::Parser)]
        #[command(version, $(mut_arg(stringify!($arg), |it| it.default_value($default))),+)]
        pub struct Config {
            /// What every service has.
            #[command(flatten)]
            pub service: $crate::service::ServiceArgs,
            $($kind)+
            /// What brokers call its topics.
            #[command(flatten)]
            pub topics: $crate::topics::Topics<Declared>,
        }

        impl AsRef<$crate::service::ServiceArgs> for Config {
            fn as_ref(&self) -> &$crate::service::ServiceArgs {
                &self.service
            }
        }
    };
    (@subscription) => {
        impl Config {
            /// The one declaration of what is heard of a topic, by its key.
            ///
            /// # Panics
            /// When there is no such key among those that the service hears.
            pub fn subscription(&self, key: &str) -> ::dapr_pubsub::Subscription {
                self.subscribe.subscription(&self.topics, key)
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
