//! The pages for people: a list of files and a spreadsheet viewer, served from the binary.
//!
//! They are static and speak only the public Drive and Sheets API of the same origin, as a named
//! person; nothing here knows what a spreadsheet is.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// Scripts, styles and requests of this origin only; small icons are `data:` pictures.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// One file that a browser may ask for.
struct Asset {
    /// Path below `/assets/`.
    path: &'static str,
    /// MIME type.
    kind: &'static str,
    /// What is sent.
    body: &'static [u8],
}

/// Includes a file of `sim/assets/viewer` under its own name.
macro_rules! asset {
    ($path:literal, $kind:expr) => {
        Asset {
            path: $path,
            kind: $kind,
            body: include_bytes!(concat!("../../assets/viewer/", $path)),
        }
    };
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

const INDEX: Asset = asset!("index.html", HTML);
const VIEWER: Asset = asset!("viewer.html", HTML);

const ASSETS: &[Asset] = &[
    asset!("api.js", SCRIPT),
    asset!("base.js", SCRIPT),
    asset!("book.js", SCRIPT),
    asset!("charts.js", SCRIPT),
    asset!("clipboard.js", SCRIPT),
    asset!("commands.js", SCRIPT),
    asset!("dialogs.js", SCRIPT),
    asset!("drawings.js", SCRIPT),
    asset!("editor.js", SCRIPT),
    asset!("figures.js", SCRIPT),
    asset!("find.js", SCRIPT),
    asset!("hands.js", SCRIPT),
    asset!("history.js", SCRIPT),
    asset!("index.js", SCRIPT),
    asset!("menus.js", SCRIPT),
    asset!("notes.js", SCRIPT),
    asset!("paint.js", SCRIPT),
    asset!("pointer.js", SCRIPT),
    asset!("shortcuts.js", SCRIPT),
    asset!("survey.js", SCRIPT),
    asset!("tabs.js", SCRIPT),
    asset!("text.js", SCRIPT),
    asset!("viewer.js", SCRIPT),
    asset!("words.js", SCRIPT),
    asset!("style.css", STYLE),
    asset!("icon.svg", "image/svg+xml"),
    asset!("vendor/uPlot.iife.min.js", SCRIPT),
    asset!("vendor/uPlot.min.css", STYLE),
    asset!("vendor/LICENSE", "text/plain; charset=utf-8"),
];

/// Routes of the pages: `/`, `/spreadsheets/d/{id}`, `/spreadsheets/d/{id}/edit` and `/assets/…`.
pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(|| async { send(&INDEX) }))
        .route("/spreadsheets/d/{id}", get(|| async { send(&VIEWER) }))
        .route("/spreadsheets/d/{id}/edit", get(|| async { send(&VIEWER) }))
        .route("/assets/{*path}", get(asset))
}

/// Answers with a file of the viewer, or 404 in plain words.
async fn asset(Path(path): Path<String>) -> Response {
    match ASSETS.iter().find(|asset| asset.path == path) {
        Some(asset) => send(asset),
        None => (
            StatusCode::NOT_FOUND,
            "No such file among the viewer's assets.\n",
        )
            .into_response(),
    }
}

/// Sends a file; browsers ask again each time, so that a rebuilt simulator shows at once.
fn send(asset: &Asset) -> Response {
    let headers = [
        (CONTENT_TYPE, asset.kind),
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
    ];
    (headers, asset.body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(asset: &Asset) -> &'static str {
        std::str::from_utf8(asset.body).expect("a text file")
    }

    /// Paths that a file refers to: `/assets/x` anywhere, and `'./x'` in scripts.
    fn references(asset: &Asset) -> Vec<String> {
        let text = text(asset);
        let until = |rest: &str| {
            rest.chars()
                .take_while(|sign| !"\"'`) ".contains(*sign))
                .collect::<String>()
        };
        let absolute = text.split("/assets/").skip(1).map(until);
        let relative = text.split("from './").skip(1).map(until);
        absolute.chain(relative).collect()
    }

    #[test]
    fn every_file_that_a_page_names_is_served() {
        let own = || {
            ASSETS
                .iter()
                .filter(|asset| !asset.path.starts_with("vendor/"))
        };
        let mut seen = 0;
        for asset in own().chain([&INDEX, &VIEWER]) {
            for path in references(asset) {
                seen += 1;
                assert!(
                    ASSETS.iter().any(|one| one.path == path),
                    "{}: {path}",
                    asset.path
                );
            }
        }
        assert!(
            seen > 20,
            "only {seen} references were found: the search is broken"
        );
    }

    #[test]
    fn every_script_is_reached_from_a_page() {
        let mut reached: Vec<String> = [&INDEX, &VIEWER].into_iter().flat_map(references).collect();
        let mut at = 0;
        while at < reached.len() {
            let path = reached[at].clone();
            let found = ASSETS
                .iter()
                .find(|asset| asset.path == path)
                .expect("served");
            if found.kind == SCRIPT && !path.starts_with("vendor/") {
                for next in references(found) {
                    if !reached.contains(&next) {
                        reached.push(next);
                    }
                }
            }
            at += 1;
        }
        for asset in ASSETS
            .iter()
            .filter(|asset| asset.kind != "text/plain; charset=utf-8")
        {
            assert!(
                reached.iter().any(|path| path == asset.path),
                "nobody uses {}",
                asset.path
            );
        }
    }

    #[test]
    fn pages_ask_no_other_host_and_need_no_inline_code() {
        for asset in ASSETS.iter().filter(|one| !one.path.starts_with("vendor/")) {
            let text = text(asset).replace("http://www.w3.org/", "");
            assert!(!text.contains("http://"), "{} names a host", asset.path);
            assert!(!text.contains("https://"), "{} names a host", asset.path);
        }
        for page in [&INDEX, &VIEWER] {
            let text = text(page);
            for bad in [
                "<style",
                "style=\"",
                "onclick",
                "javascript:",
                "<script>",
                "//",
            ] {
                assert!(
                    !text.contains(bad),
                    "{} has {bad}, the policy forbids it",
                    page.path
                );
            }
        }
    }

    #[tokio::test]
    async fn answers_carry_type_policy_and_freshness() {
        let cases = [
            ("viewer.js", StatusCode::OK, Some(SCRIPT)),
            ("vendor/uPlot.min.css", StatusCode::OK, Some(STYLE)),
            ("../Cargo.toml", StatusCode::NOT_FOUND, None),
            ("viewer.html", StatusCode::NOT_FOUND, None),
        ];
        for (path, status, kind) in cases {
            let answer = asset(Path(path.to_owned())).await;
            assert_eq!(answer.status(), status, "{path}");
            let Some(kind) = kind else { continue };
            let header = |name| {
                answer
                    .headers()
                    .get(name)
                    .and_then(|value| value.to_str().ok())
            };
            assert_eq!(header(CONTENT_TYPE), Some(kind), "{path}");
            assert_eq!(header(CACHE_CONTROL), Some("no-cache"), "{path}");
            assert!(header(CONTENT_SECURITY_POLICY).is_some_and(|one| !one.contains("unsafe")));
        }
    }
}
