//! Asks all questions at once, so many as may be under way.

use std::sync::Mutex;
use std::time::Duration;

use serde::Serialize;

use crate::config::AskArgs;
use crate::figures::{Figures, State};
use crate::metadata::Metadata;
use crate::question::{Question, Triple};
use crate::secrets::Secrets;
use crate::{command, kafka, rabbitmq, redis};

/// How brokers are asked.
#[derive(Debug)]
pub(crate) struct Asking {
    pub(crate) args: AskArgs,
    pub(crate) secrets: Secrets,
    pub(crate) namespace: String,
}

/// A question's answer.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) component: String,
    pub(crate) topic: String,
    pub(crate) consumer: String,
    pub(crate) state: State,
    #[serde(flatten)]
    pub(crate) figures: Figures,
}

/// How long it must stay drained: longer than the figures of one of the brokers are old.
pub(crate) fn stable(questions: &[Question<'_>], wanted: Duration) -> Duration {
    let stale = |question: &Question<'_>| question.component.spec.kind == "pubsub.rabbitmq";
    if questions.iter().any(stale) {
        wanted.max(rabbitmq::STALE)
    } else {
        wanted
    }
}

impl Asking {
    pub(crate) fn new(args: &AskArgs, namespace: String) -> Self {
        Self {
            args: args.clone(),
            secrets: Secrets::new(args.secrets.clone()),
            namespace,
        }
    }

    pub(crate) const fn timeout(&self) -> Duration {
        self.args.timeout
    }

    /// The metadata of the question's component, as the consumer's sidecar sees it.
    pub(crate) fn metadata(&self, question: &Question<'_>) -> Metadata {
        let app = &question.triple.consumer;
        Metadata::new(question.component, app, &self.namespace, &self.secrets)
    }

    /// Asks everything; the rows are in the questions' order.
    pub(crate) fn all(&self, questions: &[Question<'_>]) -> Vec<Row> {
        self.each(questions, |question| {
            let Triple {
                component,
                topic,
                consumer,
            } = question.triple.clone();
            let figures = self.one(question);
            Row {
                component,
                topic,
                consumer,
                state: figures.state(),
                figures,
            }
        })
    }

    /// Does `work` for each of `items`, a bounded number at once.
    pub(crate) fn each<T: Sync, R: Send>(
        &self,
        items: &[T],
        work: impl Fn(&T) -> R + Sync,
    ) -> Vec<R> {
        let next = Mutex::new(items.iter().enumerate());
        let done = Mutex::new(Vec::with_capacity(items.len()));
        std::thread::scope(|scope| {
            for _ in 0..items.len().min(self.args.parallel.into()) {
                scope.spawn(|| {
                    while let Some((at, item)) = next.lock().ok().and_then(|mut next| next.next()) {
                        let result = work(item);
                        if let Ok(mut done) = done.lock() {
                            done.push((at, result));
                        }
                    }
                });
            }
        });
        let mut done = done.into_inner().unwrap_or_default();
        done.sort_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, result)| result).collect()
    }

    fn one(&self, question: &Question<'_>) -> Figures {
        let component = question.component;
        let mut programs = self.args.commands.iter();
        if let Some(program) = programs.find(|program| program.component == component.name()) {
            return command::ask(program, question, self.timeout());
        }
        if question.triple.consumer.is_empty() {
            return Figures::unknown("the Subscription has no scopes, so who reads is not known");
        }
        let answer = match component.spec.kind.as_str() {
            "pubsub.redis" => redis::ask(self, question),
            "pubsub.kafka" => kafka::ask(self, question),
            "pubsub.rabbitmq" => rabbitmq::ask(self, question),
            other => Err(format!(
                "the gate does not know {other}; set guard.brokers.<entry>.command"
            )),
        };
        answer.unwrap_or_else(Figures::unknown)
    }
}
