//! How events come, and who tells the sidecar what is received.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::{Args, ValueEnum};
use dapr_pubsub::{Mode, Secret, Subscription};

use crate::topics::{Declares, Heard, Topics};
use crate::units::{duration, name};

/// Who tells the sidecar about the subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SubscriptionMode {
    /// A Subscription resource does.
    Declarative,
    /// The service does, when the sidecar asks `GET /dapr/subscribe`.
    Programmatic,
}

/// How events come.
#[derive(Debug, Clone, Args)]
pub struct SubscriptionArgs {
    /// Who tells the sidecar about the subscription; never both.
    #[arg(long, env = "SUBSCRIPTION_MODE", default_value = "declarative")]
    pub subscription_mode: SubscriptionMode,
    /// The pub/sub components to subscribe to in programmatic mode, separated by commas.
    #[arg(long, env = "PUBSUB_NAMES", value_delimiter = ',', value_parser = name)]
    pub pubsub_names: Vec<String>,
    /// How long acting on one event may take; then the sidecar is asked to deliver it again.
    #[arg(long, env = "HANDLER_TIMEOUT", default_value = "5s", value_parser = duration)]
    pub handler_timeout: Duration,
    /// The token that the sidecar must show (`dapr.io/app-token-secret`).
    #[arg(long, env = "APP_API_TOKEN", hide_env_values = true)]
    pub app_api_token: Option<Secret>,
    /// Another token that lets the sidecar in as well, while the token is being changed: a service and its sidecar may start again at
    /// different times. First the new token here, in all services; then, in one edit of the Secret, the new one in `APP_API_TOKEN` and
    /// the old one here; when every sidecar has started again, none here.
    #[arg(long, env = "APP_API_TOKEN_OTHER", hide_env_values = true)]
    pub app_api_token_other: Option<Secret>,
}

impl SubscriptionArgs {
    pub(in crate::subscribing) fn mode(&self) -> Mode {
        match self.subscription_mode {
            SubscriptionMode::Declarative => Mode::Declarative,
            SubscriptionMode::Programmatic => Mode::Programmatic,
        }
    }

    /// What is declared of a topic: the `/dapr/subscribe` entry and the chart's Subscription follow from it.
    pub(super) fn declared(&self, heard: &Heard) -> Subscription {
        Subscription::new(&heard.topic, heard.route)
            .pubsubs(&self.pubsub_names)
            .dead_letter_topic(&heard.dead_letter_topic)
            .pubsub_options(heard.options.clone())
    }

    /// The tokens of which the sidecar must show one.
    pub(in crate::subscribing) fn tokens(&self) -> impl Iterator<Item = Secret> {
        let other = self.app_api_token_other.clone();
        self.app_api_token.clone().into_iter().chain(other)
    }

    fn check_tokens(&self) -> Result<(), String> {
        if self.tokens().any(|token| token.expose().is_empty()) {
            return Err("APP_API_TOKEN and APP_API_TOKEN_OTHER must not be empty: the sidecar shows no empty token, so nothing would be \
                        received; leave them out where it has none"
                .to_owned());
        }
        if self.app_api_token.is_none() && self.app_api_token_other.is_some() {
            return Err("APP_API_TOKEN_OTHER needs APP_API_TOKEN: a sidecar that has no token would be refused, although none is asked \
                        for by APP_API_TOKEN"
                .to_owned());
        }
        Ok(())
    }

    pub(super) fn check<D: Declares>(&self, topics: &Topics<D>) -> Result<(), String> {
        self.check_tokens()?;
        let names = &self.pubsub_names;
        if self.subscription_mode == SubscriptionMode::Programmatic && names.is_empty() {
            return Err("PUBSUB_NAMES must name a pub/sub component when SUBSCRIPTION_MODE is programmatic: nothing would be \
                        received"
                .to_owned());
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(format!(
                "PUBSUB_NAMES names {twice} twice: the sidecar would subscribe to it twice"
            ));
        }
        topics.check(&seen)
    }
}
