//! RabbitMQ's management API.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;

use super::settings::Settings;
use crate::http::{Answer, Http};

/// The API of one broker, in the vhost that the component uses.
pub(super) struct Management {
    http: Http,
    url: String,
    vhost: String,
    authorization: String,
}

impl Management {
    pub(super) fn new(
        settings: &Settings,
        given: Option<&str>,
        timeout: Duration,
    ) -> Result<Self, String> {
        let (scheme, port) = if settings.encrypted {
            ("https", 15671)
        } else {
            ("http", 15672)
        };
        let url = match given {
            Some(given) => given.to_owned(),
            None => format!("{scheme}://{}:{port}", settings.host),
        };
        let login = format!("{}:{}", settings.username, settings.password);
        Ok(Self {
            http: Http::new(&settings.tls, timeout)?,
            url,
            vhost: settings.vhost.clone(),
            authorization: format!("Basic {}", BASE64_STANDARD.encode(login)),
        })
    }

    /// A queue; `None` when there is none of that name.
    pub(super) fn queue<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, String> {
        self.get(&format!(
            "queues/{}/{}",
            encoded(&self.vhost),
            encoded(name)
        ))
    }

    /// That this is a broker which the component can use: on another one its queue would be missing as well.
    pub(super) fn has_vhost(&self) -> Result<(), String> {
        let (url, vhost) = (&self.url, &self.vhost);
        let found: Option<serde::de::IgnoredAny> =
            self.get(&format!("vhosts/{}", encoded(vhost)))?;
        found.map(|_| ()).ok_or_else(|| {
            format!("the management API at {url} has no vhost {vhost}: it is not that of the component's broker")
        })
    }

    /// What is bound to an exchange; nothing to one that is not there.
    pub(super) fn bindings<T: DeserializeOwned>(&self, exchange: &str) -> Result<Vec<T>, String> {
        let path = format!(
            "exchanges/{}/{}/bindings/source",
            encoded(&self.vhost),
            encoded(exchange)
        );
        Ok(self.get(&path)?.unwrap_or_default())
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, String> {
        let url = &self.url;
        let answer = self
            .http
            .get(&format!("{url}/api/{path}"), &self.authorization);
        match answer {
            Ok(Answer { status: 404, .. }) => Ok(None),
            Ok(Answer {
                status: 401 | 403, ..
            }) => Err(format!(
                "the management API at {url} refuses the component's login: its user needs the tag `management`"
            )),
            Ok(answer @ Answer { status: 200, .. }) => {
                let parsed = serde_json::from_str(&answer.body);
                parsed.map(Some).map_err(|error| {
                    format!("{url} does not answer as a management API does: {error}")
                })
            }
            Ok(answer) => Err(format!(
                "the management API at {url} answers {}",
                answer.status
            )),
            Err(reason) => Err(format!(
                "RabbitMQ's management API does not answer at {url} ({reason}): enable it, or say where it is by \
                 --rabbitmq-management (GATE_RABBITMQ_MANAGEMENT)"
            )),
        }
    }
}

fn encoded(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}
