//! Where Redis is and how to log in, from the metadata (components-contrib 1.18.3, `common/component/redis/settings.go`).

use crate::metadata::Metadata;
use crate::tls::Tls;

/// A connection's settings.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) addresses: Vec<String>,
    pub(super) username: String,
    pub(super) password: String,
    pub(super) db: String,
    pub(super) tls: Option<Tls>,
    pub(super) sentinel: Option<Sentinel>,
}

/// Who knows which server is the master.
#[derive(Debug)]
pub(super) struct Sentinel {
    pub(super) master: String,
    pub(super) username: String,
    pub(super) password: String,
}

impl Settings {
    pub(super) fn new(metadata: &Metadata) -> Result<Self, String> {
        if metadata.flag("useEntraID")? || metadata.flag("useAzureAD")? {
            return Err(
                "the gate cannot log in with useEntraID; set guard.brokers.<entry>.command"
                    .to_owned(),
            );
        }
        let hosts = metadata.get("redisHost")?.ok_or("redisHost is not set")?;
        let port = metadata.get("redisPort")?.unwrap_or("6379");
        let cluster = metadata.text("redisType")? == "cluster";
        let db = if cluster {
            ""
        } else {
            metadata.text("redisDB")?
        };
        let text = |name: &str| metadata.text(name).map(str::to_owned);
        let sentinel = if metadata.flag("failover")? {
            Some(Sentinel {
                master: text("sentinelMasterName")?,
                username: text("sentinelUsername")?,
                password: text("sentinelPassword")?,
            })
        } else {
            None
        };
        let tls = if metadata.flag("enableTLS")? {
            Some(Tls {
                ca: None,
                client: metadata
                    .get("clientCert")?
                    .map(str::to_owned)
                    .zip(metadata.get("clientKey")?.map(str::to_owned)),
                skip_verify: metadata.flag("insecureSkipTLSVerify")?,
            })
        } else {
            None
        };
        Ok(Self {
            addresses: hosts
                .split(',')
                .map(|host| with_port(host.trim(), port))
                .collect(),
            username: text("redisUsername")?,
            password: text("redisPassword")?,
            db: if db == "0" {
                String::new()
            } else {
                db.to_owned()
            },
            tls,
            sentinel,
        })
    }
}

fn with_port(host: &str, port: &str) -> String {
    let has_port = match host.strip_prefix('[') {
        Some(ipv6) => ipv6.contains("]:"),
        None => host.matches(':').count() == 1,
    };
    if has_port {
        host.to_owned()
    } else if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::testing::metadata;

    fn settings(items: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::new(&metadata("pubsub.redis", items))
    }

    #[test]
    fn a_port_is_added_where_there_is_none() {
        let of = |host| settings(&[("redisHost", host)]).unwrap().addresses;
        assert_eq!(of("redis"), ["redis:6379"]);
        assert_eq!(of("a:1, b"), ["a:1", "b:6379"]);
        assert_eq!(of("::1"), ["[::1]:6379"]);
        assert_eq!(of("[::1]:7"), ["[::1]:7"]);
    }

    #[test]
    fn the_first_database_needs_no_command_and_a_cluster_has_no_other() {
        let db = |items: &[(&str, &str)]| {
            settings(&[&[("redisHost", "r")], items].concat())
                .unwrap()
                .db
        };
        assert_eq!(db(&[("redisDB", "0")]), "");
        assert_eq!(db(&[("redisDB", "2")]), "2");
        assert_eq!(db(&[("redisDB", "2"), ("redisType", "cluster")]), "");
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        assert_eq!(settings(&[]).unwrap_err(), "redisHost is not set");
        let azure = settings(&[("redisHost", "r"), ("useEntraID", "true")]).unwrap_err();
        assert!(azure.contains("useEntraID"), "{azure}");
        let secret = settings(&[("redisHost", "r"), ("redisPassword", "secret:p")]).unwrap_err();
        assert!(
            secret.starts_with("Secret \"login\" is missing"),
            "{secret}"
        );
    }
}
