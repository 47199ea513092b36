//! Progress and figures on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::sync::pass::PassReport;
use crate::sync::pull::PullProgress;
use crate::sync::upgrade::Upgraded;

/// Shows how a pull goes on: a bar on a terminal, a line every tenth elsewhere.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    last_tenth: Mutex<u64>,
    silent: bool,
}

impl Progress {
    /// A progress display; `silent` for `--json`.
    pub(super) fn new(silent: bool) -> Progress {
        let bar = (!silent && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(0);
            if let Ok(style) = ProgressStyle::with_template(
                "{spinner} {msg} {wide_bar} {human_pos}/{human_len} {elapsed}",
            ) {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Progress {
            bar,
            last_tenth: Mutex::new(0),
            silent,
        }
    }

    /// Shows a step.
    pub(super) fn show(&self, progress: &PullProgress) {
        let (done, total) = (progress.done, progress.total.max(progress.done));
        let what = format!("{} leads, {} deals", progress.leads, progress.deals);
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(what);
            return;
        }
        if self.silent || total == 0 {
            return;
        }
        let tenth = done * 10 / total;
        if let Ok(mut last) = self.last_tenth.lock()
            && tenth != *last
        {
            *last = tenth;
            eprintln!("  reading the CRM: {} % ({what})", tenth * 10);
        }
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The pass as plain lines.
pub(super) fn print_pass(name: &str, report: &PassReport) {
    println!("{name} (as of {})", report.today);
    for role in &report.files.made {
        println!("  copied    {role}");
    }
    print_upgrades(&report.files.upgraded);
    for what in &report.files.repaired {
        println!("  repaired  {what}");
    }
    println!(
        "  pulled    {} leads, {} deals ({} requests, {:.1} s; the portal's limit allows no less than {:.1} s)",
        report.pulled.leads,
        report.pulled.deals,
        report.portal_requests,
        report.pulled.seconds,
        report.pulled.bound_seconds
    );
    if report.pulled.rejects > 0 {
        println!(
            "  set aside {} records that could not be read",
            report.pulled.rejects
        );
    }
    println!(
        "  plan      {} cells written, {} held by people, {} unreadable",
        report.cells_written.0, report.change.edited_cells, report.change.unreadable_cells
    );
    println!("  report    {} cells written", report.cells_written.1);
    let google: Vec<String> = report
        .google_requests
        .iter()
        .map(|(method, count)| format!("{method} {count}"))
        .collect();
    let all: u64 = report.google_requests.iter().map(|(_, count)| count).sum();
    println!(
        "  google    {all} requests, {} bytes ({})",
        report.bytes_sent,
        google.join(", ")
    );
    println!("  took      {:.1} s", report.seconds);
    for notice in &report.change.notices {
        println!("  !         {notice}");
    }
    if let Some(next) = &report.next_year {
        println!(
            "  next year {} cells written, {} held by people, {} unreadable; {}",
            next.cells_written.0,
            next.change.edited_cells,
            next.change.unreadable_cells,
            next.files.plan.url
        );
        for notice in &next.change.notices {
            println!("  !         {notice}");
        }
    }
}

/// The pass as JSON.
pub(super) fn pass_json(id: &str, report: &PassReport) -> serde_json::Value {
    let requests: serde_json::Map<String, serde_json::Value> = report
        .google_requests
        .iter()
        .map(|(method, count)| (method.clone(), (*count).into()))
        .collect();
    serde_json::json!({
        "company": id,
        "as_of": report.today.to_string(),
        "pass": report.number,
        "copied": report.files.made,
        "repaired": report.files.repaired,
        "upgraded": upgrades_json(&report.files.upgraded),
        "report_url": report.files.report.url,
        "plan_url": report.files.plan.url,
        "leads_pulled": report.pulled.leads,
        "trail_pulled": report.pulled.trail,
        "cards_gone": report.pulled.gone,
        "cards_healed": report.pulled.healed,
        "deals_pulled": report.pulled.deals,
        "rejects": report.pulled.rejects,
        "portal_requests": report.portal_requests,
        "portal_seconds": report.pulled.seconds,
        "portal_seconds_bound": report.pulled.bound_seconds,
        "plan_cells_written": report.cells_written.0,
        "report_cells_written": report.cells_written.1,
        "google_requests": requests,
        "bytes_sent": report.bytes_sent,
        "seconds": report.seconds,
        "notices": report.change.notices,
        "next_year": report.next_year.as_ref().map(|next| pass_json(id, next)),
    })
}

/// One JSON document on stdout.
pub(super) fn print_json(value: &serde_json::Value) {
    println!("{value}");
}

/// What a newer template did to the files, or would do.
pub(super) fn print_upgrades(upgraded: &[Upgraded]) {
    for file in upgraded {
        let how = if file.pending {
            "would be brought"
        } else {
            "was brought"
        };
        if file.changes.is_empty() {
            println!("  template  {}", file.role);
        } else {
            println!(
                "  template  {} {how} up to this program's template:",
                file.role
            );
        }
        for change in &file.changes {
            println!("    {change}");
        }
        for left in &file.left {
            println!("    left as it is: {left}");
        }
    }
}

/// The same for programs.
pub(super) fn upgrades_json(upgraded: &[Upgraded]) -> serde_json::Value {
    upgraded
        .iter()
        .map(|file| {
            serde_json::json!({
                "file": file.role,
                "pending": file.pending,
                "changes": file.changes,
                "left": file.left,
                "cells": file.cells,
            })
        })
        .collect()
}
