//! A new user signs in with the binary: by the browser of this machine, by a code on another device.
//! Afterwards the credentials serve alone, and whatever happens to them, no verb asks a person again.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Output, Stdio};

use serde_json::{Value, json};
use url::Url;

use crate::world::{AS_OF, World};

/// The exit code of a verb that needs a person's decision.
const HUMAN: i32 = 4;

/// A world whose program has an OAuth client and no credentials yet; its files go into My Drive.
async fn newcomer() -> World {
    let world = World::small().await;
    let google = &world.google.endpoint;
    let client = json!({"installed": {"client_id": "desk.apps", "client_secret": "s-client",
        "auth_uri": format!("{google}/o/oauth2/v2/auth"), "token_uri": format!("{google}/token"),
        "redirect_uris": ["http://localhost"]}});
    std::fs::write(at(&world, "client.json"), client.to_string()).unwrap();
    let path = at(&world, "planfact.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let folder = format!("folder = \"{}\"\n", world.google.folder);
    let text = text.replace(&folder, "").replace("key.json", "user.json");
    std::fs::write(path, text).unwrap();
    world
}

fn at(world: &World, file: &str) -> PathBuf {
    world.folder.path().join(file)
}

/// `init --google` under way: what it says to the person comes line by line.
struct Asking {
    child: Child,
    said: std::io::Lines<BufReader<std::process::ChildStderr>>,
}

impl Asking {
    fn begin(world: &World, more: &[&str]) -> Asking {
        let mut arguments = vec!["init", "--google", "client.json"];
        arguments.extend(more);
        let mut command = world.command(&arguments);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap()).lines();
        Asking { child, said }
    }

    /// The next line that is set off: an address or a code.
    fn shown(&mut self) -> String {
        let mut lines = self.said.by_ref().map(Result::unwrap);
        let line = lines.find(|line| line.starts_with("  "));
        line.expect("the program shows what the person needs")
            .trim()
            .to_owned()
    }

    /// Waits for the end; what was still said is the error's text.
    fn end(mut self) -> (Option<i32>, String) {
        let rest: Vec<String> = self.said.by_ref().map(Result::unwrap).collect();
        let status = self.child.wait().unwrap();
        (status.code(), rest.join("\n"))
    }
}

/// One request of a browser: status line and headers, and the page.
fn browse(url: &str) -> (String, String) {
    let url: Url = url.parse().unwrap();
    let address = (url.host_str().unwrap().to_owned(), url.port().unwrap());
    let mut stream = TcpStream::connect(address).unwrap();
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), page.to_owned())
}

/// Agrees on the consent page as a person, and follows where it leads.
fn agree(address: &str, person: &str) -> String {
    let (head, _) = browse(&format!("{address}&login_hint={person}"));
    assert!(head.starts_with("HTTP/1.1 302"), "{head}");
    let mut lines = head.lines();
    let back = lines.find_map(|line| line.strip_prefix("location: "));
    browse(back.expect("the consent leads back")).1
}

fn consent_of(world: &World) -> Value {
    serde_json::from_str(&std::fs::read_to_string(at(world, "user.json")).unwrap()).unwrap()
}

/// Only the owner may read what was kept.
fn is_private(world: &World) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(at(world, "user.json"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{mode:o}");
    }
}

/// A verb that needs a person, ends at once and says how to sign in.
fn asks_for_sign_in(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(HUMAN), "{said}");
    assert!(said.contains("planfact init --google"), "{said}");
    assert!(!said.contains("1//0"), "a token is shown: {said}");
}

/// How often the simulator was asked for a person's consent or a device's code.
fn asked(world: &World) -> u64 {
    let seen = world.google_seen();
    let of = |method: &str| seen.get(method).copied().unwrap_or(0);
    of("oauth2.auth") + of("device.code")
}

async fn manage(world: &World, body: Value) {
    world
        .as_person(reqwest::Method::POST, "/_sim/oauth", Some(body))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_agrees_in_the_browser_once() {
    let world = newcomer().await;
    for verb in [["refresh"], ["run"], ["doctor"]] {
        let output = world.run(&verb).await;
        let said =
            String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert_ne!(output.status.code(), Some(0), "{verb:?}: {said}");
        assert!(said.contains("planfact init --google"), "{verb:?}: {said}");
    }
    assert_eq!(asked(&world), 0, "no verb begins a sign-in of its own");

    let mut asking = Asking::begin(&world, &[]);
    let address = asking.shown();
    let page = tokio::task::spawn_blocking(move || agree(&address, "owner@example.com"))
        .await
        .unwrap();
    assert!(page.contains("Signed in"), "{page}");
    let (code, said) = asking.end();
    assert_eq!(code, Some(0), "{said}");
    is_private(&world);
    let consent = consent_of(&world);
    assert_eq!(consent["type"], "authorized_user");
    assert!(
        consent["refresh_token"]
            .as_str()
            .unwrap()
            .starts_with("1//0")
    );

    // A second run, and all later ones, need nobody.
    let before = asked(&world);
    let report = world.refresh().await;
    assert_eq!(world.refresh().await["plan_cells_written"], 0);
    assert_eq!(asked(&world), before);
    assert!(report["report_url"].as_str().unwrap().contains("/d/"));

    // What Google withdraws stops every verb with a remedy; nothing waits for a person.
    manage(&world, json!({"revoke": "owner@example.com"})).await;
    asks_for_sign_in(&world.run(&["refresh", "--as-of", AS_OF]).await);
    asks_for_sign_in(&world.run(&["plan", "--as-of", AS_OF]).await);
    assert_eq!(asked(&world), before);

    // Signing in anew replaces the dead consent, and the files are found again.
    let mut asking = Asking::begin(&world, &[]);
    let address = asking.shown();
    tokio::task::spawn_blocking(move || agree(&address, "owner@example.com"))
        .await
        .unwrap();
    assert_eq!(asking.end().0, Some(0));
    is_private(&world);
    assert_ne!(
        consent_of(&world)["refresh_token"],
        consent["refresh_token"]
    );
    assert_eq!(world.refresh().await["report_url"], report["report_url"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_who_refuses_keeps_nothing() {
    let world = newcomer().await;
    let mut asking = Asking::begin(&world, &[]);
    let address: Url = asking.shown().parse().unwrap();
    let of = |name: &str| {
        let found = address.query_pairs().find(|(key, _)| key == name);
        found.unwrap().1.into_owned()
    };
    let back = format!(
        "{}/?state={}&error=access_denied",
        of("redirect_uri"),
        of("state")
    );
    let (_, page) = tokio::task::spawn_blocking(move || browse(&back))
        .await
        .unwrap();
    assert!(page.contains("Not signed in"), "{page}");
    let (code, said) = asking.end();
    assert_eq!(code, Some(HUMAN), "{said}");
    assert!(said.contains("planfact init --google"), "{said}");
    assert!(!at(&world, "user.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_without_a_browser_types_a_code_elsewhere() {
    let world = newcomer().await;
    manage(&world, json!({"interval": 1})).await;
    for (word, code) in [("deny", HUMAN), ("approve", 0)] {
        let mut asking = Asking::begin(&world, &["--device"]);
        let shown = asking.shown();
        assert_eq!(shown.len(), 9, "{shown}");
        manage(&world, json!({word: shown, "email": "owner@example.com"})).await;
        let (ended, said) = asking.end();
        assert_eq!(ended, Some(code), "{word}: {said}");
        assert_eq!(at(&world, "user.json").exists(), code == 0);
    }
    is_private(&world);
    let before = asked(&world);
    let report = world.refresh().await;
    assert_eq!(world.refresh().await["plan_cells_written"], 0);
    assert!(report["plan_url"].as_str().unwrap().contains("/d/"));
    assert_eq!(asked(&world), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_token_is_kept_before_it_is_used() {
    let world = newcomer().await;
    manage(&world, json!({"rotate": true})).await;
    let mut asking = Asking::begin(&world, &[]);
    let address = asking.shown();
    tokio::task::spawn_blocking(move || agree(&address, "owner@example.com"))
        .await
        .unwrap();
    assert_eq!(asking.end().0, Some(0));
    let mut seen = vec![consent_of(&world)["refresh_token"].clone()];
    for _ in 0..3 {
        world.refresh().await;
        is_private(&world);
        let now = consent_of(&world)["refresh_token"].clone();
        assert!(!seen.contains(&now), "each run used and kept another token");
        seen.push(now);
    }
}
