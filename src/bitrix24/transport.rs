//! The way to the portal: one HTTP client, its certificates, and what fails on the way.

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use super::address::Address;
use super::envelope::unreadable;
use super::error::{BitrixError, CERTIFICATE, FORM, Kind, NETWORK, TIMEOUT};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The portal cuts a request off after 60 s.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(70);
/// Nothing the portal sends us is larger; 2,500 rows are about 1 MB.
const BODY_BYTES_MAX: usize = 64 << 20;

/// The HTTP client. `ca_file` names certificates that are trusted besides the public ones; checks
/// are never switched off. Without `encrypted` no certificate is ever looked at.
///
/// # Errors
/// When the CA file cannot be used.
pub(super) fn client(
    ca_file: Option<&Path>,
    encrypted: bool,
) -> Result<reqwest::Client, BitrixError> {
    // An error means that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .gzip(true)
        .user_agent(concat!("planfact/", env!("CARGO_PKG_VERSION")));
    if let Some(file) = ca_file {
        builder = builder.tls_certs_merge(certificates(file)?);
    } else if !encrypted {
        // A machine without any certificate must do as well.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| {
        BitrixError::own(
            Kind::NeedsHuman,
            CERTIFICATE,
            chain(&error),
            "preparing encrypted connections",
        )
    })
}

/// A CA file's certificates.
fn certificates(file: &Path) -> Result<Vec<reqwest::Certificate>, BitrixError> {
    let refuse = |why: String| {
        let text = format!("{}: {why}", file.display());
        BitrixError::own(Kind::NeedsHuman, CERTIFICATE, text, "reading the CA file")
    };
    let pem = std::fs::read(file).map_err(|error| refuse(error.to_string()))?;
    let all = reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| refuse(chain(&e)))?;
    if all.is_empty() {
        return Err(refuse("it holds no certificate in PEM form".to_owned()));
    }
    Ok(all)
}

/// Reads a body up to a limit.
///
/// # Errors
/// When the connection breaks, or the body is larger than any of a portal's.
pub(super) async fn body(
    address: &Address,
    mut answer: reqwest::Response,
    doing: &str,
) -> Result<Vec<u8>, BitrixError> {
    let mut bytes = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > BODY_BYTES_MAX => {
                return Err(unreadable(
                    "the answer is larger than any of a portal's",
                    doing,
                ));
            }
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Ok(bytes),
            Err(error) => return Err(failed(error, |text| address.scrub(text), doing)),
        }
    }
}

/// An error of the way to the portal; `scrub` takes secrets out of its text.
pub(super) fn failed(
    error: reqwest::Error,
    scrub: impl Fn(&str) -> String,
    doing: &str,
) -> BitrixError {
    let error = error.without_url();
    let text = scrub(&chain(&error));
    let (kind, code) = if text.contains("certificate") {
        (Kind::NeedsHuman, CERTIFICATE)
    } else if error.is_timeout() {
        (Kind::Transient, TIMEOUT)
    } else if error.is_builder() {
        (Kind::Permanent, FORM)
    } else {
        (Kind::Transient, NETWORK)
    };
    BitrixError::own(kind, code, text, doing)
}

/// An error with its causes, which often say more than the error itself.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text: &dyn Display = &cause;
        let cause_text = cause_text.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
