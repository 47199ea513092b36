//! `status`: what the store knows of each company. Asks nobody.

use std::process::ExitCode;

use crate::config::Config;
use crate::store::Store;

use super::args::Global;
use super::output::print_json;
use super::{Failure, choose, compose};

/// How many passes are listed.
const PASSES_SHOWN: usize = 5;

/// Prints the state of each company.
pub(super) fn run(global: &Global) -> Result<ExitCode, Failure> {
    let config = Config::load(&global.config)?;
    let chosen = choose(&config, global)?;
    let store = compose::open_store(&config, compose::Access::Look).map_err(Failure::from)?;
    let mut documents = Vec::new();
    for id in chosen {
        let state = read(&*store, &id)
            .map_err(|error| Failure::from(crate::sync::outcome::SyncError::from(error)))?;
        if global.json {
            documents.push(state);
        } else {
            print(&id, &state);
        }
    }
    if global.json {
        print_json(&serde_json::Value::Array(documents));
    }
    Ok(ExitCode::SUCCESS)
}

fn read(store: &dyn Store, id: &str) -> Result<serde_json::Value, crate::store::StoreError> {
    let (leads, deals, rejects) = store.counts(id)?;
    let files: Vec<_> = store
        .bindings(id)?
        .into_iter()
        .map(|binding| serde_json::json!({"role": binding.role, "url": binding.url}))
        .collect();
    let passes: Vec<_> = store
        .passes(id, PASSES_SHOWN)?
        .into_iter()
        .map(|pass| {
            let counts: serde_json::Map<String, serde_json::Value> = pass
                .counts
                .into_iter()
                .map(|(name, count)| (name, count.into()))
                .collect();
            serde_json::json!({
                "number": pass.number,
                "started": pass.started.to_rfc3339(),
                "ended": pass.ended.map(|ended| ended.to_rfc3339()),
                "state": pass.state,
                "message": pass.message,
                "counts": counts,
            })
        })
        .collect();
    Ok(serde_json::json!({
        "company": id, "leads": leads, "deals": deals, "rejects": rejects,
        "files": files, "passes": passes,
    }))
}

fn print(id: &str, state: &serde_json::Value) {
    println!("{id}");
    println!(
        "  records   {} leads, {} deals, {} set aside",
        state["leads"], state["deals"], state["rejects"]
    );
    for file in state["files"].as_array().into_iter().flatten() {
        println!("  file      {} {}", text(&file["role"]), text(&file["url"]));
    }
    let passes = state["passes"].as_array();
    if passes.is_none_or(Vec::is_empty) {
        println!("  passes    none yet; run `planfact refresh`");
    }
    for pass in passes.into_iter().flatten() {
        println!(
            "  pass {:4} {} {} {}",
            pass["number"],
            text(&pass["started"]),
            text(&pass["state"]),
            text(&pass["message"])
        );
    }
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}
