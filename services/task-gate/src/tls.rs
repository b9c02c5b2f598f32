//! TLS as a Component's metadata asks for it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// A file with further authorities, as Go's programs read it.
const CERT_FILE: &str = "SSL_CERT_FILE";

/// What is presented and what is believed.
#[derive(Debug, Default)]
pub(crate) struct Tls {
    /// Believed instead of the public authorities, as PEM.
    pub(crate) ca: Option<String>,
    /// Certificate and key, as PEM.
    pub(crate) client: Option<(String, String)>,
    /// Believe anybody.
    pub(crate) skip_verify: bool,
}

impl Tls {
    /// For rustls.
    ///
    /// # Errors
    /// What is not a certificate or a key.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = if self.skip_verify {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        } else {
            builder.with_root_certificates(self.roots()?)
        };
        let config = match &self.client {
            Some((certificate, key)) => {
                let chain = certificates("clientCert", certificate)?;
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
                    .map_err(|error| format!("clientKey is no private key in PEM: {error}"))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| format!("clientCert and clientKey: {error}"))?
            }
            None => builder.with_no_client_auth(),
        };
        Ok(Arc::new(config))
    }

    fn roots(&self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        if let Some(ca) = &self.ca {
            roots.add_parsable_certificates(certificates("caCert", ca)?);
            return Ok(roots);
        }
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        if let Some(path) = std::env::var_os(CERT_FILE).filter(|path| !path.is_empty()) {
            let more = std::fs::read_to_string(&path)
                .map_err(|error| format!("{CERT_FILE} {}: {error}", path.display()))?;
            roots.add_parsable_certificates(certificates(CERT_FILE, &more)?);
        }
        Ok(roots)
    }
}

/// The certificates in `pem`.
///
/// # Errors
/// That there is none, with the name of what should hold one.
pub(crate) fn certificates(name: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!("{name} holds no certificate in PEM")),
        Err(error) => Err(format!("{name} holds no certificate in PEM: {error}")),
    }
}

/// For `skipVerify` and `insecureSkipTLSVerify`: any certificate will do, but it must be the server's own.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_named() {
        let tls = Tls {
            ca: Some("nonsense".to_owned()),
            ..Tls::default()
        };
        assert_eq!(
            tls.config().unwrap_err(),
            "caCert holds no certificate in PEM"
        );
        assert!(Tls::default().config().is_ok());
        assert!(
            Tls {
                skip_verify: true,
                ..Tls::default()
            }
            .config()
            .is_ok()
        );
    }
}
