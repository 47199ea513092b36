//! `explain CELL`: where a plan number comes from, and what became of it.

use std::process::ExitCode;

use crate::daemon::Program;
use crate::domain::plan::{self, CellKey, Derivation, Held, Merged};
use crate::sheet::audit::{self, Limits};
use crate::store::LoggedChange;
use crate::sync::Company;
use crate::sync::explain;
use crate::sync::outcome::SyncError;
use crate::sync::pass::{Ask, PassReport, Reach};
use crate::sync::words::{Names, Words};

use super::args::{ExplainArgs, Global};
use super::compose::Access;
use super::output::print_json;
use super::plan::{cell_json, expect_files, held_json};
use super::{Failure, pass, plan_year, program};

/// How many changes of the cell are told, newest first.
const CHANGES_SHOWN: usize = 20;

/// Explains a cell of one company's plan.
pub(super) async fn run(global: &Global, args: &ExplainArgs) -> Result<ExitCode, Failure> {
    let program = program(global, args.as_of, Access::Change)?;
    let [company] = program.companies.as_slice() else {
        return Err(Failure::usage(
            "say which company's cell is meant: --company ID",
        ));
    };
    let which = plan_year(args.next_year);
    let year = which.on(company.profile.today(program.engine.clock.now()));
    expect_files(&program, company, which)?;
    let ask = Ask {
        reach: Reach::Look,
        year: which,
        pull: false,
        ..Ask::REFRESH
    };
    let report = pass::one(global, &program, company, ask).await?;
    let cell = explain::find(
        &args.cell,
        year,
        &report.plan_seen,
        &report.change.replanned,
    )
    .map_err(|error| Failure::usage(error.to_string()))?;
    let told = Told::of(&program, company, year, &report, cell)?;
    if args.note {
        write_note(&program, company, year, &report, &told).await?;
    }
    if global.json {
        print_json(&told.json(args.note));
    } else {
        told.print(args.note);
    }
    Ok(ExitCode::SUCCESS)
}

/// All that is told of a cell.
struct Told<'a> {
    company: &'a Company,
    directory: crate::domain::crm::Directory,
    cell: CellKey,
    merged: Merged,
    why: Option<Derivation>,
    history: Vec<LoggedChange>,
}

impl<'a> Told<'a> {
    fn of(
        program: &Program,
        company: &'a Company,
        year: i32,
        report: &PassReport,
        cell: CellKey,
    ) -> Result<Told<'a>, Failure> {
        let replanned = &report.change.replanned;
        let store = &program.engine.store;
        let id = &company.profile.id;
        let read = |error| Failure::from(SyncError::from(error));
        let Some(merged) = replanned.cells.get(&cell).cloned() else {
            return Err(Failure::usage(format!("the plan has no cell {cell}")));
        };
        Ok(Told {
            company,
            directory: store.directory(id).map_err(read)?,
            why: plan::explain(replanned, &cell),
            history: store
                .plan_changes(id, year, Some(&cell), CHANGES_SHOWN)
                .map_err(read)?,
            merged,
            cell,
        })
    }

    fn words(&self) -> Words {
        Words::of(&self.company.profile.locale)
    }

    /// The derivation and its rule in words.
    fn derivation(&self) -> Option<(String, &'static str)> {
        let why = self.why.as_ref()?;
        Some((why.formula.clone(), self.words().rule(why.rule)))
    }

    fn print(&self, noted: bool) {
        let words = self.words();
        let names = Names::of(words, &self.directory);
        println!("{} ({})", names.place(&self.cell), self.cell);
        println!("  number    {}", explain::number(words, self.merged.value));
        println!("  whose     {}", words.owner(self.merged.owner));
        if let Some((formula, rule)) = self.derivation() {
            println!("  why       {formula}");
            println!("            {rule}");
        }
        if noted {
            println!("  note      written");
        }
        for logged in &self.history {
            println!("  history   {}", self.history_line(logged));
        }
        if self.history.is_empty() {
            println!("  history   none yet");
        }
    }

    fn history_line(&self, logged: &LoggedChange) -> String {
        let words = self.words();
        let change = &logged.change;
        let number = |held: Held| explain::number(words, held.value);
        let mut line = format!(
            "{}: {} → {}, {} (pass {})",
            words.instant(logged.at, &self.company.profile.calendar),
            change.before.map_or_else(|| "—".to_owned(), number),
            number(change.after),
            words.source(change.source),
            logged.pass
        );
        if let Some(person) = &logged.person {
            line += &format!(", {person}");
        }
        line
    }

    fn json(&self, noted: bool) -> serde_json::Value {
        let names = Names::of(self.words(), &self.directory);
        let mut document = cell_json(&names, &self.cell);
        let held = held_json(Some(Held::from(&self.merged)));
        document["company"] = self.company.profile.id.clone().into();
        document["owner"] = held["owner"].clone();
        document["value"] = held["value"].clone();
        document["note_written"] = noted.into();
        document["rule"] = self.why.as_ref().map(|why| why.rule).into();
        document["formula"] = self.why.as_ref().map(|why| why.formula.clone()).into();
        document["rule_in_words"] = self.derivation().map(|(_, rule)| rule).into();
        let history = self.history.iter().map(|logged| {
            serde_json::json!({
                "at": logged.at.to_rfc3339(), "pass": logged.pass, "person": logged.person,
                "source": logged.change.source.code(),
                "before": held_json(logged.change.before),
                "after": held_json(Some(logged.change.after)),
            })
        });
        document["history"] = history.collect::<Vec<_>>().into();
        document
    }
}

/// Writes the derivation as the cell's note. The note is beside the number, which stays as it is.
async fn write_note(
    program: &Program,
    company: &Company,
    year: i32,
    report: &PassReport,
    told: &Told<'_>,
) -> Result<(), Failure> {
    let Some((formula, rule)) = told.derivation() else {
        return Err(Failure::failed(format!(
            "{} is blank: there is nothing to explain in a note",
            told.cell
        )));
    };
    let Some(at) = explain::place(&told.cell, year, &report.plan_seen) else {
        return Err(Failure::failed(format!(
            "{} cannot be found in the sheet, or is there twice",
            told.cell
        )));
    };
    let (edits, ownership) = explain::note(at, format!("{formula}\n{rule}"));
    audit::audit(&edits, &ownership, Limits::default()).map_err(SyncError::Audit)?;
    tracing::debug!(company.id = %company.profile.id, cell = %told.cell, "writing a note");
    let file = &report.files.plan.file;
    crate::sync::publish::publish(&program.engine.google, file, &edits).await?;
    Ok(())
}
