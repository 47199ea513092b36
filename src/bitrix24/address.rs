//! Where the portal is: the webhook's address, whose code is a secret, or the REST address that an
//! application was told when it signed in.

use std::fmt;

use url::Url;

use super::error::{BitrixError, Kind};

/// A text that must not be seen: neither [`fmt::Debug`] nor [`fmt::Display`] shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Secret {
        Secret(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Secret {
        Secret(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// An address taken apart: `{root}rest/{user}/{code}/` of a webhook, `{root}rest/` of an application.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// Up to and including the slash before `rest`.
    root: Url,
    /// A webhook's user and secret.
    hook: Option<Hook>,
}

/// Who a webhook acts as.
#[derive(Clone, Debug)]
struct Hook {
    /// The id of the user.
    user: String,
    /// The secret.
    code: Secret,
}

const FORM: &str = "https://<portal>/rest/<user id>/<code>/";

impl Address {
    /// Reads a webhook's address. Text after the code (the method that the portal's page shows)
    /// is left out.
    pub(super) fn parse(webhook: &Secret) -> Result<Address, BitrixError> {
        let refuse = |why: &str| {
            let text = format!("{why}; its form is {FORM}");
            let doing = "reading the webhook's address";
            Err(BitrixError::own(
                Kind::NeedsHuman,
                "WEBHOOK_URL",
                text,
                doing,
            ))
        };
        let Ok(mut root) = Url::parse(webhook.expose().trim()) else {
            return refuse("it is not a web address");
        };
        match root.scheme() {
            "https" => {}
            "http" if is_loopback(&root) => {}
            _ => return refuse("it must begin with https:// (http only for this machine itself)"),
        }
        let segments: Vec<String> = root
            .path_segments()
            .map(|all| all.filter(|s| !s.is_empty()).map(str::to_owned).collect())
            .unwrap_or_default();
        let Some(at) = segments.iter().position(|s| s == "rest") else {
            return refuse("it has no /rest/ in it");
        };
        let mut rest = segments.iter().skip(at + 1);
        let (Some(user), Some(code)) = (rest.next(), rest.next()) else {
            return refuse("the user id or the code is missing after /rest/");
        };
        if user.is_empty() || !user.bytes().all(|b| b.is_ascii_digit()) {
            return refuse("the user id after /rest/ is not a number");
        }
        let (user, code) = (user.clone(), Secret::new(code.clone()));
        let prefix: String = segments.iter().take(at).map(|s| format!("/{s}")).collect();
        root.set_path(&format!("{prefix}/"));
        root.set_query(None);
        root.set_fragment(None);
        let hook = Some(Hook { user, code });
        Ok(Address { root, hook })
    }

    /// The address under which a signed-in application calls methods (`client_endpoint`).
    pub(super) fn of_endpoint(endpoint: &str) -> Result<Address, BitrixError> {
        let refuse = |why: &str| {
            let text = format!("the portal's REST address of the sign-in is not one: {why}");
            BitrixError::own(
                Kind::NeedsHuman,
                "CLIENT_ENDPOINT",
                text,
                "reading the sign-in",
            )
        };
        let mut root = Url::parse(endpoint).map_err(|error| refuse(&error.to_string()))?;
        let safe = root.scheme() == "https" || (root.scheme() == "http" && is_loopback(&root));
        if !safe {
            return Err(refuse("it does not begin with https://"));
        }
        let Some(prefix) = root.path().strip_suffix("rest/").map(str::to_owned) else {
            return Err(refuse("it does not end with /rest/"));
        };
        root.set_path(&prefix);
        root.set_query(None);
        root.set_fragment(None);
        Ok(Address { root, hook: None })
    }

    /// The address of a method; secret, never to be shown.
    pub(super) fn method(&self, method: &str) -> String {
        match &self.hook {
            Some(Hook { user, code }) => {
                format!("{}rest/{user}/{}/{method}", self.root, code.expose())
            }
            None => format!("{}rest/{method}", self.root),
        }
    }

    /// Host and port, by which portals are told apart.
    pub(super) fn host(&self) -> String {
        let host = self.root.host_str().unwrap_or_default();
        match self.root.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Whether the connection is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.root.scheme() == "https"
    }

    /// The same access on another host, when a redirect names one that may be trusted with the
    /// secret: another host, and encrypted unless it is this machine.
    pub(super) fn moved_to(&self, location: &str) -> Option<Address> {
        let target = self.root.join(location).ok()?;
        let same_host = target.host_str() == self.root.host_str()
            && target.port_or_known_default() == self.root.port_or_known_default();
        let safe = target.scheme() == "https"
            || (target.scheme() == "http" && is_loopback(&target) && !self.is_encrypted());
        if same_host || !safe || !target.path().contains("/rest/") {
            return None;
        }
        let mut moved = self.clone();
        let prefix = target
            .path()
            .split("/rest/")
            .next()
            .unwrap_or_default()
            .to_owned();
        moved.root = target;
        moved.root.set_path(&format!("{prefix}/"));
        moved.root.set_query(None);
        moved.root.set_fragment(None);
        Some(moved)
    }

    /// A text without the secret, should it have crept in.
    pub(super) fn scrub(&self, text: &str) -> String {
        match &self.hook {
            Some(hook) => text.replace(hook.code.expose(), "***"),
            None => text.to_owned(),
        }
    }
}

/// Whether an address leads to this machine itself.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, BitrixError> {
        Address::parse(&Secret::new(url))
    }

    #[test]
    fn a_webhook_address_is_taken_apart() {
        for (given, method_url, host) in [
            (
                "https://acme.bitrix24.ru/rest/1/s3cr3t/",
                "https://acme.bitrix24.ru/rest/1/s3cr3t/batch",
                "acme.bitrix24.ru",
            ),
            (
                " https://acme.bitrix24.ru/rest/17/s3cr3t ",
                "https://acme.bitrix24.ru/rest/17/s3cr3t/batch",
                "acme.bitrix24.ru",
            ),
            (
                "https://acme.ru:8443/crm/rest/1/s3cr3t/profile.json?x=1#y",
                "https://acme.ru:8443/crm/rest/1/s3cr3t/batch",
                "acme.ru:8443",
            ),
            (
                "http://127.0.0.1:8080/rest/1/s3cr3t/",
                "http://127.0.0.1:8080/rest/1/s3cr3t/batch",
                "127.0.0.1:8080",
            ),
            (
                "http://[::1]:1/rest/1/c/",
                "http://[::1]:1/rest/1/c/batch",
                "[::1]:1",
            ),
        ] {
            let address = parse(given).expect(given);
            assert_eq!(address.method("batch"), method_url);
            assert_eq!(address.host(), host);
        }
    }

    #[test]
    fn a_wrong_address_is_refused_without_being_shown() {
        for given in [
            "acme.bitrix24.ru/rest/1/s3cr3t/",
            "http://acme.bitrix24.ru/rest/1/s3cr3t/",
            "http://127.0.0.1.evil.com/rest/1/s3cr3t/",
            "ftp://acme.bitrix24.ru/rest/1/s3cr3t/",
            "https://acme.bitrix24.ru/rest/s3cr3t/",
            "https://acme.bitrix24.ru/rest/s3cr3t/profile",
            "https://acme.bitrix24.ru/s3cr3t/",
            "",
        ] {
            let error = parse(given).expect_err(given);
            assert_eq!(error.kind, Kind::NeedsHuman, "{given}");
            assert!(!error.to_string().contains("s3cr3t"), "{error}");
        }
    }

    #[test]
    fn an_applications_address_is_taken_as_it_was_told() {
        for (endpoint, method) in [
            (
                "https://acme.bitrix24.ru/rest/",
                Some("https://acme.bitrix24.ru/rest/batch"),
            ),
            (
                "https://acme.ru/crm/rest/",
                Some("https://acme.ru/crm/rest/batch"),
            ),
            (
                "http://127.0.0.1:8080/rest/",
                Some("http://127.0.0.1:8080/rest/batch"),
            ),
            ("http://acme.bitrix24.ru/rest/", None),
            ("https://acme.bitrix24.ru/", None),
            ("acme.bitrix24.ru/rest/", None),
        ] {
            let address = Address::of_endpoint(endpoint).ok();
            assert_eq!(
                address.map(|a| a.method("batch")).as_deref(),
                method,
                "{endpoint}"
            );
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Secret::new("https://acme.bitrix24.ru/rest/1/s3cr3t/");
        let address = Address::parse(&secret).expect("an address");
        assert!(!format!("{secret} {secret:?} {address:?}").contains("s3cr3t"));
        assert_eq!(
            address.scrub("at /rest/1/s3cr3t/batch"),
            "at /rest/1/***/batch"
        );
    }

    #[test]
    fn only_a_move_to_another_trusted_host_is_followed() {
        let address = parse("https://old.bitrix24.ru/rest/1/s3cr3t/").expect("an address");
        for (location, moved) in [
            (
                "https://new.bitrix24.ru/rest/1/s3cr3t/batch",
                Some("new.bitrix24.ru"),
            ),
            (
                "//new.bitrix24.ru/rest/1/s3cr3t/batch",
                Some("new.bitrix24.ru"),
            ),
            ("https://old.bitrix24.ru/rest/1/s3cr3t/batch", None),
            ("/coupon.php", None),
            ("https://pay.example.com/coupon", None),
            ("http://new.bitrix24.ru/rest/1/s3cr3t/batch", None),
            ("http://127.0.0.1/rest/1/s3cr3t/batch", None),
        ] {
            let host = address.moved_to(location).map(|a| a.host());
            assert_eq!(host.as_deref(), moved, "{location}");
        }
    }
}
