//! `plan` without options, `refresh`, `diff`: one pass of each company, as far as the verb goes.

use std::process::ExitCode;

use crate::daemon::Program;
use crate::sheet::edit::Edit;
use crate::sync::Company;
use crate::sync::copy::PlanYear;
use crate::sync::outcome::SyncError;
use crate::sync::pass::{self, Ask, PassReport, Reach};

use super::args::{Global, PassArgs};
use super::compose::Access;
use super::output::{Progress, pass_json, print_json, print_pass};
use super::{Failure, program, verdict};

/// Which verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `plan`, of this year or the next.
    Plan(PlanYear),
    /// `refresh`.
    Refresh,
    /// `diff`.
    Diff,
}

impl Kind {
    fn reach(self) -> Reach {
        match self {
            Kind::Plan(_) => Reach::Plan,
            Kind::Refresh => Reach::All,
            Kind::Diff => Reach::Look,
        }
    }

    fn year(self) -> PlanYear {
        match self {
            Kind::Plan(year) => year,
            Kind::Refresh | Kind::Diff => PlanYear::This,
        }
    }
}

/// Runs the verb for each company, one after the other.
pub(super) async fn run(global: &Global, args: &PassArgs, kind: Kind) -> Result<ExitCode, Failure> {
    let program = program(global, args.as_of, Access::Change)?;
    let mut failed = Vec::new();
    let mut documents = Vec::new();
    for company in &program.companies {
        let ask = Ask {
            reach: kind.reach(),
            year: kind.year(),
            ..Ask::REFRESH
        };
        match one(global, &program, company, ask).await {
            Ok(report) if global.json => {
                let mut document = pass_json(&company.profile.id, &report);
                if kind == Kind::Diff {
                    document["edits"] = edits_json(&report);
                }
                documents.push(document);
            }
            Ok(report) => {
                print_pass(&company.profile.name, &report);
                if kind == Kind::Diff {
                    print_edits(&report);
                }
            }
            Err(error) => failed.push((company.profile.name.clone(), error.into())),
        }
    }
    if global.json {
        print_json(&serde_json::Value::Array(documents));
    }
    verdict(program.companies.len(), failed)
}

/// One pass of one company, with its progress on stderr.
pub(super) async fn one(
    global: &Global,
    program: &Program,
    company: &Company,
    ask: Ask,
) -> Result<PassReport, SyncError> {
    let progress = Progress::new(global.json);
    let ask = Ask {
        next_run: program.next_run(&company.profile.id),
        ..ask
    };
    let show = |step| progress.show(&step);
    let result = pass::run(&program.engine, company, &ask, &show).await;
    progress.finish();
    result
}

fn print_edits(report: &PassReport) {
    if report.files.is_upgrade_pending() {
        println!(
            "  the next pass brings the template up to date first; its other edits follow then"
        );
        return;
    }
    let sides = [
        ("plan", &report.change.plan),
        ("report", &report.change.report),
    ];
    for (name, edits) in sides {
        println!("  {name}: {} edits", edits.len());
        for edit in edits {
            println!("    {}", describe(edit));
        }
    }
}

fn edits_json(report: &PassReport) -> serde_json::Value {
    let describe_all = |edits: &[Edit]| edits.iter().map(describe).collect::<Vec<_>>();
    serde_json::json!({
        "plan": describe_all(&report.change.plan),
        "report": describe_all(&report.change.report),
    })
}

fn describe(edit: &Edit) -> String {
    match edit {
        Edit::Write {
            tab,
            row,
            column,
            values,
        } => {
            let cells: usize = values.iter().map(Vec::len).sum();
            let corner = crate::sheet::a1::cell(*row, *column);
            format!("write {cells} cells at {corner} of tab {tab}")
        }
        Edit::InsertRows { tab, row, count } => {
            format!("insert {count} rows before row {} of tab {tab}", row + 1)
        }
        Edit::DeleteRows { tab, row, count } => {
            format!("delete {count} rows from row {} of tab {tab}", row + 1)
        }
        Edit::SetName(name) => format!(
            "point {} to {}",
            name.name,
            crate::sheet::a1::range(name.area.rect)
        ),
        Edit::SetNote { at, .. } => format!("note at {}", crate::sheet::a1::range(at.rect)),
        Edit::AddTab(tab) => format!("add tab {}", tab.title),
        Edit::AddChart { chart, .. } => format!("add chart {}", chart.title),
        Edit::AddProtection { protection, .. } => format!("protect {}", protection.description),
        Edit::Keep { from, .. } => format!("guard {} cells of tab {}", from.rect.count(), from.tab),
        Edit::AddConditional { conditional, .. } => format!("add format {}", conditional.formula),
        // Told in the words of the upgrade.
        _ => "bring the template up to date".to_owned(),
    }
}
