//! `export`: the workbooks as .xlsx with native charts, and one .csv a data table.

use std::path::Path;
use std::process::ExitCode;

use crate::daemon::Program;
use crate::export;
use crate::sheet::diff::DesiredTable;
use crate::sheet::template::{self, TemplateKind};
use crate::sync::Company;
use crate::sync::copy::{self, PlanYear};
use crate::sync::outcome::SyncError;

use super::args::{ExportArgs, Global};
use super::compose::Access;
use super::output::print_json;
use super::plan::expect_files;
use super::{Failure, plan_year, program, verdict};

/// The data tables that are written as .csv.
const EXPORTED: &[&str] = &["months", "sources", "managers", "departments"];

/// Writes the files of each company; with several companies each gets a folder of its own.
pub(super) async fn run(global: &Global, args: &ExportArgs) -> Result<ExitCode, Failure> {
    let program = program(global, args.as_of, Access::Look)?;
    let mut failed = Vec::new();
    let mut documents = Vec::new();
    for company in &program.companies {
        let folder = match program.companies.len() {
            1 => args.out.clone(),
            _ => args.out.join(&company.profile.id),
        };
        match write(&program, company, plan_year(args.next_year), &folder).await {
            Ok(names) if global.json => documents.push(serde_json::json!({
                "company": company.profile.id, "out": folder, "files": names,
            })),
            Ok(names) => println!(
                "{}: {} in {}",
                company.profile.name,
                names.join(", "),
                folder.display()
            ),
            Err(failure) => failed.push((company.profile.name.clone(), failure)),
        }
    }
    if global.json {
        print_json(&serde_json::Value::Array(documents));
    }
    verdict(program.companies.len(), failed)
}

/// Reads both spreadsheets as they stand and writes them into `folder`; returns the names written.
pub(super) async fn write(
    program: &Program,
    company: &Company,
    which: PlanYear,
    folder: &Path,
) -> Result<Vec<String>, Failure> {
    let engine = &program.engine;
    if which == PlanYear::Next {
        expect_files(program, company, which)?;
    }
    let year = which.on(company.profile.today(engine.clock.now()));
    let files = copy::ensure(engine, &company.profile, year, copy::Lay::Over).await?;
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::io(
            &format!("cannot make the folder {}", folder.display()),
            &error,
        )
    })?;
    let mut names = Vec::new();
    for (binding, name) in [(&files.report, "report.xlsx"), (&files.plan, "plan.xlsx")] {
        let workbook = engine
            .google
            .read_workbook(&binding.file)
            .await
            .map_err(SyncError::from)?;
        export::write_xlsx(&workbook, &folder.join(name)).map_err(export_failed)?;
        names.push(name.to_owned());
    }
    let specs = template::tables(TemplateKind::Report, year);
    let observed = engine
        .google
        .observe(&files.report.file, EXPORTED)
        .await
        .map_err(SyncError::from)?;
    for spec in &specs {
        if let Some(grid) = observed.blocks.get(&spec.name) {
            let name = format!("{}.csv", spec.name);
            let table = DesiredTable::read(grid, spec);
            export::write_csv(spec, &table, &folder.join(&name)).map_err(export_failed)?;
            names.push(name);
        }
    }
    Ok(names)
}

fn export_failed(error: export::ExportError) -> Failure {
    Failure::failed(error.to_string())
}
