//! `demo`: the whole product against the simulators, with pages. The same client code runs as in
//! production; only the addresses differ.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use planfact_sim::company::{Company as SimCompany, Locale, Size, Spec};
use planfact_sim::{google, portal};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, System};
use crate::config::Config;
use crate::daemon::{self, Program, Settings};
use crate::sync::copy::PlanYear;
use crate::sync::pass::{self, Ask, PassReport};

use super::args::{DemoArgs, Global};
use super::output::{Progress, pass_json, print_json, print_pass};
use super::run::wait_for_signal;
use super::{Failure, compose};

/// How often the demo asks the change feed: a visitor does not want to wait a minute.
const DEMO_POLL: Duration = Duration::from_secs(3);
/// How long the demo waits after an edit.
const DEMO_SETTLE: Duration = Duration::from_millis(500);
/// Targets of the fictional company, the figures of the question that the product answers: costs
/// of 900,000 and a profit of 250,000 a month, growing by 1.5 % a month.
const FICTION_TARGETS: &str =
    "[targets]\nbreak_even = 1000000\nprofit = 150000\ngrowth = 0.015\nseasonality = \"history\"\n";

/// The simulators and the program connected to them.
struct Stage {
    google: google::Google,
    portal: portal::Portal,
    program: Program,
    /// Holds the key file; removed at the end.
    folder: PathBuf,
}

/// Runs the demo.
pub(super) async fn run(global: &Global, args: &DemoArgs) -> Result<ExitCode, Failure> {
    let stage = Stage::build(args).await?;
    if args.once {
        once(global, args, &stage).await
    } else {
        serve(global, args, stage).await
    }
}

impl Stage {
    async fn build(args: &DemoArgs) -> Result<Stage, Failure> {
        let (company, company_toml) = company(args)?;
        let portal = portal::Portal::start(company, portal::Options::default())
            .await
            .map_err(|error| Failure::io("the portal simulator cannot start", &error))?;
        let listen =
            std::net::SocketAddr::from(([127, 0, 0, 1], if args.once { 0 } else { args.port }));
        let google = google::Google::start(google::Options {
            listen,
            ..google::Options::default()
        })
        .await
        .map_err(|error| {
            Failure::io(
                &format!("the Google simulator cannot listen on {listen} (choose another --port)"),
                &error,
            )
        })?;
        let folder = private_folder()?;
        let key = folder.join("service-account.json");
        crate::private_file::put(&key, &google.credentials.to_string())
            .map_err(|error| Failure::io("cannot write the simulator's key", &error))?;
        let as_of = match (args.as_of, &args.data) {
            (Some(day), _) => Some(day),
            (None, Some(_)) => Some(portal.last_day()),
            (None, None) => None,
        };
        let config = Config::for_demo(&crate::config::DemoInput {
            folder: folder.clone(),
            credentials: key,
            endpoint: google.endpoint.clone(),
            drive_folder: google.folder.clone(),
            webhook_url: portal.webhook_url.clone(),
            company_toml,
        })?;
        let program = compose::build(
            &config,
            &["demo".to_owned()],
            as_of,
            Arc::new(System),
            compose::Access::Change,
        )?;
        Ok(Stage {
            google,
            portal,
            program,
            folder,
        })
    }
}

/// The company of the demo and the keys of its `company.toml`.
fn company(args: &DemoArgs) -> Result<(SimCompany, String), Failure> {
    if let Some(folder) = &args.data {
        let company =
            SimCompany::load(folder).map_err(|error| Failure::usage(error.to_string()))?;
        let file = folder.join("company.toml");
        let toml = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(Failure::usage(format!(
                    "cannot read {}: {error}",
                    file.display()
                )));
            }
        };
        return Ok((company, toml));
    }
    let russian = args.locale.starts_with("ru");
    // The fictional company sells in roubles whatever its language.
    let name = if russian {
        "ООО «Ромашка»"
    } else {
        "Daisy Ltd"
    };
    let (zone, currency) = ("Europe/Moscow", "RUB");
    let today = args.as_of.unwrap_or_else(today);
    let locale = if russian { Locale::Ru } else { Locale::En };
    let spec = Spec {
        seed: args.seed,
        size: Size::Small,
        leads: None,
        deals: None,
        today,
        locale,
    };
    let toml = format!(
        "name = \"{name}\"\ntime_zone = \"{zone}\"\nlocale = \"{}\"\ncurrency = \"{currency}\"\n{FICTION_TARGETS}",
        args.locale
    );
    Ok((SimCompany::generate(&spec), toml))
}

fn today() -> NaiveDate {
    System.now().date_naive()
}

/// One full cycle, the workbooks, a summary.
async fn once(global: &Global, args: &DemoArgs, stage: &Stage) -> Result<ExitCode, Failure> {
    let report = cycle(global, stage).await?;
    let Some(company) = stage.program.companies.first() else {
        return Err(Failure::failed("the demo has no company"));
    };
    let files = super::export::write(&stage.program, company, PlanYear::This, &args.out).await?;
    let seen_by_google = stage.google.requests();
    let seen_by_portal = stage.portal.requests();
    if global.json {
        let mut document = pass_json(&company.profile.id, &report);
        document["out"] = serde_json::json!(args.out);
        document["files"] = serde_json::json!(files);
        document["google_seen"] = seen_by_google["by_method"].clone();
        document["portal_seen"] = seen_by_portal["by_method"].clone();
        print_json(&document);
    } else {
        print_pass(&company.profile.name, &report);
        println!("  wrote     {} in {}", files.join(", "), args.out.display());
        println!(
            "  Google saw {} requests, the portal {}",
            seen_by_google["total"], seen_by_portal["total"]
        );
    }
    let _ = std::fs::remove_dir_all(&stage.folder);
    Ok(ExitCode::SUCCESS)
}

async fn cycle(global: &Global, stage: &Stage) -> Result<PassReport, Failure> {
    let Some(company) = stage.program.companies.first() else {
        return Err(Failure::failed("the demo has no company"));
    };
    let progress = Progress::new(global.json);
    let next_run = stage.program.next_run(&company.profile.id);
    let show = |step| progress.show(&step);
    let result = pass::run(
        &stage.program.engine,
        company,
        &Ask {
            next_run,
            ..Ask::REFRESH
        },
        &show,
    )
    .await;
    progress.finish();
    Ok(result?)
}

/// The cycle, then the daemon with the pages until Ctrl-C.
async fn serve(global: &Global, args: &DemoArgs, stage: Stage) -> Result<ExitCode, Failure> {
    let report = cycle(global, &stage).await?;
    let pages = stage.google.endpoint.clone();
    if global.json {
        let mut document = pass_json("demo", &report);
        document["pages"] = pages.clone().into();
        document["webhook_url"] = stage.portal.webhook_url.clone().into();
        print_json(&document);
    } else {
        let name = stage
            .program
            .companies
            .first()
            .map_or("", |company| &company.profile.name);
        print_pass(name, &report);
        println!();
        println!("  Report    {}", report.files.report.url);
        println!("  Plan      {}", report.files.plan.url);
        println!("  All files {pages}/");
        println!();
        println!(
            "Type over a plan number: the report follows within seconds. Ctrl-C ends the demo."
        );
    }
    let _ = args;
    let Stage {
        google,
        portal,
        program,
        folder,
    } = stage;
    let stop = CancellationToken::new();
    let signal = stop.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        signal.cancel();
    });
    let settings = Settings {
        listen: None,
        poll: DEMO_POLL,
        settle: DEMO_SETTLE,
    };
    daemon::run(program, settings, stop, |_| {})
        .await
        .map_err(|error| Failure::io("the daemon cannot start", &error))?;
    google.stop().await;
    portal.stop().await;
    let _ = std::fs::remove_dir_all(folder);
    Ok(ExitCode::SUCCESS)
}

/// A fresh folder that only this user may read.
fn private_folder() -> Result<PathBuf, Failure> {
    use std::os::unix::fs::DirBuilderExt;
    let parent = std::env::temp_dir();
    for attempt in 0..100_u32 {
        let folder = parent.join(format!("planfact-demo-{}-{attempt}", std::process::id()));
        match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Failure::io("cannot make a temporary folder", &error)),
        }
    }
    Err(Failure::failed(format!(
        "no free name for a temporary folder in {}",
        parent.display()
    )))
}
