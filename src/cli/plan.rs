//! `plan`: one pass that writes the plan, a look at what it would write, and the plan's versions.

use std::process::ExitCode;
use std::sync::Arc;

use rust_decimal::Decimal;

use crate::daemon::Program;
use crate::domain::plan::{self, Cells, Held, Owner, PlanChange};
use crate::store::PlanVersion;
use crate::sync::Company;
use crate::sync::copy::{PlanYear, plan_role};
use crate::sync::explain::{self, Difference, Planned};
use crate::sync::outcome::SyncError;
use crate::sync::pass::{Ask, PassReport, Reach};
use crate::sync::words::{Names, Words};

use super::args::{Global, PassArgs, PlanArgs};
use super::compose::Access;
use super::output::{pass_json, print_json, print_pass};
use super::{Failure, pass, plan_year, program, verdict};

/// Most cells of a list that is meant to be read; JSON has them all.
const CELLS_SHOWN: usize = 200;

/// Runs what the options ask for, for each company, one after the other.
pub(super) async fn run(global: &Global, args: &PlanArgs) -> Result<ExitCode, Failure> {
    let is_plain = !(args.dry_run
        || args.undo
        || args.versions
        || args.save.is_some()
        || args.compare.is_some()
        || args.restore.is_some());
    if is_plain {
        let kind = pass::Kind::Plan(plan_year(args.next_year));
        return pass::run(global, &PassArgs { as_of: args.as_of }, kind).await;
    }
    let access = match args.versions || args.compare.is_some() {
        true => Access::Look,
        false => Access::Change,
    };
    let program = program(global, args.as_of, access)?;
    let mut failed = Vec::new();
    let mut documents = Vec::new();
    for company in &program.companies {
        let job = Job {
            global,
            program: &program,
            company,
            which: plan_year(args.next_year),
            year: plan_year(args.next_year).on(company.profile.today(program.engine.clock.now())),
        };
        match job.run(args).await {
            Ok(document) => documents.push(document),
            Err(failure) => failed.push((company.profile.name.clone(), failure)),
        }
    }
    if global.json {
        print_json(&serde_json::Value::Array(documents));
    }
    verdict(program.companies.len(), failed)
}

/// One company's part.
struct Job<'a> {
    global: &'a Global,
    program: &'a Program,
    company: &'a Company,
    which: PlanYear,
    year: i32,
}

impl Job<'_> {
    async fn run(&self, args: &PlanArgs) -> Result<serde_json::Value, Failure> {
        if args.dry_run {
            self.dry_run().await
        } else if args.undo {
            self.undo().await
        } else if let Some(name) = &args.save {
            self.save(name).await
        } else if let Some(name) = &args.compare {
            self.compare(name)
        } else if let Some(name) = &args.restore {
            self.restore(name).await
        } else {
            self.versions()
        }
    }

    fn id(&self) -> &str {
        &self.company.profile.id
    }

    fn words(&self) -> Words {
        Words::of(&self.company.profile.locale)
    }

    async fn pass(
        &self,
        reach: Reach,
        pull: bool,
        restore: Option<Cells<Held>>,
    ) -> Result<PassReport, Failure> {
        let ask = Ask {
            reach,
            year: self.which,
            pull,
            restore: restore.map(Arc::new),
            ..Ask::REFRESH
        };
        let report = pass::one(self.global, self.program, self.company, ask).await?;
        Ok(report)
    }

    async fn dry_run(&self) -> Result<serde_json::Value, Failure> {
        expect_files(self.program, self.company, self.which)?;
        let report = self.pass(Reach::Look, true, None).await?;
        let planned = explain::planned(&report.change.replanned);
        let directory = self
            .program
            .engine
            .store
            .directory(self.id())
            .map_err(stored)?;
        let names = Names::of(self.words(), &directory);
        if !self.global.json {
            let name = &self.company.profile.name;
            println!(
                "{name} (as of {}): {} cells would be written",
                report.today,
                planned.len()
            );
            for one in planned.iter().take(CELLS_SHOWN) {
                println!("{}", planned_line(&names, one));
            }
            print_more(planned.len());
        }
        let cells = planned.iter().map(|one| planned_json(&names, one));
        Ok(serde_json::json!({
            "company": self.id(),
            "as_of": report.today.to_string(),
            "cells": cells.collect::<Vec<_>>(),
            "notices": report.change.notices,
        }))
    }

    /// First an ordinary pass: what people have typed since is the last change set, too.
    async fn undo(&self) -> Result<serde_json::Value, Failure> {
        self.pass(Reach::Plan, true, None).await?;
        let store = &self.program.engine.store;
        let set = store
            .last_change_set(self.id(), self.year)
            .map_err(stored)?;
        let Some(first) = set.first() else {
            return Err(Failure::failed(format!(
                "nothing to undo: nobody has changed the plan of {} yet",
                self.year
            )));
        };
        let undone = first.pass;
        let changes: Vec<PlanChange> = set.into_iter().map(|logged| logged.change).collect();
        let report = self.bring_back(plan::undo(&changes)).await?;
        if !self.global.json {
            println!(
                "  undone    {} cells of pass {undone}; `planfact plan --undo` once more takes \
                 them back",
                report.change.log.len()
            );
        }
        let mut document = pass_json(self.id(), &report);
        document["undone_pass"] = undone.into();
        document["cells_changed"] = report.change.log.len().into();
        Ok(document)
    }

    async fn restore(&self, name: &str) -> Result<serde_json::Value, Failure> {
        let version = self.version(name)?;
        // What people have typed since goes into the log before it is replaced.
        self.pass(Reach::Plan, true, None).await?;
        let report = self.bring_back(self.cells_of(&version)?).await?;
        if !self.global.json {
            println!(
                "  restored  {name}: {} cells changed",
                report.change.log.len()
            );
        }
        let mut document = pass_json(self.id(), &report);
        document["restored"] = name.into();
        document["cells_changed"] = report.change.log.len().into();
        Ok(document)
    }

    async fn bring_back(&self, cells: Cells<Held>) -> Result<PassReport, Failure> {
        let report = self.pass(Reach::Plan, false, Some(cells)).await?;
        if !self.global.json {
            print_pass(&self.company.profile.name, &report);
        }
        Ok(report)
    }

    async fn save(&self, name: &str) -> Result<serde_json::Value, Failure> {
        if name.trim().is_empty() {
            return Err(Failure::usage("a version needs a name"));
        }
        let taken = || {
            Failure::usage(format!(
                "the plan of {} has a version `{name}` already; versions are kept, so give another \
                 name",
                self.year
            ))
        };
        if self.versions_of_year()?.iter().any(|one| one.name == name) {
            return Err(taken());
        }
        let report = self.pass(Reach::Plan, true, None).await?;
        let cells = plan::held(&report.change.replanned);
        let engine = &self.program.engine;
        engine
            .store
            .save_plan_version(self.id(), self.year, name, engine.clock.now(), &cells)
            .map_err(stored)?
            .ok_or_else(taken)?;
        if !self.global.json {
            println!(
                "{}: the plan of {} is kept as `{name}`, {} cells",
                self.company.profile.name,
                self.year,
                cells.len()
            );
        }
        Ok(serde_json::json!({
            "company": self.id(), "year": self.year, "saved": name, "cells": cells.len(),
        }))
    }

    fn versions(&self) -> Result<serde_json::Value, Failure> {
        let store = &self.program.engine.store;
        let versions = store.plan_versions(self.id()).map_err(stored)?;
        if !self.global.json {
            println!("{}: {} versions", self.company.profile.name, versions.len());
            for one in &versions {
                let made = self
                    .words()
                    .instant(one.made, &self.company.profile.calendar);
                println!("  {}  {}  {made}, {} cells", one.year, one.name, one.cells);
            }
        }
        let rows = versions.iter().map(|one| {
            serde_json::json!({
                "name": one.name, "year": one.year, "made": one.made.to_rfc3339(),
                "cells": one.cells,
            })
        });
        Ok(serde_json::json!({
            "company": self.id(), "versions": rows.collect::<Vec<_>>(),
        }))
    }

    /// The version against the plan in force as of the last pass.
    fn compare(&self, name: &str) -> Result<serde_json::Value, Failure> {
        let store = &self.program.engine.store;
        let version = self.cells_of(&self.version(name)?)?;
        let now = store.plan_cells(self.id(), self.year).map_err(stored)?;
        let now: Cells<Held> = now
            .iter()
            .map(|(key, cell)| (key.clone(), Held::of(cell)))
            .collect();
        let differences = explain::differences(&version, &now);
        let directory = store.directory(self.id()).map_err(stored)?;
        let names = Names::of(self.words(), &directory);
        if !self.global.json {
            println!(
                "{}: {} cells differ from `{name}` (version → plan in force)",
                self.company.profile.name,
                differences.len()
            );
            for one in differences.iter().take(CELLS_SHOWN) {
                println!("{}", difference_line(&names, one));
            }
            print_more(differences.len());
        }
        let rows = differences.iter().map(|one| {
            let mut row = cell_json(&names, &one.cell);
            row["version"] = held_json(one.one);
            row["now"] = held_json(one.other);
            row
        });
        Ok(serde_json::json!({
            "company": self.id(), "compared": name, "cells": rows.collect::<Vec<_>>(),
        }))
    }

    fn versions_of_year(&self) -> Result<Vec<PlanVersion>, Failure> {
        let store = &self.program.engine.store;
        let mut versions = store.plan_versions(self.id()).map_err(stored)?;
        versions.retain(|one| one.year == self.year);
        Ok(versions)
    }

    fn version(&self, name: &str) -> Result<PlanVersion, Failure> {
        let mut versions = self.versions_of_year()?;
        if let Some(at) = versions.iter().position(|one| one.name == name) {
            return Ok(versions.swap_remove(at));
        }
        let known: Vec<String> = versions.into_iter().map(|one| one.name).collect();
        Err(Failure::usage(match known.as_slice() {
            [] => format!(
                "the plan of {} has no versions; `planfact plan --save NAME` keeps one",
                self.year
            ),
            known => format!(
                "the plan of {} has no version `{name}`; it has: {}",
                self.year,
                known.join(", ")
            ),
        }))
    }

    fn cells_of(&self, version: &PlanVersion) -> Result<Cells<Held>, Failure> {
        let store = &self.program.engine.store;
        store
            .plan_version_cells(self.id(), version.id, None)
            .map_err(stored)
    }
}

fn stored(error: crate::store::StoreError) -> Failure {
    Failure::from(SyncError::from(error))
}

/// Refuses where a look would have to make the files first.
pub(super) fn expect_files(
    program: &Program,
    company: &Company,
    which: PlanYear,
) -> Result<(), Failure> {
    let year = which.on(company.profile.today(program.engine.clock.now()));
    let known = program
        .engine
        .store
        .bindings(&company.profile.id)
        .map_err(stored)?;
    let has = |role: &str| known.iter().any(|one| one.role == role);
    if has("report") && has(&plan_role(year)) {
        return Ok(());
    }
    Err(Failure {
        remedy: Some(match which {
            PlanYear::This => "Run `planfact copy` first.".to_owned(),
            PlanYear::Next => "Run `planfact plan --next-year` first.".to_owned(),
        }),
        ..Failure::failed(format!("there is no plan of {year} yet"))
    })
}

fn print_more(cells: usize) {
    if let Some(more) = cells.checked_sub(CELLS_SHOWN).filter(|more| *more > 0) {
        println!("  … and {more} more; --json lists all");
    }
}

fn planned_line(names: &Names<'_>, one: &Planned) -> String {
    let number = |value| explain::number(names.words, value);
    let old = one.old.map_or_else(|| "?".to_owned(), number);
    let mut line = format!("  {}: {old} → {}", names.place(&one.cell), number(one.new));
    if let Some(why) = &one.why {
        line += &format!("   [{}; {}]", why.formula, names.words.rule(why.rule));
    }
    line
}

fn planned_json(names: &Names<'_>, one: &Planned) -> serde_json::Value {
    let mut row = cell_json(names, &one.cell);
    row["old"] = text_json(one.old.flatten());
    row["new"] = text_json(one.new);
    if let Some(why) = &one.why {
        row["rule"] = why.rule.into();
        row["formula"] = why.formula.clone().into();
    }
    row
}

fn difference_line(names: &Names<'_>, one: &Difference) -> String {
    let told = |held: Option<Held>| match held {
        None => "—".to_owned(),
        Some(held) if held.owner == Owner::Person => format!(
            "{} ({})",
            explain::number(names.words, held.value),
            names.words.owner(held.owner)
        ),
        Some(held) => explain::number(names.words, held.value),
    };
    format!(
        "  {}: {} → {}",
        names.place(&one.cell),
        told(one.one),
        told(one.other)
    )
}

/// A cell's keys and its place in words.
pub(super) fn cell_json(names: &Names<'_>, cell: &plan::CellKey) -> serde_json::Value {
    serde_json::json!({
        "cell": cell.to_string(), "table": cell.table, "row": cell.row, "column": cell.column,
        "place": names.place(cell),
    })
}

/// Owner and number; null for none.
pub(super) fn held_json(held: Option<Held>) -> serde_json::Value {
    let Some(held) = held else {
        return serde_json::Value::Null;
    };
    let owner = match held.owner {
        Owner::Daemon => "daemon",
        Owner::Person => "person",
    };
    serde_json::json!({"owner": owner, "value": text_json(held.value)})
}

/// A number as text, so that no digit is lost; null for a blank.
pub(super) fn text_json(value: Option<Decimal>) -> serde_json::Value {
    value.map_or(serde_json::Value::Null, |value| {
        value.normalize().to_string().into()
    })
}
