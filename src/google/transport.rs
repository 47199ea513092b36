//! Connections to Google: TLS, time-outs of connecting, and which addresses may be spoken to.

use std::time::Duration;

use google_sheets4::common::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use url::{Host, Url};

use super::error::{GoogleError, Kind};

/// Longest wait for a connection to be opened.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// An idle connection is dropped before the other side or a router forgets it.
const IDLE_MAX: Duration = Duration::from_secs(50);

/// How connections are made.
pub(super) type Connector = HttpsConnector<HttpConnector>;
/// The client of the hubs.
pub(super) type HubClient = Client<Connector, Body>;
/// The client of the token endpoint.
pub(super) type TokenClient = Client<Connector, String>;

/// Makes the connector: the system's root certificates, or Mozilla's where the system has none.
pub(super) fn connector() -> Result<Connector, GoogleError> {
    let mut http = HttpConnector::new();
    http.set_connect_timeout(Some(CONNECT_MAX));
    http.set_keepalive(Some(IDLE_MAX));
    http.set_nodelay(true);
    http.enforce_http(false);
    let provider = rustls::crypto::ring::default_provider;
    let tls = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(provider())
        .or_else(|_| HttpsConnectorBuilder::new().with_provider_and_webpki_roots(provider()))
        .map_err(|error| {
            GoogleError::new(Kind::Unreadable, "tls", &error.to_string(), "preparing TLS")
        })?;
    // Plain HTTP is let through here and refused by `check_address` unless on loopback.
    Ok(tls.https_or_http().enable_http1().wrap_connector(http))
}

/// The client of the hubs.
pub(super) fn hub_client(connector: &Connector) -> HubClient {
    builder().build(connector.clone())
}

/// The client of the token endpoint.
pub(super) fn token_client(connector: &Connector) -> TokenClient {
    builder().build(connector.clone())
}

fn builder() -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .pool_idle_timeout(IDLE_MAX)
        .pool_timer(TokioTimer::new());
    builder
}

/// Tokens and company figures travel encrypted, or do not leave this machine.
pub(super) fn check_address(url: &Url, doing: &str) -> Result<(), GoogleError> {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        _ => {
            let message = format!("{url} is neither https nor plain http on this machine");
            Err(GoogleError::invalid(&message, doing))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        let cases = [
            ("https://sheets.googleapis.com/", true),
            ("http://127.0.0.1:8080/", true),
            ("http://localhost:1/", true),
            ("http://[::1]:1/", true),
            ("http://sheets.googleapis.com/", false),
            ("http://127.0.0.1.example.com/", false),
            ("ftp://127.0.0.1/", false),
        ];
        for (url, allowed) in cases {
            let url = Url::parse(url).unwrap();
            assert_eq!(check_address(&url, "testing").is_ok(), allowed, "{url}");
        }
    }
}
