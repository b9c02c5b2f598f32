//! Logs in with name and password.

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslHandshakeRequest};
use kafka_protocol::protocol::StrBytes;

use super::client::Broker;
use super::scram::{Hash, Scram};
use super::settings::{Login, Mechanism};

/// Logs in on a fresh connection.
pub(super) fn log_in(broker: &mut Broker, login: &Login) -> Result<(), String> {
    let (mechanism, hash) = match login.mechanism {
        Mechanism::Plain => ("PLAIN", None),
        Mechanism::Sha256 => ("SCRAM-SHA-256", Some(Hash::Sha256)),
        Mechanism::Sha512 => ("SCRAM-SHA-512", Some(Hash::Sha512)),
    };
    let request =
        SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str(mechanism));
    let response = broker.call(&request)?;
    if ResponseError::try_from_code(response.error_code).is_some() {
        let others: Vec<_> = response.mechanisms.iter().map(StrBytes::as_str).collect();
        let but = if others.is_empty() {
            "and wants no login here".to_owned()
        } else {
            format!("but {}", others.join(", "))
        };
        return Err(format!("{} knows no {mechanism}, {but}", broker.address()));
    }
    let Login {
        username, password, ..
    } = login;
    let Some(hash) = hash else {
        send(broker, format!("\0{username}\0{password}").into())?;
        return Ok(());
    };
    let mut scram = Scram::new(hash, username, password)?;
    let challenge = send(broker, scram.first().into())?;
    let proof = scram.prove(&challenge)?;
    let verdict = send(broker, proof.into())?;
    scram.verify(&verdict)
}

fn send(broker: &mut Broker, token: Bytes) -> Result<String, String> {
    let request = SaslAuthenticateRequest::default().with_auth_bytes(token);
    let response = broker.call(&request)?;
    if let Some(error) = ResponseError::try_from_code(response.error_code) {
        let said = response
            .error_message
            .as_ref()
            .map(|text| text.as_str().to_owned());
        return Err(format!(
            "{} refuses the login: {}",
            broker.address(),
            said.unwrap_or_else(|| error.to_string())
        ));
    }
    String::from_utf8(response.auth_bytes.to_vec()).map_err(|_| {
        format!(
            "{} answers the login with something strange",
            broker.address()
        )
    })
}
