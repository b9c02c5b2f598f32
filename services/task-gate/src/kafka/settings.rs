//! Where Kafka is and how to log in, from the metadata (components-contrib 1.18.3, `common/component/kafka`).

use crate::metadata::Metadata;
use crate::tls::Tls;

/// A connection's settings.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) brokers: Vec<String>,
    pub(super) group: String,
    pub(super) tls: Option<Tls>,
    pub(super) login: Option<Login>,
}

/// Name and password.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: String,
    pub(super) mechanism: Mechanism,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mechanism {
    Plain,
    Sha256,
    Sha512,
}

impl Settings {
    pub(super) fn new(metadata: &Metadata) -> Result<Self, String> {
        let brokers = metadata.get("brokers")?.ok_or("brokers is not set")?;
        let group = match metadata.get("consumerGroup")? {
            Some(group) => group,
            None => metadata.consumer()?,
        };
        let auth = auth_type(metadata)?;
        let login = match auth.as_str() {
            "none" | "mtls" | "certificate" => None,
            "password" => Some(login(metadata)?),
            "" => return Err("authType is not set".to_owned()),
            other => {
                return Err(format!(
                    "the gate cannot log in to Kafka with authType {other}; set guard.brokers.<entry>.command"
                ));
            }
        };
        Ok(Self {
            brokers: brokers
                .split(',')
                .map(|broker| broker.trim().to_owned())
                .collect(),
            group: group.to_owned(),
            tls: tls(metadata, &auth)?,
            login,
        })
    }
}

/// `authRequired` is what `authType` was called once.
fn auth_type(metadata: &Metadata) -> Result<String, String> {
    let auth = metadata.text("authType")?;
    let old = metadata.text("authRequired")?;
    if !auth.is_empty() || old.is_empty() {
        return Ok(auth.to_lowercase());
    }
    let auth = if !metadata.flag("authRequired")? {
        "none"
    } else if metadata.get("saslPassword")?.is_some() {
        "password"
    } else {
        "mtls"
    };
    Ok(auth.to_owned())
}

/// With authType none everything is plain, whatever else is set.
fn tls(metadata: &Metadata, auth: &str) -> Result<Option<Tls>, String> {
    if auth == "none" || metadata.flag("disableTls")? {
        return Ok(None);
    }
    let owned = |name: &str| Ok::<_, String>(metadata.get(name)?.map(str::to_owned));
    let client = if auth == "mtls" {
        owned("clientCert")?.zip(owned("clientKey")?)
    } else {
        None
    };
    Ok(Some(Tls {
        ca: owned("caCert")?,
        client,
        skip_verify: metadata.flag("skipVerify")?,
    }))
}

fn login(metadata: &Metadata) -> Result<Login, String> {
    let needed = |name: &str| {
        Ok::<_, String>(
            metadata
                .get(name)?
                .ok_or(format!("{name} is not set"))?
                .to_owned(),
        )
    };
    Ok(Login {
        username: needed("saslUsername")?,
        password: needed("saslPassword")?,
        mechanism: match metadata.text("saslMechanism")? {
            "SHA-256" => Mechanism::Sha256,
            "SHA-512" => Mechanism::Sha512,
            _ => Mechanism::Plain,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::testing::metadata;

    fn settings(items: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::new(&metadata("pubsub.kafka", items))
    }

    #[test]
    fn the_group_is_the_app_unless_the_component_says_otherwise() {
        let group = |items: &[(&str, &str)]| {
            settings(&[&[("brokers", "a:1, b:2"), ("authType", "none")], items].concat())
                .unwrap()
                .group
        };
        assert_eq!(group(&[]), "worker");
        assert_eq!(group(&[("consumerID", "c")]), "c");
        assert_eq!(
            group(&[("consumerID", "c"), ("consumerGroup", "g-{appID}")]),
            "g-worker"
        );
    }

    #[test]
    fn tls_is_on_with_every_login_unless_switched_off() {
        let tls = |items: &[(&str, &str)]| {
            settings(&[&[("brokers", "a:1")], items].concat())
                .unwrap()
                .tls
                .is_some()
        };
        let password = [
            ("authType", "Password"),
            ("saslUsername", "u"),
            ("saslPassword", "p"),
        ];
        assert!(tls(&password));
        assert!(!tls(&[&password[..], &[("disableTls", "true")]].concat()));
        assert!(!tls(&[("authType", "none"), ("caCert", "x")]));
        assert!(tls(&[("authType", "certificate"), ("caCert", "x")]));
        assert!(tls(&[
            ("authRequired", "true"),
            ("saslUsername", "u"),
            ("saslPassword", "p")
        ]));
    }

    #[test]
    fn logins_that_are_not_known_here_are_said() {
        let refusal = |items: &[(&str, &str)]| {
            settings(&[&[("brokers", "a:1")], items].concat()).unwrap_err()
        };
        assert!(refusal(&[("authType", "awsiam")]).contains("authType awsiam"));
        assert_eq!(refusal(&[]), "authType is not set");
        assert_eq!(
            refusal(&[("authType", "password")]),
            "saslUsername is not set"
        );
    }
}
