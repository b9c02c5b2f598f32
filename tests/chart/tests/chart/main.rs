//! The chart and `argocd/`, against what Helm, Kubernetes, Dapr, KEDA and Argo CD say of them. What each template renders and refuses is
//! in the chart's own `tests/`, for helm-unittest.
//!
//! `cargo xtask test --only chart` finds or installs the tools and runs all of it; after that so does
//! `cargo test -p chart-tests --test chart`, with the usual options.

mod argocd;
mod components;
mod generated;
mod helm;
mod installations;
mod schemas;
mod server;
mod values_schema;
