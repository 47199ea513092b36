//! `doctor`: names every misconfiguration with its remedy. Writes nothing.

use std::process::ExitCode;

use crate::bitrix24::{Portal, probe};
use crate::config::Config;
use crate::google::Google;
use crate::sheet::template::{self, TemplateInput, TemplateKind};
use crate::sync::outcome::{Outcome, SyncError};

use super::args::Global;
use super::output::print_json;
use super::{Failure, choose, compose};

/// What makes a service account able to make files: since 2025 it owns no storage.
const THREE_WAYS: &str = "One of three ways: (1) a folder in a shared drive (Google Workspace), the \
    account in the drive as Content manager, and `folder` set to the folder's id; (2) the account \
    working for a person of the domain: `[google] subject` with the person's address, allowed by the \
    administrator as domain-wide delegation; (3) an OAuth user instead of the account: `planfact init \
    --google CLIENT.json`.";
/// What a folder needs.
const MAY_NOT_ADD: &str = "Share the folder with the account as an editor (in a shared drive: as \
    Content manager).";

/// One check and what it found.
struct Finding {
    company: Option<String>,
    check: &'static str,
    problem: Option<(String, String)>,
    detail: String,
    /// The problem may pass by itself, so that a service manager should try again.
    passing: bool,
}

impl Finding {
    fn good(company: Option<&str>, check: &'static str, detail: impl Into<String>) -> Finding {
        Finding {
            company: company.map(str::to_owned),
            check,
            problem: None,
            detail: detail.into(),
            passing: false,
        }
    }

    /// What an adapter met.
    fn failed(company: Option<&str>, check: &'static str, error: SyncError) -> Finding {
        let remedy = error.remedy().unwrap_or_default();
        let passing = error.outcome() == Outcome::NextPass;
        Finding {
            passing,
            ..Finding::bad(company, check, error.chain(), remedy)
        }
    }

    fn bad(
        company: Option<&str>,
        check: &'static str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding {
            company: company.map(str::to_owned),
            check,
            problem: Some((what.into(), remedy.into())),
            detail: String::new(),
            passing: false,
        }
    }
}

/// Runs every check; exit code 4 when something needs a human, 1 when it may pass by itself.
pub(super) async fn run(global: &Global) -> Result<ExitCode, Failure> {
    let config = Config::load(&global.config)?;
    let chosen = choose(&config, global)?;
    let mut findings = vec![Finding::good(
        None,
        "configuration",
        global.config.display().to_string(),
    )];
    findings.push(store(&config));
    match google(&config) {
        Ok(google) => {
            for id in &chosen {
                let Some(company) = config.companies.iter().find(|company| &company.id == id)
                else {
                    continue;
                };
                findings.extend(google_of(&google, company).await);
                findings.extend(files_of(&config, &google, company).await);
            }
        }
        Err(finding) => findings.push(finding),
    }
    for id in &chosen {
        if let Some(company) = config.companies.iter().find(|company| &company.id == id) {
            findings.extend(portal_of(company).await);
        }
    }
    report(global, &findings);
    let mut bad = findings
        .iter()
        .filter(|finding| finding.problem.is_some())
        .peekable();
    if bad.peek().is_none() {
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(if bad.all(|finding| finding.passing) {
        1
    } else {
        4
    }))
}

fn store(config: &Config) -> Finding {
    let path = &config.store.path;
    let shown = path.display().to_string();
    if !path.exists() {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        return match folder {
            Some(folder) if !folder.is_dir() => Finding::bad(
                None,
                "store",
                format!("the folder {} does not exist", folder.display()),
                "Make it, or give another [store] url.",
            ),
            _ => Finding::good(None, "store", format!("{shown} (made by the first pass)")),
        };
    }
    match compose::open_store(config, compose::Access::Look) {
        Ok(_) => Finding::good(None, "store", shown),
        Err(error) => Finding::failed(None, "store", error),
    }
}

fn google(config: &Config) -> Result<Google, Finding> {
    Google::new(&crate::google::Options {
        credentials: config.google.credentials.clone(),
        endpoint: config.google.endpoint.clone(),
        subject: config.google.subject.clone(),
    })
    .map_err(|error| Finding::failed(None, "google credentials", error.into()))
}

async fn google_of(google: &Google, company: &crate::config::Company) -> Vec<Finding> {
    let id = Some(company.id.as_str());
    let mut findings = Vec::new();
    let account = google.account();
    let places = [
        ("drive folder", company.folder.as_deref()),
        ("report template", company.report_template.as_deref()),
        ("plan template", company.plan_template.as_deref()),
    ];
    if company.folder.is_none() && google.is_without_storage() {
        findings.push(Finding::bad(
            id,
            "drive folder",
            format!(
                "the service account {account} has no storage of its own, so it cannot make files"
            ),
            THREE_WAYS,
        ));
    }
    for (check, place) in places {
        let Some(place) = place else { continue };
        let is_folder = check == "drive folder";
        findings.push(match google.file(place).await {
            Ok(file) if is_folder && !file.in_shared_drive && google.is_without_storage() => {
                let what = format!(
                    "«{}» is in somebody's My Drive, where a service account cannot make files",
                    file.name
                );
                Finding::bad(id, check, what, THREE_WAYS)
            }
            Ok(file) if is_folder && file.can_add == Some(false) => {
                let what = format!("{account} may not make files in «{}»", file.name);
                Finding::bad(id, check, what, MAY_NOT_ADD)
            }
            Ok(file) => Finding::good(id, check, file.name),
            Err(error) => Finding::failed(id, check, error.into()),
        });
    }
    if places.iter().all(|(_, place)| place.is_none()) {
        findings.push(match google.start_page_token().await {
            Ok(_) => Finding::good(id, "google sign-in", account),
            Err(error) => Finding::failed(id, "google sign-in", error.into()),
        });
    }
    findings.push(templates(company));
    findings
}

/// Whether the company's spreadsheets still stand where the store says.
async fn files_of(
    config: &Config,
    google: &Google,
    company: &crate::config::Company,
) -> Vec<Finding> {
    let id = Some(company.id.as_str());
    if !config.store.path.exists() {
        return Vec::new();
    }
    // A store that cannot be opened has a finding of its own.
    let Ok(store) = compose::open_store(config, compose::Access::Look) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for binding in store.bindings(&company.id).unwrap_or_default() {
        let role = &binding.role;
        findings.push(match google.file(&binding.file).await {
            Ok(file) if file.trashed => Finding::bad(
                id,
                "spreadsheets",
                format!("{role}: «{}» is in the bin", file.name),
                "Take it out of the bin in Drive, or make another by `planfact copy --anew report` \
                 (or `plan`, of next year with `--next-year`).",
            ),
            Ok(file) => Finding::good(id, "spreadsheets", format!("{role}: {}", file.name)),
            Err(error) => Finding::failed(id, "spreadsheets", error.into()),
        });
    }
    findings
}

fn templates(company: &crate::config::Company) -> Finding {
    let input = TemplateInput {
        locale: company.locale.clone(),
        currency: company.currency.clone(),
        time_zone: company.time_zone.name().to_owned(),
        year: 2026,
    };
    let id = Some(company.id.as_str());
    for kind in [TemplateKind::Report, TemplateKind::Plan] {
        if let Err(error) = template::render(kind, &input) {
            return Finding::bad(
                id,
                "templates",
                error.to_string(),
                "Choose another `locale`.",
            );
        }
    }
    Finding::good(id, "templates", company.locale.clone())
}

async fn portal_of(company: &crate::config::Company) -> Vec<Finding> {
    let id = Some(company.id.as_str());
    let portal = match Portal::new(&compose::portal_options(company)) {
        Ok(portal) => portal,
        Err(error) => {
            return vec![Finding::failed(id, "portal", error.into())];
        }
    };
    let probe = match probe(&portal).await {
        Ok(probe) => probe,
        Err(error) => {
            return vec![Finding::failed(id, "portal", error.into())];
        }
    };
    let mut findings = vec![Finding::good(id, "portal", portal.host())];
    if probe.admin == Some(false) {
        findings.push(Finding::bad(
            id,
            "portal rights",
            "the webhook was not made by an administrator: it sees only its maker's records",
            "Let an administrator of the portal make the webhook.",
        ));
    }
    let (without, broken): (Vec<_>, Vec<_>) =
        probe.missing.iter().partition(|missing| missing.optional);
    if !without.is_empty() {
        let names: Vec<&str> = without.iter().map(|missing| missing.method).collect();
        let detail = format!(
            "goes without {}: not there or not allowed",
            names.join(", ")
        );
        findings.push(Finding::good(id, "portal extras", detail));
    }
    for missing in broken {
        findings.push(Finding::bad(
            id,
            "portal methods",
            format!("{} does not work: {}", missing.method, missing.error),
            "Give the webhook the rights crm, user and department, or turn the module on.",
        ));
    }
    if probe.mode == Some(2) {
        findings.push(Finding::good(
            id,
            "crm mode",
            "simple: there are no leads, deals are counted",
        ));
    }
    findings
}

fn report(global: &Global, findings: &[Finding]) {
    if global.json {
        let list: Vec<_> = findings
            .iter()
            .map(|finding| {
                serde_json::json!({
                    "company": finding.company, "check": finding.check,
                    "ok": finding.problem.is_none(), "detail": finding.detail,
                    "problem": finding.problem.as_ref().map(|(what, _)| what),
                    "remedy": finding.problem.as_ref().map(|(_, remedy)| remedy),
                })
            })
            .collect();
        print_json(&serde_json::Value::Array(list));
        return;
    }
    for finding in findings {
        let company = finding
            .company
            .as_deref()
            .map_or(String::new(), |id| format!("{id}: "));
        match &finding.problem {
            None => println!("ok   {company}{}: {}", finding.check, finding.detail),
            Some((what, remedy)) => {
                println!("BAD  {company}{}: {what}", finding.check);
                println!("     → {remedy}");
            }
        }
    }
    let bad = findings
        .iter()
        .filter(|finding| finding.problem.is_some())
        .count();
    match bad {
        0 => println!("everything is in order"),
        1 => println!("1 thing needs you"),
        bad => println!("{bad} things need you"),
    }
}
