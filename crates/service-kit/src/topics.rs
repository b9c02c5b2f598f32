//! What a service publishes and hears: declared once, by the keys that topics have in the chart's values, and named by variables.
//!
//! | variable | where the service has to do with several topics | default |
//! |---|---|---|
//! | `TOPIC` | `TOPIC_<KEY>` | `<key>-events` |
//! | `DEAD_LETTER_TOPIC`, of a topic that is heard | `DEAD_LETTER_TOPIC_<KEY>` | `<key>-events-dead-letter` |
//! | `PUBSUB_OPTIONS`, of a topic that is heard | `PUBSUB_OPTIONS_<KEY>` | `{}` |

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::marker::PhantomData;

use clap::{Arg, ArgMatches, Command, FromArgMatches};
use dapr_pubsub::PubsubOptions;

use crate::asyncapi::Event;
use crate::units::name;

const TOPIC: &str = "TOPIC";
const DEAD_LETTER_TOPIC: &str = "DEAD_LETTER_TOPIC";
const PUBSUB_OPTIONS: &str = "PUBSUB_OPTIONS";

/// What a service publishes and hears; [`service_config!`](crate::service_config) writes it.
pub trait Declares: Clone + Debug + Send + Sync + 'static {
    /// The keys of the topics that it publishes to.
    const PUBLISHES: &'static [&'static str];
    /// The keys of the topics that it hears, each with the route at which it takes the events.
    const HEARS: &'static [(&'static str, &'static str)];

    /// The events that it publishes.
    fn events() -> Vec<Event>;
}

/// What brokers call the topics of a service, as it is configured.
#[derive(Debug, Clone)]
pub struct Topics<D> {
    published: BTreeMap<&'static str, String>,
    heard: BTreeMap<&'static str, Heard>,
    declared: PhantomData<D>,
}

/// What is configured for a topic that is heard.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) topic: String,
    pub(crate) route: &'static str,
    /// Where events go that were dropped, or retried in vain.
    pub(crate) dead_letter_topic: String,
    /// What single components are told beyond that in programmatic mode.
    pub(crate) options: BTreeMap<String, PubsubOptions>,
}

impl<D: Declares> Topics<D> {
    /// The topics that are published to: their keys, and what the broker calls them.
    pub fn published(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.published.iter().map(|(key, name)| (*key, &**name))
    }

    pub(crate) fn heard(&self) -> &BTreeMap<&'static str, Heard> {
        &self.heard
    }

    /// Refuses what contradicts itself, or the components that are subscribed to in programmatic mode.
    pub(crate) fn check(&self, pubsub_names: &BTreeSet<&str>) -> Result<(), String> {
        for (key, heard) in &self.heard {
            let variable = |what| variable::<D>(what, key);
            if heard.dead_letter_topic == heard.topic {
                return Err(format!(
                    "{} must not be {} ({}): what is dropped would come back, for ever",
                    variable(DEAD_LETTER_TOPIC),
                    variable(TOPIC),
                    heard.topic
                ));
            }
            let mut options = heard.options.keys();
            if let Some(stranger) = options.find(|it| !pubsub_names.contains(it.as_str())) {
                return Err(format!(
                    "{} has options for {stranger}, which PUBSUB_NAMES does not name: nobody would be told them",
                    variable(PUBSUB_OPTIONS)
                ));
            }
        }
        Ok(())
    }
}

/// Every key of a service, once.
fn keys<D: Declares>() -> BTreeSet<&'static str> {
    let heard = D::HEARS.iter().map(|(key, _)| key);
    D::PUBLISHES.iter().chain(heard).copied().collect()
}

/// The chart says it the same way (`templates/lib/_env.tpl`).
fn variable<D: Declares>(what: &str, key: &str) -> String {
    if keys::<D>().len() == 1 {
        return what.to_owned();
    }
    format!("{what}_{}", key.to_uppercase().replace('-', "_"))
}

fn id<D: Declares>(what: &str, key: &str) -> String {
    variable::<D>(what, key).to_lowercase()
}

fn arg<D: Declares>(what: &str, key: &str, default: String, help: String) -> Arg {
    let (id, variable) = (id::<D>(what, key), variable::<D>(what, key));
    let arg = Arg::new(id.clone()).long(id.replace('_', "-"));
    arg.env(variable).default_value(default).help(help)
}

fn pubsub_options(json: &str) -> Result<BTreeMap<String, PubsubOptions>, serde_json::Error> {
    serde_json::from_str(json)
}

impl<D: Declares> clap::Args for Topics<D> {
    fn augment_args(mut command: Command) -> Command {
        for key in keys::<D>() {
            let (default, help) = (format!("{key}-events"), format!("The topic `{key}`"));
            command = command.arg(arg::<D>(TOPIC, key, default, help).value_parser(name));
        }
        for (key, _) in D::HEARS {
            let default = format!("{key}-events-dead-letter");
            let help = format!("Where events of `{key}` go that were dropped, or retried in vain");
            let dead_letters = arg::<D>(DEAD_LETTER_TOPIC, key, default, help).value_parser(name);
            let help = format!(
                "What single components are told of `{key}` in programmatic mode, as JSON by the component's name: \
                 {{\"pubsub-rabbitmq\": {{\"deadLetterTopic\": \"...\", \"metadata\": {{\"queueType\": \"quorum\"}}}}}}"
            );
            let options = arg::<D>(PUBSUB_OPTIONS, key, "{}".to_owned(), help);
            command = command.args([dead_letters, options.value_parser(pubsub_options)]);
        }
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<D: Declares> FromArgMatches for Topics<D> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let name = |what: &str, key: &str| {
            let name = matches.get_one::<String>(&id::<D>(what, key));
            name.cloned().unwrap_or_default()
        };
        let heard = |&(key, route): &(&'static str, &'static str)| {
            let options = matches.get_one(&id::<D>(PUBSUB_OPTIONS, key));
            let heard = Heard {
                topic: name(TOPIC, key),
                route,
                dead_letter_topic: name(DEAD_LETTER_TOPIC, key),
                options: options.cloned().unwrap_or_default(),
            };
            (key, heard)
        };
        let published = D::PUBLISHES.iter().map(|&key| (key, name(TOPIC, key)));
        Ok(Self {
            published: published.collect(),
            heard: D::HEARS.iter().map(heard).collect(),
            declared: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    use super::*;

    #[derive(Debug, Clone)]
    struct Bridge;

    impl Declares for Bridge {
        const PUBLISHES: &'static [&'static str] = &["order"];
        const HEARS: &'static [(&'static str, &'static str)] = &[("big-task", "/events/task")];

        fn events() -> Vec<Event> {
            Vec::new()
        }
    }

    #[derive(Debug, Clone, Parser)]
    struct Config {
        #[command(flatten)]
        topics: Topics<Bridge>,
    }

    #[test]
    fn each_of_several_topics_has_variables_of_its_own() {
        let command = Config::command();
        let variables = command.get_arguments().filter_map(Arg::get_env);
        let variables: Vec<_> = variables.filter_map(|it| it.to_str()).collect();
        assert_eq!(
            variables,
            [
                "TOPIC_BIG_TASK",
                "TOPIC_ORDER",
                "DEAD_LETTER_TOPIC_BIG_TASK",
                "PUBSUB_OPTIONS_BIG_TASK"
            ]
        );
        let args = ["bridge", "--topic-order", "orders-dev"];
        let Config { topics } = Config::parse_from(args);
        let published: Vec<_> = topics.published().collect();
        assert_eq!(published, [("order", "orders-dev")]);
        let heard = &topics.heard()["big-task"];
        assert_eq!(heard.topic, "big-task-events");
        assert_eq!(heard.dead_letter_topic, "big-task-events-dead-letter");
        topics.check(&BTreeSet::new()).unwrap();
    }

    #[test]
    fn what_contradicts_itself_is_refused_by_the_name_of_its_variable() {
        for (flags, variable) in [
            (
                ["--dead-letter-topic-big-task", "big-task-events"],
                "DEAD_LETTER_TOPIC_BIG_TASK",
            ),
            (
                ["--pubsub-options-big-task", r#"{"p": {}}"#],
                "PUBSUB_OPTIONS_BIG_TASK",
            ),
        ] {
            let args = ["bridge", flags[0], flags[1]];
            let refusal = Config::parse_from(args)
                .topics
                .check(&BTreeSet::new())
                .unwrap_err();
            assert!(refusal.starts_with(variable), "{refusal}");
        }
    }
}
