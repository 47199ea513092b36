//! The files of an export that tell its past: stagehistory.csv, calls.csv, activities.csv, tasks.csv,
//! invoices.csv. A file that is not there means none of its records, but for the stage history,
//! which then follows from the cards.

use std::path::Path;

use super::{LoadError, Loader, Sheet};
use crate::company::NO_TIME;
use crate::company::ledger::{Activity, Call, Invoice, Ledger, Ledgers, Move, Task};

/// Reads all files of the folder.
pub(super) fn read(dir: &Path, loader: &mut Loader) -> Result<Ledgers, LoadError> {
    let mut ledgers = Ledgers::default();
    if let Some(sheet) = Sheet::open(&dir.join("stagehistory.csv"))? {
        ledgers.moves = moves(&sheet, loader)?;
    }
    if let Some(sheet) = Sheet::open(&dir.join("calls.csv"))? {
        ledgers.calls = Ledger::of(calls(&sheet, loader)?);
    }
    if let Some(sheet) = Sheet::open(&dir.join("activities.csv"))? {
        ledgers.activities = Ledger::of(activities(&sheet, loader)?);
    }
    if let Some(sheet) = Sheet::open(&dir.join("tasks.csv"))? {
        ledgers.tasks = Ledger::of(tasks(&sheet, loader)?);
    }
    if let Some(sheet) = Sheet::open(&dir.join("invoices.csv"))? {
        ledgers.invoices = Ledger::of(invoices(&sheet, loader)?);
    }
    Ok(ledgers)
}

/// The letter of a semantics column.
fn semantic(text: Option<&str>) -> u8 {
    match text {
        Some("S") => b'S',
        Some("F") => b'F',
        _ => b'P',
    }
}

/// The id of a line, or its number when the file has none.
fn numbered(id: Option<u32>, lines: usize) -> u32 {
    id.unwrap_or_else(|| u32::try_from(lines + 1).unwrap_or(u32::MAX))
}

fn moves(sheet: &Sheet, loader: &mut Loader) -> Result<[Ledger<Move>; 3], LoadError> {
    let mut all: [Vec<Move>; 3] = Default::default();
    let at = |name: &str| sheet.column(name);
    let stage_at = at("STAGE_ID").or(at("STATUS_ID"));
    let semantic_at = at("STAGE_SEMANTIC_ID").or(at("STATUS_SEMANTIC_ID"));
    sheet.lines(|line| {
        let place = match line.number::<u32>(at("ENTITY_TYPE_ID"))? {
            Some(1) => 0,
            Some(31) => 2,
            _ => 1,
        };
        let time = line.instant(at("CREATED_TIME"), loader.zone)?;
        let record = Move {
            id: numbered(line.number(at("ID"))?, all[place].len()),
            owner: line.number(at("OWNER_ID"))?.unwrap_or(0),
            at: time.filter(|at| *at != NO_TIME).unwrap_or(0),
            stage: loader.pool.intern(line.word(stage_at)?.unwrap_or_default()),
            category: line.number(at("CATEGORY_ID"))?.unwrap_or(0),
            what: line.number(at("TYPE_ID"))?.unwrap_or(2),
            semantic: semantic(line.word(semantic_at)?),
        };
        all[place].push(record);
        Ok(())
    })?;
    Ok(all.map(Ledger::of))
}

fn calls(sheet: &Sheet, loader: &mut Loader) -> Result<Vec<Call>, LoadError> {
    let mut all = Vec::new();
    let at = |name: &str| sheet.column(name);
    sheet.lines(|line| {
        let time = line.instant(at("CALL_START_DATE"), loader.zone)?;
        let call = Call {
            id: numbered(line.number(at("ID"))?, all.len()),
            user: line.number(at("PORTAL_USER_ID"))?.unwrap_or(0),
            at: time.filter(|at| *at != NO_TIME).unwrap_or(0),
            seconds: line.number(at("CALL_DURATION"))?.unwrap_or(0),
            code: loader
                .pool
                .intern(line.word(at("CALL_FAILED_CODE"))?.unwrap_or("200")),
            kind: line.number(at("CALL_TYPE"))?.unwrap_or(1),
            entity: loader
                .pool
                .intern(line.word(at("CRM_ENTITY_TYPE"))?.unwrap_or_default()),
            entity_id: line.number(at("CRM_ENTITY_ID"))?.unwrap_or(0),
            activity: line.number(at("CRM_ACTIVITY_ID"))?.unwrap_or(0),
            phone: loader
                .pool
                .intern(line.word(at("PHONE_NUMBER"))?.unwrap_or_default()),
        };
        all.push(call);
        Ok(())
    })?;
    Ok(all)
}

fn activities(sheet: &Sheet, loader: &mut Loader) -> Result<Vec<Activity>, LoadError> {
    let mut all = Vec::new();
    let at = |name: &str| sheet.column(name);
    sheet.lines(|line| {
        let zone = loader.zone;
        let mut text = |name: &str| -> Result<u32, LoadError> {
            Ok(loader.pool.intern(line.word(at(name))?.unwrap_or_default()))
        };
        let (provider, provider_type) = (text("PROVIDER_ID")?, text("PROVIDER_TYPE_ID")?);
        let subject = text("SUBJECT")?;
        let time = |name: &str| -> Result<Option<i64>, LoadError> {
            Ok(line.instant(at(name), zone)?.filter(|at| *at != NO_TIME))
        };
        let created = time("CREATED")?.or(time("START_TIME")?).unwrap_or(0);
        let start = time("START_TIME")?.unwrap_or(created);
        all.push(Activity {
            id: numbered(line.number(at("ID"))?, all.len()),
            owner_type: line.number(at("OWNER_TYPE_ID"))?.unwrap_or(2),
            owner: line.number(at("OWNER_ID"))?.unwrap_or(0),
            kind: line.number(at("TYPE_ID"))?.unwrap_or(6),
            provider,
            provider_type,
            subject,
            responsible: line.number(at("RESPONSIBLE_ID"))?.unwrap_or(1),
            created,
            updated: time("LAST_UPDATED")?.unwrap_or(created),
            start,
            end: time("END_TIME")?.unwrap_or(start),
            completed: line.flag(at("COMPLETED"))?.unwrap_or(false),
            direction: line.number(at("DIRECTION"))?.unwrap_or(0),
        });
        Ok(())
    })?;
    Ok(all)
}

fn tasks(sheet: &Sheet, loader: &mut Loader) -> Result<Vec<Task>, LoadError> {
    let mut all = Vec::new();
    let at = |name: &str| sheet.column(name);
    sheet.lines(|line| {
        let zone = loader.zone;
        let time = |name: &str| line.instant(at(name), zone);
        let created = time("CREATED_DATE")?
            .filter(|at| *at != NO_TIME)
            .unwrap_or(0);
        let responsible = line.number(at("RESPONSIBLE_ID"))?.unwrap_or(1);
        all.push(Task {
            id: numbered(line.number(at("ID"))?, all.len()),
            title: loader
                .pool
                .keep(line.text(at("TITLE"))?.unwrap_or_default()),
            creator: line.number(at("CREATED_BY"))?.unwrap_or(responsible),
            responsible,
            created,
            changed: time("CHANGED_DATE")?
                .filter(|at| *at != NO_TIME)
                .unwrap_or(created),
            closed: time("CLOSED_DATE")?.unwrap_or(NO_TIME),
            deadline: time("DEADLINE")?.unwrap_or(NO_TIME),
            status: line.number(at("STATUS"))?.unwrap_or(2),
            deal: line.number(at("DEAL_ID"))?.unwrap_or(0),
        });
        Ok(())
    })?;
    Ok(all)
}

fn invoices(sheet: &Sheet, loader: &mut Loader) -> Result<Vec<Invoice>, LoadError> {
    let mut all = Vec::new();
    let at = |name: &str| sheet.column(name);
    sheet.lines(|line| {
        let zone = loader.zone;
        let time = |name: &str| -> Result<Option<i64>, LoadError> {
            Ok(line.instant(at(name), zone)?.filter(|at| *at != NO_TIME))
        };
        let created = time("DATE_CREATE")?.unwrap_or(0);
        let semantic = semantic(line.word(at("STAGE_SEMANTIC_ID"))?);
        let moved = time("MOVED_TIME")?.unwrap_or(created);
        let paid = time("DATE_PAID")?.unwrap_or(if semantic == b'S' { moved } else { NO_TIME });
        let base = loader.base.clone();
        all.push(Invoice {
            id: numbered(line.number(at("ID"))?, all.len()),
            deal: line.number(at("DEAL_ID"))?.unwrap_or(0),
            title: loader
                .pool
                .keep(line.text(at("TITLE"))?.unwrap_or_default()),
            contact: line.number(at("CONTACT_ID"))?.unwrap_or(0),
            company: line.number(at("COMPANY_ID"))?.unwrap_or(0),
            assigned: line.number(at("ASSIGNED_BY_ID"))?.unwrap_or(1),
            created,
            modified: time("DATE_MODIFY")?.unwrap_or(moved),
            begun: time("BEGINDATE")?.unwrap_or(created),
            due: time("CLOSEDATE")?.unwrap_or(created),
            moved,
            opportunity: line.money(at("OPPORTUNITY"))?.unwrap_or(0).max(0),
            currency: loader
                .pool
                .intern(line.word(at("CURRENCY_ID"))?.unwrap_or(&base)),
            stage: loader
                .pool
                .intern(line.word(at("STAGE_ID"))?.unwrap_or("DT31_2:N")),
            semantic,
            paid,
        });
        Ok(())
    })?;
    Ok(all)
}
