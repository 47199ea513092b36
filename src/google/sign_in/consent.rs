//! Asking a person: by a browser on this machine, or by a code typed on another device.
//!
//! Only `planfact init --google` comes here; a daemon never does. The browser's way is the installed
//! application's flow of RFC 8252 with PKCE (RFC 7636, S256) and `state`: the answer is led back to a
//! listener on loopback, and an answer that is not to this very question is not taken. The other way
//! is the device flow of RFC 8628 for a server without a browser; Google allows it few scopes, of
//! which `drive.file` serves: the files that the application makes itself.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::credentials::{self, Client, Consent};
use super::endpoint::{self, Tokens};
use super::{SCOPES, TokenClient, transport};
use crate::clock::{Clock, System};
use crate::google::error::{GoogleError, Kind};
use crate::retry::pause;

/// Longest wait for a person to consent in the browser.
const CONSENT_MAX: Duration = Duration::from_secs(600);
/// Longest wait for the browser to send the one line that matters.
const LINE_MAX: Duration = Duration::from_secs(5);
/// Bytes of a browser's request that are read at most.
const REQUEST_BYTES_MAX: usize = 16 * 1024;
/// What the device flow may ask for: files that this application made or was given.
const DEVICE_SCOPE: &str = "https://www.googleapis.com/auth/drive.file";
/// Where the device flow begins, beside the token endpoint.
const DEVICE_PATH: &str = "device/code";
/// RFC 8628 §3.2: how long to wait between questions when the answer does not say.
const INTERVAL_DEFAULT: Duration = Duration::from_secs(5);
/// RFC 8628 §3.5: by how much `slow_down` lengthens the wait.
const SLOWER: Duration = Duration::from_secs(5);
/// A device code lives no longer, whatever the answer says.
const DEVICE_MAX: Duration = Duration::from_secs(3600);

/// What a person needs in order to consent on another device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevicePrompt {
    /// The address to open there.
    pub url: String,
    /// The code to type.
    pub code: String,
    /// For how long the code is good, seconds.
    pub seconds: u64,
}

/// Signs a person in by the browser: `client` is the OAuth client's file from the Google Cloud
/// console ("Desktop app"), `show` presents the address to open, and the consent is kept in
/// `save_to` (readable by its owner only), which then serves as `[google] credentials`.
///
/// # Errors
/// When the client's file is not one, the person refuses, leaves a box unticked or does not consent
/// within ten minutes, or the file cannot be written.
pub async fn sign_in_interactively<F>(
    client: &Path,
    save_to: &Path,
    show: F,
) -> Result<(), GoogleError>
where
    F: Fn(&str) + Send + Sync,
{
    let doing = format!("signing in with the OAuth client of {}", client.display());
    let client = credentials::read_client(client, &doing)?;
    let http = transport::token_client(&transport::connector()?);
    let failed = |error: std::io::Error| {
        let message = format!("no listener on loopback: {error}");
        GoogleError::new(Kind::SignIn, "", &message, &doing)
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let question = Question {
        redirect: format!("http://127.0.0.1:{port}"),
        state: random_text(&doing)?,
        verifier: random_text(&doing)?,
    };
    show(question.url(&client, &doing)?.as_str());
    let code = tokio::time::timeout(CONSENT_MAX, wait_for_code(&listener, &question, &doing))
        .await
        .unwrap_or_else(|_| {
            let message = format!("nobody consented within {} min", CONSENT_MAX.as_secs() / 60);
            Err(GoogleError::new(
                Kind::SignIn,
                "expired_token",
                &message,
                &doing,
            ))
        })?;
    let form = endpoint::form(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &question.redirect),
        ("client_id", &client.client_id),
        ("client_secret", &client.client_secret),
        ("code_verifier", &question.verifier),
    ]);
    let answer = endpoint::post(&http, &client.token_uri, form, System.now(), &doing).await?;
    keep(&client, &answer.tokens(&doing)?, &SCOPES, save_to, &doing)
}

/// What is asked of the browser, and by what its answer is known.
struct Question {
    /// Where the answer is led.
    redirect: String,
    /// Comes back with the answer.
    state: String,
    /// The secret of PKCE; its hash goes with the question, itself with the code.
    verifier: String,
}

impl Question {
    fn url(&self, client: &Client, doing: &str) -> Result<Url, GoogleError> {
        let mut url = Url::parse(&client.auth_uri).map_err(|error| {
            let message = format!("`auth_uri` is not an address: {error}");
            GoogleError::new(Kind::SignIn, "unreadable_credentials", &message, doing)
        })?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()));
        url.query_pairs_mut()
            .append_pair("client_id", &client.client_id)
            .append_pair("redirect_uri", &self.redirect)
            .append_pair("response_type", "code")
            .append_pair("scope", &SCOPES.join(" "))
            .append_pair("state", &self.state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            // Google gives a refresh token only for offline use and with an explicit consent.
            .append_pair("access_type", "offline")
            .append_pair("prompt", "consent");
        Ok(url)
    }

    /// What a request that came to the listener is to us.
    fn read(&self, target: &str) -> Came {
        let Some(url) = Url::parse(&self.redirect)
            .ok()
            .and_then(|base| base.join(target).ok())
        else {
            return Came::Other;
        };
        let of = |name: &str| {
            let mut pairs = url.query_pairs();
            pairs
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        if of("state").as_deref() != Some(&self.state) {
            return Came::Other;
        }
        match (of("error"), of("code")) {
            (Some(error), _) => Came::Refused(error),
            (None, Some(code)) if !code.is_empty() => Came::Code(code),
            _ => Came::Other,
        }
    }
}

/// What came to the listener.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    /// The answer.
    Code(String),
    /// The person or Google refused, with a word.
    Refused(String),
    /// Something that is not the answer to this question: an icon, a prank, another sign-in.
    Other,
}

/// Serves the browser until it brings the answer to the question.
async fn wait_for_code(
    listener: &TcpListener,
    question: &Question,
    doing: &str,
) -> Result<String, GoogleError> {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else {
            continue;
        };
        let read = tokio::time::timeout(LINE_MAX, read_target(&mut stream)).await;
        let Ok(Some(target)) = read else {
            continue;
        };
        let came = question.read(&target);
        let (status, text) = match &came {
            Came::Code(_) => ("200 OK", "Signed in. You can close this page."),
            Came::Refused(_) => ("200 OK", "Not signed in. You can close this page."),
            Came::Other => (
                "404 Not Found",
                "This is not the answer that is waited for.",
            ),
        };
        let page = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{text}",
            text.len()
        );
        // Whether the page arrives does not matter: the answer is here.
        let _ = tokio::time::timeout(LINE_MAX, stream.write_all(page.as_bytes())).await;
        let _ = stream.shutdown().await;
        match came {
            Came::Code(code) => return Ok(code),
            Came::Refused(word) => {
                let message = "the consent was not given";
                return Err(GoogleError::new(Kind::SignIn, &word, message, doing));
            }
            Came::Other => {}
        }
    }
}

/// The address of a browser's request: the second word of its first line.
async fn read_target(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < REQUEST_BYTES_MAX {
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => break,
            Ok(read) => head.extend_from_slice(piece.get(..read)?),
        }
    }
    let line = head.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split(' ');
    let get = words.next() == Some("GET");
    words.next().filter(|_| get).map(str::to_string)
}

/// Text of 256 bits that nobody can guess.
fn random_text(doing: &str) -> Result<String, GoogleError> {
    let mut bytes = [0; 32];
    let provider = rustls::crypto::ring::default_provider();
    match provider.secure_random.fill(&mut bytes) {
        Ok(()) => Ok(URL_SAFE_NO_PAD.encode(bytes)),
        Err(_) => {
            let message = "the operating system gives no random bytes";
            Err(GoogleError::new(Kind::SignIn, "", message, doing))
        }
    }
}

/// Signs a person in by a code that he types on another device: for a server without a browser.
/// `client` is the file of an OAuth client "TVs and Limited Input devices", `show` presents what the
/// person needs, and the consent is kept in `save_to` as by [`sign_in_interactively`].
///
/// Google allows this flow few scopes: the daemon then sees the files that it makes itself, so
/// neither a folder nor a template of others may be configured.
///
/// # Errors
/// When the client's file is not one or of another kind, the person refuses or the code expires, or
/// the file cannot be written.
pub async fn sign_in_by_device<F>(client: &Path, save_to: &Path, show: F) -> Result<(), GoogleError>
where
    F: Fn(&DevicePrompt) + Send + Sync,
{
    let http = transport::token_client(&transport::connector()?);
    by_device(&http, client, save_to, show, SLOWER).await
}

/// The same with another answer to `slow_down`.
pub(super) async fn by_device<F>(
    http: &TokenClient,
    client: &Path,
    save_to: &Path,
    show: F,
    slower: Duration,
) -> Result<(), GoogleError>
where
    F: Fn(&DevicePrompt) + Send + Sync,
{
    let doing = format!("signing in by device with {}", client.display());
    let client = credentials::read_client(client, &doing)?;
    let address = device_address(&client, &doing)?;
    let form = endpoint::form(&[("client_id", &client.client_id), ("scope", DEVICE_SCOPE)]);
    let answer = endpoint::post(http, address.as_str(), form, System.now(), &doing).await?;
    let device = Device::read(&answer.granted(&doing)?, &doing)?;
    show(&device.prompt);
    let asked = ask_until_told(http, &client, &device, slower, &doing);
    let told = tokio::time::timeout(device.lives, asked).await;
    let tokens = told.unwrap_or_else(|_| {
        let message = "the code was not typed in time";
        Err(GoogleError::new(
            Kind::SignIn,
            "expired_token",
            message,
            &doing,
        ))
    })?;
    keep(&client, &tokens, &[DEVICE_SCOPE], save_to, &doing)
}

/// `https://oauth2.googleapis.com/device/code` beside `https://oauth2.googleapis.com/token`.
fn device_address(client: &Client, doing: &str) -> Result<Url, GoogleError> {
    Url::parse(&client.token_uri)
        .and_then(|token| token.join(DEVICE_PATH))
        .map_err(|error| {
            let message = format!("`token_uri` is not an address: {error}");
            GoogleError::new(Kind::SignIn, "unreadable_credentials", &message, doing)
        })
}

/// A device code, and what the person is told.
struct Device {
    prompt: DevicePrompt,
    code: String,
    interval: Duration,
    lives: Duration,
}

impl Device {
    fn read(answer: &Value, doing: &str) -> Result<Device, GoogleError> {
        let text = |keys: &[&str]| {
            let found = keys.iter().find_map(|key| answer[*key].as_str());
            found.map(str::to_string).ok_or_else(|| {
                let message = format!("the answer has no `{}`", keys.join("` or `"));
                GoogleError::new(Kind::Unreadable, "", &message, doing)
            })
        };
        let seconds = |key: &str| answer[key].as_u64().map(Duration::from_secs);
        let lives = seconds("expires_in").map_or(DEVICE_MAX, |lives| lives.min(DEVICE_MAX));
        Ok(Device {
            prompt: DevicePrompt {
                // Google says "url" where the RFC says "uri".
                url: text(&["verification_url", "verification_uri"])?,
                code: text(&["user_code"])?,
                seconds: lives.as_secs(),
            },
            code: text(&["device_code"])?,
            interval: seconds("interval").unwrap_or(INTERVAL_DEFAULT),
            lives,
        })
    }
}

/// Asks for the tokens until the person has decided, no more often than allowed.
async fn ask_until_told(
    http: &TokenClient,
    client: &Client,
    device: &Device,
    slower: Duration,
    doing: &str,
) -> Result<Tokens, GoogleError> {
    let mut interval = device.interval;
    loop {
        pause(interval).await;
        let form = endpoint::form(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", &device.code),
            ("client_id", &client.client_id),
            ("client_secret", &client.client_secret),
        ]);
        let asked = endpoint::post(http, &client.token_uri, form, System.now(), doing).await;
        match asked.and_then(|answer| answer.tokens(doing)) {
            Ok(tokens) => return Ok(tokens),
            Err(error) if error.kind == Kind::RateLimited => interval += slower,
            // Not decided yet, or the network for the moment: the code's life is the end of it.
            Err(error) if error.kind == Kind::Transient => {}
            Err(error) => return Err(error),
        }
    }
}

/// Keeps the consent, if it is whole.
fn keep(
    client: &Client,
    tokens: &Tokens,
    asked: &[&str],
    save_to: &Path,
    doing: &str,
) -> Result<(), GoogleError> {
    // People may untick single boxes; without both the daemon would fail later and darkly.
    if let Some(granted) = &tokens.scope
        && let Some(missing) = asked
            .iter()
            .find(|scope| !granted.split(' ').any(|one| one == **scope))
    {
        let message = format!("the consent lacks {missing}");
        return Err(GoogleError::new(
            Kind::SignIn,
            "insufficient_scope",
            &message,
            doing,
        ));
    }
    let refresh = tokens.refresh.clone().ok_or_else(|| {
        let message = "Google gave no refresh token with the consent";
        GoogleError::new(Kind::SignIn, "", message, doing)
    })?;
    Consent::new(client, refresh, System.now()).keep(save_to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_this_question_is_taken() {
        let question = Question {
            redirect: "http://127.0.0.1:1".to_string(),
            state: "s1".to_string(),
            verifier: "v".to_string(),
        };
        let cases = [
            ("/?state=s1&code=c%2F1", Came::Code("c/1".to_string())),
            ("/?code=c&state=s1&scope=x", Came::Code("c".to_string())),
            (
                "/?state=s1&error=access_denied",
                Came::Refused("access_denied".to_string()),
            ),
            ("/?state=s2&code=c", Came::Other),
            ("/?code=c", Came::Other),
            ("/?state=s1&code=", Came::Other),
            ("/?error=access_denied", Came::Other),
            ("/favicon.ico", Came::Other),
        ];
        for (target, came) in cases {
            assert_eq!(question.read(target), came, "{target}");
        }
    }

    #[test]
    fn the_challenge_is_the_one_of_the_standard() {
        // RFC 7636, appendix B.
        let question = Question {
            redirect: "http://127.0.0.1:1".to_string(),
            state: "s".to_string(),
            verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_string(),
        };
        let client = Client {
            client_id: "c".to_string(),
            client_secret: String::new(),
            auth_uri: "https://accounts.google.com/o/oauth2/v2/auth".to_string(),
            token_uri: "https://oauth2.googleapis.com/token".to_string(),
        };
        let url = question.url(&client, "x").unwrap();
        let asked: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(asked["code_challenge"], challenge);
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["prompt"], "consent");
        assert_eq!(
            device_address(&client, "x").unwrap().as_str(),
            "https://oauth2.googleapis.com/device/code"
        );
        assert_ne!(random_text("x").unwrap(), random_text("x").unwrap());
    }
}
