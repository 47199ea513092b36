//! What Google would refuse, or take for another, is refused before anything is sent.

use std::collections::{BTreeMap, BTreeSet};

use crate::google::error::GoogleError;
use crate::sheet::edit::Edit;
use crate::sheet::workbook::{FILE_CELLS_MAX, Tab, Value, Workbook};

/// Requests that a batch holds.
pub(super) const REQUESTS_MAX: usize = 100_000;

/// Characters of developer metadata, keys and values, that a tab holds.
pub(super) const METADATA_MAX: usize = 30_000;

/// Refuses a workbook that Google would refuse, or take for another, before a file is made.
pub(in crate::google) fn check(workbook: &Workbook) -> Result<(), GoogleError> {
    let doing = format!("checking the workbook {:?}", workbook.title);
    let refuse = |message: String| Err(GoogleError::invalid(&message, &doing));
    if workbook.tabs.iter().all(|tab| tab.hidden) {
        return refuse("a spreadsheet needs a visible tab".to_string());
    }
    let mut ids = BTreeSet::new();
    let mut titles = BTreeSet::new();
    let mut charts = BTreeSet::new();
    let mut cells = 0;
    for tab in &workbook.tabs {
        check_tab(tab, &doing)?;
        cells += u64::from(tab.rows) * u64::from(tab.columns);
        if !ids.insert(tab.id) || !titles.insert(tab.title.to_lowercase()) {
            return refuse(format!(
                "two tabs have the id {} or the title {:?}",
                tab.id, tab.title
            ));
        }
        if let Some(chart) = tab.charts.iter().find(|chart| !charts.insert(chart.id)) {
            return refuse(format!("two charts have the id {}", chart.id));
        }
    }
    if cells > FILE_CELLS_MAX {
        return refuse(format!("{cells} cells, Google holds {FILE_CELLS_MAX}"));
    }
    match workbook
        .names
        .iter()
        .find(|name| !ids.contains(&name.area.tab))
    {
        Some(name) => refuse(format!("{} names a range on no tab", name.name)),
        None => Ok(()),
    }
}

pub(super) fn check_tab(tab: &Tab, doing: &str) -> Result<(), GoogleError> {
    let refuse = |message: &str| {
        Err(GoogleError::invalid(
            &format!("tab {:?}: {message}", tab.title),
            doing,
        ))
    };
    check_id(tab.id, doing)?;
    for chart in &tab.charts {
        check_id(chart.id, doing)?;
        if chart.anchor.0 >= tab.rows || chart.anchor.1 >= tab.columns {
            return refuse(&format!(
                "chart {:?} hangs on a cell off the grid",
                chart.title
            ));
        }
    }
    let metadata: usize = tab
        .metadata
        .iter()
        .map(|(k, v)| k.chars().count() + v.chars().count())
        .sum();
    if metadata > METADATA_MAX {
        return refuse("more than 30000 characters of developer metadata");
    }
    for ((row, column), cell) in &tab.cells {
        if *row >= tab.rows || *column >= tab.columns {
            return refuse(&format!(
                "the cell in row {row}, column {column} is off the grid"
            ));
        }
        check_value(&cell.value, doing)?;
    }
    Ok(())
}

pub(super) fn check_id(id: i64, doing: &str) -> Result<(), GoogleError> {
    if i32::try_from(id).is_ok_and(|id| id >= 0) {
        return Ok(());
    }
    Err(GoogleError::invalid(
        &format!("{id} does not fit Google's ids (0 to 2147483647)"),
        doing,
    ))
}

pub(super) fn check_value(value: &Value, doing: &str) -> Result<(), GoogleError> {
    match value {
        Value::Number(number) if !number.is_finite() => Err(GoogleError::invalid(
            &format!("{number} is not a number for a cell"),
            doing,
        )),
        _ => Ok(()),
    }
}

/// Refuses edits that Google would refuse, or that would be changed on their way.
pub(in crate::google) fn check_edits(edits: &[Edit], doing: &str) -> Result<(), GoogleError> {
    check_metadata(edits, doing)?;
    for edit in edits {
        match edit {
            Edit::Write { tab, values, .. } => {
                check_id(*tab, doing)?;
                values
                    .iter()
                    .flatten()
                    .try_for_each(|value| check_value(value, doing))?;
            }
            Edit::AddTab(tab) => check_tab(tab, doing)?,
            Edit::AddChart { tab, chart } => {
                check_id(*tab, doing)?;
                check_id(chart.id, doing)?;
            }
            Edit::Keep { from, tab, .. } => {
                check_id(from.tab, doing)?;
                check_id(*tab, doing)?;
            }
            Edit::SetName(name) => check_id(name.area.tab, doing)?,
            Edit::SetNote { at, .. } => check_id(at.tab, doing)?,
            Edit::InsertRows { tab, .. }
            | Edit::DeleteRows { tab, .. }
            | Edit::AddProtection { tab, .. }
            | Edit::AddConditional { tab, .. }
            | Edit::InsertColumns { tab, .. }
            | Edit::DeleteColumns { tab, .. }
            | Edit::SetSizes { tab, .. }
            | Edit::SetHidden { tab, .. }
            | Edit::Merge { tab, .. }
            | Edit::Unmerge { tab, .. }
            | Edit::DropConditional { tab, .. }
            | Edit::PutConditional { tab, .. }
            | Edit::SetProtection { tab, .. }
            | Edit::AddMetadata { tab, .. } => check_id(*tab, doing)?,
            Edit::Paint { tab, cells, .. } => {
                check_id(*tab, doing)?;
                cells
                    .values()
                    .try_for_each(|cell| check_value(&cell.value, doing))?;
            }
            Edit::SetFile { .. } => {}
            Edit::SetTab(tab) => check_id(tab.id, doing)?,
            Edit::SetChart(chart) => check_id(chart.id, doing)?,
            Edit::MoveChart { tab, chart } => {
                check_id(*tab, doing)?;
                check_id(chart.id, doing)?;
            }
            Edit::DropChart { chart: object } | Edit::DropProtection { protection: object } => {
                check_id(*object, doing)?;
            }
        }
    }
    Ok(())
}

/// Refuses a batch of more requests than Google takes, which then does none of them.
pub(in crate::google) fn check_requests(requests: usize, doing: &str) -> Result<(), GoogleError> {
    if requests <= REQUESTS_MAX {
        return Ok(());
    }
    let message = format!(
        "one tab alone needs {requests} requests, Google takes {REQUESTS_MAX} in a batch; nothing \
         was sent"
    );
    Err(GoogleError::invalid(&message, doing))
}

/// Refuses more developer metadata than a tab holds.
fn check_metadata(edits: &[Edit], doing: &str) -> Result<(), GoogleError> {
    let mut held: BTreeMap<i64, usize> = BTreeMap::new();
    for edit in edits {
        if let Edit::AddMetadata { tab, key, value } = edit {
            let sum = held.entry(*tab).or_default();
            *sum += key.chars().count() + value.chars().count();
            if *sum > METADATA_MAX {
                let message = format!(
                    "more than {METADATA_MAX} characters of developer metadata for tab {tab}, which \
                     is all that a tab holds"
                );
                return Err(GoogleError::invalid(&message, doing));
            }
        }
    }
    Ok(())
}
