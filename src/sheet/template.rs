//! The built-in templates: readable sources under `templates/` rendered to a [`Workbook`].
//!
//! The sources are compiled in. One TOML file describes one tab; texts stand in
//! `templates/texts.*.toml` and are chosen by the company's locale; number formats follow locale
//! and currency. Which cells people own and which the daemon owns is told by [`tables()`].

mod render;
mod source;
mod style;
mod tables;
mod text;

pub use render::{KEEPER_COLUMNS, KEEPER_RANGES, KEEPER_ROWS, KEEPER_TAB, calculations};
pub use style::currency_sign;
pub use tables::{
    APPROVED, DEPARTMENT_RANKS, MANAGER_LEADS_MIN, MANAGER_RANKS, MARKS, PLAN_ROWS,
    PLAN_STATUS_KEYS, SOURCE_RANKS, STATUS_KEYS, TARGET_ROWS, plan_columns, rank_key, tables,
};

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::workbook::Workbook;

/// Which spreadsheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TemplateKind {
    /// The report, read by managers.
    Report,
    /// The plan of one year, edited by people.
    Plan,
}

impl TemplateKind {
    /// A stable word: `report` or `plan`.
    pub fn key(self) -> &'static str {
        match self {
            TemplateKind::Report => "report",
            TemplateKind::Plan => "plan",
        }
    }
}

/// What a template is rendered for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TemplateInput {
    /// Locale such as `ru_RU`; a language without texts of its own gets English.
    pub locale: String,
    /// ISO 4217 code such as `RUB`.
    pub currency: String,
    /// IANA time zone.
    pub time_zone: String,
    /// The plan's year; the report ignores it.
    pub year: i32,
}

/// What is wrong with a template source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the template {file} is damaged at {place}: {reason}; correct the file and build again")]
pub struct TemplateError {
    /// The file under `templates/`.
    pub file: String,
    /// The part of it.
    pub place: String,
    /// What is wrong.
    pub reason: String,
}

/// Which edition of the built-in templates this program carries: counts up with every change of what a
/// template renders to, so that an older program leaves the files of a newer one alone.
pub const EDITION: u32 = 3;
/// Developer metadata on a file's status tab: the edition of the template it was made from.
pub const EDITION_KEY: &str = "planfact_edition";
/// Developer metadata on a file's status tab, one for each upgrade: `number:edition:fingerprint`.
pub const UPGRADE_KEY: &str = "planfact_upgrade";

/// The table whose tab carries them.
pub fn status_table(kind: TemplateKind) -> &'static str {
    match kind {
        TemplateKind::Report => "status",
        TemplateKind::Plan => "plan_status",
    }
}

/// Renders a built-in template.
pub fn render(kind: TemplateKind, input: &TemplateInput) -> Result<Workbook, TemplateError> {
    let mut workbook = render::render(kind, input)?;
    let home = workbook
        .names
        .iter()
        .find(|name| name.name == status_table(kind));
    let home = home.map(|name| name.area.tab);
    if let Some(tab) = workbook.tabs.iter_mut().find(|tab| Some(tab.id) == home) {
        tab.metadata
            .push((EDITION_KEY.to_owned(), EDITION.to_string()));
    }
    Ok(workbook)
}

/// A stable fingerprint of a rendered template (FNV-1a, 64 bits, hexadecimal): equal when nothing
/// changed, so that a published template is recognised.
pub fn fingerprint(workbook: &Workbook) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in format!("{workbook:?}").bytes() {
        hash ^= u64::from(byte);
        hash = hash.wrapping_mul(0x0000_0100_0000_01b3);
    }
    format!("{hash:016x}")
}

/// The fingerprint of what [`render()`] gives, kept once it is known: every pass asks for it, and rendering
/// costs more than all else that an idle pass does.
///
/// # Errors
/// As [`render()`].
pub fn fingerprint_for(kind: TemplateKind, input: &TemplateInput) -> Result<String, TemplateError> {
    static KNOWN: Mutex<BTreeMap<(TemplateKind, TemplateInput), String>> =
        Mutex::new(BTreeMap::new());
    let key = (kind, input.clone());
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(fingerprint) = known.get(&key) {
        return Ok(fingerprint.clone());
    }
    drop(known);
    let made = fingerprint(&render(kind, input)?);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.insert(key, made.clone());
    Ok(made)
}

#[cfg(test)]
mod tests;
