//! `copy`: the company's report and plan spreadsheets.

use std::process::ExitCode;

use crate::sync::outcome::SyncError;
use crate::sync::{Engine, Profile, copy, mend};

use super::args::{CopyArgs, FileRole, Global};
use super::compose::Access;
use super::output::{print_json, print_upgrades, upgrades_json};
use super::{Failure, plan_year, program, verdict};

/// Makes the files of each company, or finds them.
pub(super) async fn run(global: &Global, args: &CopyArgs) -> Result<ExitCode, Failure> {
    let program = program(global, args.as_of, Access::Change)?;
    let mut failed = Vec::new();
    let mut documents = Vec::new();
    for company in &program.companies {
        let profile = &company.profile;
        let year = plan_year(args.next_year).on(profile.today(program.engine.clock.now()));
        match files(&program.engine, profile, year, args.anew).await {
            Ok(files) if global.json => documents.push(serde_json::json!({
                "company": profile.id,
                "report_url": files.report.url,
                "plan_url": files.plan.url,
                "copied": files.made,
                "repaired": files.repaired,
                "upgraded": upgrades_json(&files.upgraded),
            })),
            Ok(files) => {
                println!("{}", profile.name);
                for binding in [&files.report, &files.plan] {
                    let how = if files.made.contains(&binding.role) {
                        "copied"
                    } else {
                        "exists"
                    };
                    println!("  {how:8} {:10} {}", binding.role, binding.url);
                }
                print_upgrades(&files.upgraded);
                for what in &files.repaired {
                    println!("  repaired {what}");
                }
            }
            Err(error) => failed.push((profile.name.clone(), error.into())),
        }
    }
    if global.json {
        print_json(&serde_json::Value::Array(documents));
    }
    verdict(program.companies.len(), failed)
}

/// The company's files, whole; `anew` is one that was deleted and is to be made again.
async fn files(
    engine: &Engine,
    profile: &Profile,
    year: i32,
    anew: Option<FileRole>,
) -> Result<copy::Files, SyncError> {
    let role = anew.map(|role| match role {
        FileRole::Report => "report".to_owned(),
        FileRole::Plan => copy::plan_role(year),
    });
    if let Some(role) = role {
        copy::let_go(engine, profile, &role).await?;
    }
    let mut files = copy::ensure(engine, profile, year, copy::Lay::Over).await?;
    mend::check(engine, profile, year, &mut files).await?;
    Ok(files)
}
