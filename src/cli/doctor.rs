//! `doctor`: names every misconfiguration with its remedy. Writes nothing.

use std::process::ExitCode;

use crate::bitrix24::{Portal, probe};
use crate::config::Config;
use crate::google::Google;
use crate::sheet::template::{self, TemplateInput, TemplateKind};

use super::args::Global;
use super::output::print_json;
use super::{Failure, choose, compose};

/// One check and what it found.
struct Finding {
    company: Option<String>,
    check: &'static str,
    problem: Option<(String, String)>,
    detail: String,
}

impl Finding {
    fn good(company: Option<&str>, check: &'static str, detail: impl Into<String>) -> Finding {
        Finding {
            company: company.map(str::to_owned),
            check,
            problem: None,
            detail: detail.into(),
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
        }
    }
}

/// Runs every check; exit code 4 when something needs a human.
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
    let bad = findings
        .iter()
        .filter(|finding| finding.problem.is_some())
        .count();
    Ok(if bad == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(4)
    })
}

fn store(config: &Config) -> Finding {
    let path = config.store.path.display().to_string();
    match compose::open_store(config) {
        Ok(_) => Finding::good(None, "store", path),
        Err(error) => Finding::bad(
            None,
            "store",
            error.chain(),
            error
                .remedy()
                .unwrap_or_else(|| format!("Make sure that {path} can be written.")),
        ),
    }
}

fn google(config: &Config) -> Result<Google, Finding> {
    Google::new(&crate::google::Options {
        credentials: config.google.credentials.clone(),
        endpoint: config.google.endpoint.clone(),
    })
    .map_err(|error| {
        Finding::bad(
            None,
            "google credentials",
            error.to_string(),
            error.remedy(),
        )
    })
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
    if company.folder.is_none() && account.ends_with("gserviceaccount.com") {
        findings.push(Finding::bad(
            id,
            "drive folder",
            format!(
                "the service account {account} has no storage of its own, so it cannot make files"
            ),
            "Make a folder in a shared drive, add the account to the drive as Content manager, and \
             set `folder` to the folder's id; or sign in as an OAuth user.",
        ));
    }
    for (check, place) in places {
        let Some(place) = place else { continue };
        findings.push(match google.file(place).await {
            Ok(file)
                if check == "drive folder"
                    && !file.in_shared_drive
                    && account.ends_with("gserviceaccount.com") =>
            {
                Finding::bad(
                    id,
                    check,
                    format!(
                        "«{}» is in somebody's My Drive, where a service account cannot make files",
                        file.name
                    ),
                    "Move the folder into a shared drive, or sign in as an OAuth user.",
                )
            }
            Ok(file) => Finding::good(id, check, file.name),
            Err(error) => Finding::bad(id, check, error.to_string(), error.remedy()),
        });
    }
    if places.iter().all(|(_, place)| place.is_none()) {
        findings.push(match google.start_page_token().await {
            Ok(_) => Finding::good(id, "google sign-in", account),
            Err(error) => Finding::bad(id, "google sign-in", error.to_string(), error.remedy()),
        });
    }
    findings.push(templates(company));
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
            return vec![Finding::bad(
                id,
                "portal",
                error.to_string(),
                error.remedy(),
            )];
        }
    };
    let probe = match probe(&portal).await {
        Ok(probe) => probe,
        Err(error) => {
            return vec![Finding::bad(
                id,
                "portal",
                error.to_string(),
                error.remedy(),
            )];
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
    for missing in &probe.missing {
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
