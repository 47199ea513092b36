//! A self-signed certificate for a portal on its own premises, and the server side of TLS with it.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair, KeyUsagePurpose, SanType};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate and the acceptor that shows it.
pub(crate) struct Identity {
    /// The certificate as PEM, for a client's file of trusted authorities.
    pub(crate) certificate: String,
    pub(crate) acceptor: TlsAcceptor,
}

/// Makes a certificate for `localhost` and this address, valid from 1975 to 4096.
///
/// # Errors
/// When the key or the certificate cannot be made; the library's message.
pub(crate) fn identity(address: IpAddr) -> io::Result<Identity> {
    let wrong = |error: &dyn std::fmt::Display| io::Error::other(format!("certificate: {error}"));
    let key = KeyPair::generate().map_err(|error| wrong(&error))?;
    let mut params =
        CertificateParams::new(vec!["localhost".to_owned()]).map_err(|error| wrong(&error))?;
    params.subject_alt_names.push(SanType::IpAddress(address));
    params
        .distinguished_name
        .push(DnType::CommonName, "Bitrix24 on premises");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let certificate = params.self_signed(&key).map_err(|error| wrong(&error))?;
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .map_err(|error| wrong(&error))?;
    Ok(Identity {
        certificate: certificate.pem(),
        acceptor: TlsAcceptor::from(Arc::new(config)),
    })
}
