//! Where RabbitMQ is and how to log in, from the metadata (components-contrib 1.18.3, `pubsub/rabbitmq/metadata.go`).

use percent_encoding::percent_decode_str;

use crate::metadata::Metadata;
use crate::tls::Tls;

/// A broker's settings.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) consumer: String,
    pub(super) host: String,
    pub(super) vhost: String,
    pub(super) username: String,
    pub(super) password: String,
    pub(super) encrypted: bool,
    pub(super) tls: Tls,
}

impl Settings {
    pub(super) fn new(metadata: &Metadata) -> Result<Self, String> {
        let whole = match metadata.get("connectionString")? {
            Some(whole) => Some(whole),
            None => metadata.get("host")?,
        };
        let uri = match whole {
            Some(whole) => Uri::parse(whole)
                .ok_or("connectionString is not like `amqp://user:password@host:5672/vhost`")?,
            None => Uri::of_parts(metadata)?,
        };
        let owned = |name: &str| Ok::<_, String>(metadata.get(name)?.map(str::to_owned));
        Ok(Self {
            consumer: metadata.consumer()?.to_owned(),
            encrypted: uri.scheme == "amqps",
            tls: Tls {
                ca: owned("caCert")?,
                client: owned("clientCert")?.zip(owned("clientKey")?),
                skip_verify: false,
            },
            host: uri.host,
            vhost: uri.vhost,
            username: uri.username,
            password: uri.password,
        })
    }
}

/// A connection string's parts, with what RabbitMQ assumes where one is missing.
struct Uri {
    scheme: String,
    host: String,
    vhost: String,
    username: String,
    password: String,
}

impl Uri {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once("://")?;
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) => (authority, Some(path)),
            None => (rest, None),
        };
        let (login, address) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (username, password) = login.split_once(':').unwrap_or((login, ""));
        let guest = login.is_empty();
        let vhost = path.map(|path| path.split('?').next().unwrap_or_default());
        Some(Self {
            scheme: scheme.to_owned(),
            host: without_port(address.split('?').next()?).to_owned(),
            vhost: vhost.map_or_else(|| "/".to_owned(), decoded),
            username: if guest {
                "guest".to_owned()
            } else {
                decoded(username)
            },
            password: if guest {
                "guest".to_owned()
            } else {
                decoded(password)
            },
        })
        .filter(|uri| !uri.host.is_empty() && matches!(uri.scheme.as_str(), "amqp" | "amqps"))
    }

    fn of_parts(metadata: &Metadata) -> Result<Self, String> {
        let username = metadata.text("username")?;
        let password = metadata.text("password")?;
        let login = |text: &str| {
            if username.is_empty() {
                "guest".to_owned()
            } else {
                text.to_owned()
            }
        };
        Ok(Self {
            scheme: metadata.get("protocol")?.unwrap_or("amqp").to_owned(),
            host: without_port(metadata.get("hostname")?.unwrap_or("localhost")).to_owned(),
            vhost: "/".to_owned(),
            username: login(username),
            password: login(password),
        })
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The host as a URL has it: an IPv6 address in its brackets.
fn without_port(address: &str) -> &str {
    match address.rfind(':') {
        Some(colon) if !address[colon..].contains(']') => &address[..colon],
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::testing::metadata;

    fn settings(items: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::new(&metadata("pubsub.rabbitmq", items))
    }

    #[test]
    fn a_connection_string_is_taken_apart() {
        let of = |text| settings(&[("connectionString", text)]).unwrap();
        let all = of("amqps://us%65r:p%40ss@[::1]:5671/my%2Fhost?x=y");
        assert_eq!(
            (all.host.as_str(), all.vhost.as_str(), all.encrypted),
            ("[::1]", "my/host", true)
        );
        assert_eq!(
            (all.username.as_str(), all.password.as_str()),
            ("user", "p@ss")
        );
        let least = of("amqp://rabbit");
        assert_eq!(
            (
                least.host.as_str(),
                least.vhost.as_str(),
                least.username.as_str()
            ),
            ("rabbit", "/", "guest")
        );
        assert!(settings(&[("connectionString", "rabbit:5672")]).is_err());
    }

    #[test]
    fn parts_stand_for_a_connection_string() {
        let found = settings(&[
            ("hostname", "rabbit.svc:5671"),
            ("protocol", "amqps"),
            ("username", "u"),
            ("password", "p"),
            ("consumerID", "shop-{appID}"),
        ])
        .unwrap();
        assert_eq!(
            (found.host.as_str(), found.vhost.as_str(), found.encrypted),
            ("rabbit.svc", "/", true)
        );
        assert_eq!(
            (found.username.as_str(), found.consumer.as_str()),
            ("u", "shop-worker")
        );
        assert_eq!(settings(&[]).unwrap().host, "localhost");
    }
}
