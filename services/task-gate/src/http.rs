//! HTTP as far as two APIs need it: a GET with a deadline.

use std::time::Duration;

use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use crate::text::one_line;
use crate::tls::{Tls, certificates};

/// Lists of a large namespace are long, but not so long.
const LONGEST: u64 = 64 << 20;

/// A client for one server.
#[derive(Debug)]
pub(crate) struct Http {
    agent: Agent,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Http {
    /// A client that trusts and presents what `tls` says.
    ///
    /// # Errors
    /// What is not a certificate or a key.
    pub(crate) fn new(tls: &Tls, timeout: Duration) -> Result<Self, String> {
        let owned = |name, pem: &str| -> Result<Vec<Certificate<'static>>, String> {
            let found = certificates(name, pem)?;
            Ok(found
                .iter()
                .map(|one| Certificate::from_der(one).to_owned())
                .collect())
        };
        let roots = match &tls.ca {
            Some(ca) => RootCerts::from(owned("caCert", ca)?.into_iter()),
            None => RootCerts::WebPki,
        };
        let client = match &tls.client {
            Some((certificate, key)) => {
                let key = PrivateKey::from_pem(key.as_bytes())
                    .map_err(|error| format!("clientKey is no private key in PEM: {error}"))?;
                Some(ClientCert::new_with_certs(
                    &owned("clientCert", certificate)?,
                    key,
                ))
            }
            None => None,
        };
        let tls = TlsConfig::builder()
            .root_certs(roots)
            .client_cert(client)
            .disable_verification(tls.skip_verify)
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            // Both APIs are inside the cluster.
            .proxy(None)
            .build();
        Ok(Self {
            agent: config.into(),
        })
    }

    /// Asks for `url`. An answer is one whatever its status.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(crate) fn get(&self, url: &str, authorization: &str) -> Result<Answer, String> {
        let mut request = self.agent.get(url);
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        let mut response = request
            .header("accept", "application/json")
            .call()
            .map_err(|error| one_line(&error.to_string()))?;
        let body = response
            .body_mut()
            .with_config()
            .limit(LONGEST)
            .read_to_string();
        Ok(Answer {
            status: response.status().as_u16(),
            body: body.map_err(|error| one_line(&error.to_string()))?,
        })
    }
}
