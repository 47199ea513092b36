//! The status page: what each company's last passes did, and a button that pokes.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::store::{PassRecord, Store, StoreError};

use super::{Shared, Worker};

/// How many passes a company's card lists.
const PASSES_SHOWN: usize = 8;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;\
padding:0 1rem;color:#1f2937}h1{font-size:1.5rem}h2{font-size:1.15rem;margin:0}\
section{border:1px solid #e2e5ea;border-radius:8px;padding:1rem 1.25rem;margin:1rem 0;\
background:#f8f9fc}table{border-collapse:collapse;width:100%;margin-top:.75rem}\
th,td{text-align:left;padding:.3rem .75rem .3rem 0;border-bottom:1px solid #e2e5ea;\
vertical-align:top}th{color:#6b7280;font-weight:500}.ok{color:#15803d}.bad{color:#b91c1c}\
.muted{color:#6b7280}form{display:inline}button{font:inherit;border:1px solid #cbd5e1;\
border-radius:6px;background:#fff;padding:.25rem .75rem;cursor:pointer}\
header{display:flex;justify-content:space-between;align-items:center}a{color:#2f6fde}";

/// Binds the page; the returned future serves until the daemon stops.
pub(super) async fn serve(
    listen: SocketAddr,
    shared: Arc<Shared>,
) -> std::io::Result<(SocketAddr, impl Future<Output = ()> + Send + 'static)> {
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let stop = shared.stop.clone();
    let app = Router::new()
        .route("/", get(page))
        .route("/healthz", get(health))
        .route("/refresh/{company}", post(refresh))
        .with_state(shared);
    let server = async move {
        let served = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "the status page stopped");
        }
    };
    Ok((address, server))
}

/// 200 while every company's last pass ended well, else 503 with the names of the others.
async fn health(State(shared): State<Arc<Shared>>) -> (StatusCode, String) {
    let mut bad = Vec::new();
    for worker in &shared.workers {
        let id = &worker.company.profile.id;
        let last = shared.engine.store.passes(id, 2).unwrap_or_default();
        let ended = last.into_iter().find(|pass| pass.ended.is_some());
        if ended.is_some_and(|pass| pass.state != "done") {
            bad.push(id.clone());
        }
    }
    match bad.as_slice() {
        [] => (StatusCode::OK, "ok\n".to_owned()),
        _ => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("failing: {}\n", bad.join(", ")),
        ),
    }
}

async fn refresh(
    State(shared): State<Arc<Shared>>,
    Path(company): Path<String>,
) -> Result<Redirect, (StatusCode, String)> {
    match shared
        .workers
        .iter()
        .find(|worker| worker.company.profile.id == company)
    {
        Some(worker) => {
            worker.poke.notify_one();
            Ok(Redirect::to("/"))
        }
        None => Err((StatusCode::NOT_FOUND, format!("no company `{company}`\n"))),
    }
}

async fn page(State(shared): State<Arc<Shared>>) -> Result<Html<String>, (StatusCode, String)> {
    let sections: Result<Vec<Markup>, StoreError> = shared
        .workers
        .iter()
        .map(|worker| section(&shared, worker))
        .collect();
    let sections =
        sections.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                title { "planfact" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "planfact" }
                @for section in &sections { (section) }
            }
        }
    };
    Ok(Html(page.into_string()))
}

fn section(shared: &Shared, worker: &Worker) -> Result<Markup, StoreError> {
    let profile = &worker.company.profile;
    let store: &dyn Store = &*shared.engine.store;
    let (leads, deals, rejects) = store.counts(&profile.id)?;
    let files = store.bindings(&profile.id)?;
    let passes = store.passes(&profile.id, PASSES_SHOWN)?;
    let next = worker.schedule.next(shared.engine.clock.now());
    let zone = profile.calendar.zone;
    Ok(html! {
        section {
            header {
                h2 { (profile.name) }
                form method="post" action={ "/refresh/" (profile.id) } {
                    button type="submit" { "Refresh now" }
                }
            }
            p.muted {
                (leads) " leads, " (deals) " deals"
                @if rejects > 0 { ", " (rejects) " set aside" }
                @if let Some(next) = next {
                    " · next " (next.with_timezone(&zone).format("%Y-%m-%d %H:%M"))
                }
                @for file in &files { " · " a href=(file.url) { (file.role) } }
            }
            table {
                tr { th { "Pass" } th { "Started" } th { "State" } th { "Written" } th { "Message" } }
                @for pass in &passes { (row(pass, zone)) }
            }
        }
    })
}

fn row(pass: &PassRecord, zone: chrono_tz::Tz) -> Markup {
    let count = |name: &str| {
        pass.counts
            .iter()
            .find(|(other, _)| other == name)
            .map_or(0, |(_, count)| *count)
    };
    let good = matches!(pass.state.as_str(), "done" | "running");
    html! {
        tr {
            td { (pass.number) }
            td { (pass.started.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S")) }
            td class=(if good { "ok" } else { "bad" }) { (pass.state) }
            td { (count("plan_cells_written")) " + " (count("report_cells_written")) }
            td { (pass.message) }
        }
    }
}
