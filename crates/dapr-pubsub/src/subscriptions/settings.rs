//! What is set for all subscriptions together.

use std::time::Duration;

use super::{Mode, Subscriptions};
use crate::{Inbox, Secret, clock};

impl<S: Clone + Send + Sync + 'static> Subscriptions<S> {
    /// Who declares the subscriptions to daprd. Default: declarative.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// The token daprd sends to the application (`APP_API_TOKEN`, annotation
    /// `dapr.io/app-token-secret`). Deliveries without it are refused; compared in constant time.
    pub fn app_token(self, token: Option<Secret>) -> Self {
        self.app_tokens(token)
    }

    /// The same with several tokens, any of which lets a delivery in, so that a token can be changed while events flow: an application
    /// knows the old and the new one from before the first sidecar shows the new one until after the last one has shown the old one.
    /// None: everything is let in. An empty token is none that a sidecar could show, and lets nothing in.
    ///
    /// ```
    /// use dapr_pubsub::{Secret, Subscriptions};
    ///
    /// # fn example(current: Secret, previous: Option<Secret>) -> Subscriptions {
    /// Subscriptions::new().app_tokens([current].into_iter().chain(previous))
    /// # }
    /// ```
    pub fn app_tokens(mut self, tokens: impl IntoIterator<Item = Secret>) -> Self {
        self.tokens = tokens.into_iter().collect();
        self
    }

    /// Where canaries are recorded, so that their publisher sees that they have arrived: the inbox
    /// that the handlers use. Default: that of [`on_once`](Self::on_once); with [`on`](Self::on) none, and a canary just has no effect.
    pub fn canary_inbox(mut self, inbox: Option<Inbox>) -> Self {
        self.canary_inbox = inbox;
        self
    }

    /// Largest body of one event, in bytes. Default: 25 MiB, which is what an event of 4 MiB, daprd's
    /// own limit, can become in its envelope. A bulk delivery may have 64 MiB.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.limits.body = bytes;
        self
    }

    /// How long a delivery may take, from the request's arrival to its answer; entries of a bulk
    /// delivery that have not ended by then answer RETRY. Default: 5 s. Keep it below the timeout
    /// of the sidecar's inbound policy, which otherwise gives up first and delivers again.
    pub fn handler_timeout(mut self, timeout: Duration) -> Self {
        self.limits.handler = clock::bounded(timeout);
        self
    }

    /// How often an event may fail: the RETRY that would be one more than `attempts` becomes DROP. A handler that answers RETRY,
    /// panics or takes too long has failed. Counted in memory, for up to 4096 events at a time, so a restart begins again: for
    /// subscribers without an [`Inbox`], whose own [`max_attempts`](crate::InboxOptions::max_attempts) counts better; that of
    /// [`on_once`](Self::on_once) counts alone. Default: not counted here.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.limits.attempts = Some(attempts.max(1));
        self
    }

    /// How many bytes of deliveries may be in memory at once, as they come over the wire; others wait, and are answered RETRY when
    /// there is no room within the handler's timeout. A process needs about three times as much. One that is larger than all of it
    /// is handled alone. Default: 16 MiB.
    pub fn max_bytes_in_hand(mut self, bytes: usize) -> Self {
        self.limits.in_hand = bytes;
        self
    }

    /// How many entries of one bulk delivery are handled at once. Default: 16.
    pub fn max_bulk_concurrency(mut self, entries: usize) -> Self {
        self.limits.bulk_concurrency = entries.max(1);
        self
    }
}
