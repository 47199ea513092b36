//! Reads a company from a folder of CSV exports, one file a Bitrix24 entity.

mod ledgers;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use chrono_tz::Tz;
use csv::{ByteRecord, ReaderBuilder};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    Card, Category, Company, Currency, Department, NO_MONEY, NO_TIME, Pool, Products, Status, Sym,
    Table, User, directory, flag, time,
};
use crate::clock;

/// Columns of leads.csv that a row has a place for; the rest pass through as texts.
const LEAD_COLUMNS: [&str; 34] = [
    "ID",
    "TITLE",
    "NAME",
    "LAST_NAME",
    "STATUS_ID",
    "STATUS_SEMANTIC_ID",
    "SOURCE_ID",
    "OPPORTUNITY",
    "IS_MANUAL_OPPORTUNITY",
    "CURRENCY_ID",
    "ASSIGNED_BY_ID",
    "CREATED_BY_ID",
    "MODIFY_BY_ID",
    "MOVED_BY_ID",
    "DATE_CREATE",
    "DATE_MODIFY",
    "DATE_CLOSED",
    "MOVED_TIME",
    "LAST_ACTIVITY_TIME",
    "LAST_ACTIVITY_BY",
    "CONTACT_ID",
    "COMPANY_ID",
    "OPENED",
    "HAS_PHONE",
    "HAS_EMAIL",
    "HAS_IMOL",
    "IS_RETURN_CUSTOMER",
    "UTM_SOURCE",
    "UTM_MEDIUM",
    "UTM_CAMPAIGN",
    "UTM_CONTENT",
    "UTM_TERM",
    "CONTACT_IDS",
    "PHONE",
];

/// Columns of deals.csv that a row has a place for.
const DEAL_COLUMNS: [&str; 32] = [
    "ID",
    "TITLE",
    "STAGE_ID",
    "STAGE_SEMANTIC_ID",
    "CATEGORY_ID",
    "LEAD_ID",
    "SOURCE_ID",
    "OPPORTUNITY",
    "IS_MANUAL_OPPORTUNITY",
    "CURRENCY_ID",
    "ASSIGNED_BY_ID",
    "CREATED_BY_ID",
    "MODIFY_BY_ID",
    "MOVED_BY_ID",
    "DATE_CREATE",
    "DATE_MODIFY",
    "BEGINDATE",
    "CLOSEDATE",
    "CLOSED",
    "MOVED_TIME",
    "LAST_ACTIVITY_TIME",
    "LAST_ACTIVITY_BY",
    "CONTACT_ID",
    "COMPANY_ID",
    "OPENED",
    "IS_NEW",
    "IS_RETURN_CUSTOMER",
    "UTM_SOURCE",
    "UTM_MEDIUM",
    "UTM_CAMPAIGN",
    "UTM_CONTENT",
    "UTM_TERM",
];

/// Days from creation to the closing date that the portal writes when nobody says one.
const DEFAULT_CYCLE_DAYS: i64 = 7;

/// Why a folder could not be read as a company.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Neither leads.csv nor deals.csv is there.
    #[error(
        "{}: no leads.csv and no deals.csv; export at least one of them from the CRM into this \
         folder", .0.display()
    )]
    NoData(PathBuf),
    /// The file system refused.
    #[error("{}: cannot be read ({source}); check that it exists and is readable", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// company.toml is not TOML, or a key of it has a wrong value.
    #[error("{}: {message}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to write.
        message: String,
    },
    /// A line that is not CSV: a quote left open, too many or too few cells.
    #[error(
        "{}:{line}: {message}; quote cells that hold commas, quotes or line breaks", path.display()
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// A cell that its column does not allow.
    #[error("{}:{line}: column {column}: {value:?} is not {wanted}", path.display())]
    Cell {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// The text that is there.
        value: String,
        /// What belongs there, with an example.
        wanted: &'static str,
    },
}

impl Company {
    /// Reads the folder. Only `leads.csv` or `deals.csv` must be there; what is missing takes
    /// Bitrix24's own defaults.
    ///
    /// # Errors
    /// The first thing that cannot be read, with its file, line and column.
    pub fn load(dir: &Path) -> Result<Self, LoadError> {
        let settings = Settings::read(dir)?;
        let leads = Sheet::open(&dir.join("leads.csv"))?;
        let deals = Sheet::open(&dir.join("deals.csv"))?;
        if leads.is_none() && deals.is_none() {
            return Err(LoadError::NoData(dir.to_owned()));
        }
        let mut loader = Loader::new(&settings);
        loader.directories(dir)?;
        loader.guess_currency(leads.as_ref(), deals.as_ref());
        let leads = leads.map_or(Ok(Table::default()), |sheet| loader.leads(&sheet))?;
        let deals = deals.map_or(Ok(Table::default()), |sheet| loader.deals(&sheet))?;
        let users = loader.users(dir, &leads, &deals)?;
        let departments = departments(dir)?;
        let products = products(dir)?;
        let ledgers = ledgers::read(dir, &mut loader)?;
        let Loader {
            pool,
            zone,
            russian,
            statuses,
            categories,
            currencies,
            base,
            ..
        } = loader;
        let currencies = if currencies.is_empty() {
            directory::currency_defaults(&base, russian)
        } else {
            currencies
        };
        let mut company = Self {
            name: settings.name,
            zone,
            base_currency: base,
            pool,
            leads,
            deals,
            users,
            departments,
            statuses,
            categories,
            currencies,
            products,
            catalogue: Vec::new(),
            user_fields: Vec::new(),
            made: false,
            ledgers,
        };
        company.adopt_unknown_codes();
        company.describe_custom();
        company.collect_catalogue();
        Ok(company)
    }
}

/// What company.toml says that the portal needs.
struct Settings {
    name: String,
    zone: Tz,
    currency: Option<String>,
    russian: bool,
}

impl Settings {
    fn read(dir: &Path) -> Result<Self, LoadError> {
        let path = dir.join("company.toml");
        let wrong = |message: String| LoadError::Settings {
            path: path.clone(),
            message,
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(LoadError::Unreadable { path, source }),
        };
        let table: toml::Table =
            toml::from_str(&text).map_err(|error| wrong(error.to_string().trim().to_owned()))?;
        let read = |key: &str| -> Result<Option<String>, LoadError> {
            match table.get(key) {
                None => Ok(None),
                Some(toml::Value::String(text)) => Ok(Some(text.clone())),
                Some(other) => Err(wrong(format!("{key} = {other}: write a text in quotes"))),
            }
        };
        let zone = read("time_zone")?.unwrap_or_else(|| "Europe/Moscow".to_owned());
        let zone = zone.parse().map_err(|_| {
            wrong(format!(
                "time_zone = {zone:?}: write an IANA name such as \"Europe/Moscow\""
            ))
        })?;
        let folder = dir
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let locale = read("locale")?.unwrap_or_else(|| "ru".to_owned());
        Ok(Self {
            name: read("name")?
                .or(folder)
                .unwrap_or_else(|| "Company".to_owned()),
            zone,
            currency: read("currency")?,
            russian: locale.to_lowercase().starts_with("ru"),
        })
    }
}

/// One CSV file: its columns and its lines.
struct Sheet {
    path: PathBuf,
    bytes: Vec<u8>,
    columns: Vec<String>,
}

impl Sheet {
    /// Opens the file; nothing when it is not there.
    fn open(path: &Path) -> Result<Option<Self>, LoadError> {
        let mut bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(LoadError::Unreadable {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        if bytes.starts_with(b"\xEF\xBB\xBF") {
            bytes.drain(..3);
        }
        let mut sheet = Self {
            path: path.to_owned(),
            bytes,
            columns: Vec::new(),
        };
        let mut reader = ReaderBuilder::new().from_reader(sheet.bytes.as_slice());
        let header = reader
            .byte_headers()
            .map_err(|error| sheet.broken(&error))?;
        let names = header
            .iter()
            .map(|cell| String::from_utf8_lossy(cell).trim().to_owned());
        sheet.columns = names.collect();
        for (at, name) in sheet.columns.iter().enumerate() {
            if sheet.columns[..at].contains(name) {
                return Err(LoadError::Line {
                    path: sheet.path.clone(),
                    line: 1,
                    message: format!("column {name:?} stands twice; remove one of them"),
                });
            }
        }
        Ok(Some(sheet))
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    fn broken(&self, error: &csv::Error) -> LoadError {
        let line = error.position().map_or(1, csv::Position::line);
        let message = match error.kind() {
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => {
                format!("{len} cells where the first line has {expected_len}")
            }
            _ => error.to_string(),
        };
        LoadError::Line {
            path: self.path.clone(),
            line,
            message,
        }
    }

    /// Calls `each` for every line.
    fn lines(
        &self,
        mut each: impl FnMut(&Line<'_>) -> Result<(), LoadError>,
    ) -> Result<(), LoadError> {
        let mut reader = ReaderBuilder::new().from_reader(self.bytes.as_slice());
        let mut record = ByteRecord::new();
        while reader
            .read_byte_record(&mut record)
            .map_err(|error| self.broken(&error))?
        {
            let line = record.position().map_or(0, csv::Position::line);
            each(&Line {
                sheet: self,
                record: &record,
                line,
            })?;
        }
        Ok(())
    }
}

/// One line of a file.
struct Line<'a> {
    sheet: &'a Sheet,
    record: &'a ByteRecord,
    line: u64,
}

impl Line<'_> {
    fn wrong(&self, column: usize, value: &str, wanted: &'static str) -> LoadError {
        LoadError::Cell {
            path: self.sheet.path.clone(),
            line: self.line,
            column: self.sheet.columns.get(column).cloned().unwrap_or_default(),
            value: value.to_owned(),
            wanted,
        }
    }

    /// The cell of a column; nothing when the file has no such column.
    fn text(&self, column: Option<usize>) -> Result<Option<&str>, LoadError> {
        let Some(column) = column else {
            return Ok(None);
        };
        let bytes = self.record.get(column).unwrap_or_default();
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => {
                let shown = String::from_utf8_lossy(bytes);
                Err(self.wrong(column, &shown, "UTF-8; save the file as CSV UTF-8"))
            }
        }
    }

    /// The cell, trimmed; nothing when it is empty or not there.
    fn word(&self, column: Option<usize>) -> Result<Option<&str>, LoadError> {
        Ok(self
            .text(column)?
            .map(str::trim)
            .filter(|text| !text.is_empty()))
    }

    /// A whole number from 0.
    fn number<N: FromStr>(&self, column: Option<usize>) -> Result<Option<N>, LoadError> {
        let (Some(at), Some(text)) = (column, self.word(column)?) else {
            return Ok(None);
        };
        let number = text.parse().map_err(|_| {
            self.wrong(
                at,
                text,
                "a whole number from 0, such as 17; correct or empty the cell",
            )
        })?;
        Ok(Some(number))
    }

    /// Yes or no.
    fn flag(&self, column: Option<usize>) -> Result<Option<bool>, LoadError> {
        let (Some(at), Some(text)) = (column, self.word(column)?) else {
            return Ok(None);
        };
        match text {
            "Y" | "y" | "1" | "true" | "TRUE" | "True" => Ok(Some(true)),
            "N" | "n" | "0" | "false" | "FALSE" | "False" => Ok(Some(false)),
            _ => Err(self.wrong(at, text, "Y or N")),
        }
    }

    /// An instant; [`NO_TIME`] for an empty cell, nothing without the column.
    fn instant(&self, column: Option<usize>, zone: Tz) -> Result<Option<i64>, LoadError> {
        let (Some(at), Some(text)) = (column, self.text(column)?) else {
            return Ok(None);
        };
        if text.trim().is_empty() {
            return Ok(Some(NO_TIME));
        }
        let instant = time::parse(zone, text).ok_or_else(|| {
            self.wrong(
                at,
                text,
                "a date and time, such as 2026-03-01T10:00:00+03:00",
            )
        })?;
        Ok(Some(instant))
    }

    /// A sum in hundredths; [`NO_MONEY`] for an empty cell, nothing without the column.
    fn money(&self, column: Option<usize>) -> Result<Option<i64>, LoadError> {
        let (Some(at), Some(text)) = (column, self.text(column)?) else {
            return Ok(None);
        };
        if text.trim().is_empty() {
            return Ok(Some(NO_MONEY));
        }
        let cents = cents(text).ok_or_else(|| {
            self.wrong(
                at,
                text,
                "a sum, such as 15000.00 (a point, no spaces, no currency)",
            )
        })?;
        Ok(Some(cents))
    }
}

/// Hundredths of a decimal text, rounded half away from zero as the portal's database does.
pub(crate) fn cents(text: &str) -> Option<i64> {
    let sum = Decimal::from_str(text.trim()).ok()?;
    let hundredths = sum.checked_mul(Decimal::ONE_HUNDRED)?;
    hundredths
        .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
        .to_i64()
}

/// Places of the columns that leads and deals share.
struct Columns {
    by_name: HashMap<&'static str, usize>,
    /// Place and code of the columns that pass through as texts.
    others: Vec<(usize, Sym)>,
}

impl Columns {
    fn new(sheet: &Sheet, known: &[&'static str], pool: &mut Pool) -> Self {
        let placed = known
            .iter()
            .filter_map(|name| Some((*name, sheet.column(name)?)));
        let by_name = placed.collect();
        let mut others = Vec::new();
        for (at, column) in sheet.columns.iter().enumerate() {
            if !known.contains(&column.as_str()) && !column.is_empty() {
                others.push((at, pool.intern(column)));
            }
        }
        Self { by_name, others }
    }

    fn get(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Codes of the custom fields among the others.
    fn custom(&self, pool: &Pool) -> Vec<Sym> {
        let codes = self.others.iter().map(|(_, code)| *code);
        codes
            .filter(|code| pool.text(*code).starts_with("UF_"))
            .collect()
    }
}

/// State of one load.
struct Loader {
    pool: Pool,
    zone: Tz,
    russian: bool,
    now: i64,
    base: String,
    said_currency: Option<String>,
    statuses: Vec<Status>,
    categories: Vec<Category>,
    currencies: Vec<Currency>,
    semantics: HashMap<Sym, u8>,
}

impl Loader {
    fn new(settings: &Settings) -> Self {
        Self {
            pool: Pool::new(),
            zone: settings.zone,
            russian: settings.russian,
            now: clock::now().timestamp(),
            base: String::new(),
            said_currency: settings.currency.clone(),
            statuses: Vec::new(),
            categories: Vec::new(),
            currencies: Vec::new(),
            semantics: HashMap::new(),
        }
    }

    /// Statuses, pipelines and currencies: from files, else as a new portal has them.
    fn directories(&mut self, dir: &Path) -> Result<(), LoadError> {
        if let Some(sheet) = Sheet::open(&dir.join("categories.csv"))? {
            self.categories = categories(&sheet)?;
        }
        if !self.categories.iter().any(|category| category.id == 0) {
            let name = if self.russian {
                "Общая"
            } else {
                "General"
            }
            .to_owned();
            self.categories.insert(
                0,
                Category {
                    id: 0,
                    name,
                    sort: 300,
                },
            );
        }
        if let Some(sheet) = Sheet::open(&dir.join("statuses.csv"))? {
            self.statuses = statuses(&sheet)?;
        }
        let has = |entity: &str, all: &[Status]| all.iter().any(|status| status.entity == entity);
        let mut born = directory::lead_defaults(self.russian);
        for category in &self.categories {
            born.extend(directory::stage_defaults(category.id, self.russian));
        }
        born.extend(directory::invoice_stages(self.russian));
        born.retain(|status| !has(&status.entity, &self.statuses));
        self.statuses.extend(born);
        directory::number(&mut self.statuses);
        for status in &self.statuses {
            let semantic = match status.semantics {
                Some('S') => b'S',
                Some(_) => b'F',
                None => b'P',
            };
            let code = self.pool.intern(&status.code);
            if status.entity != "SOURCE" {
                self.semantics.insert(code, semantic);
            }
        }
        if let Some(sheet) = Sheet::open(&dir.join("currencies.csv"))? {
            let (currencies, base) = currencies(&sheet)?;
            self.currencies = currencies;
            self.said_currency = self.said_currency.take().or(base);
        }
        Ok(())
    }

    /// The base currency: said, else the first that a row has, else roubles.
    fn guess_currency(&mut self, leads: Option<&Sheet>, deals: Option<&Sheet>) {
        let first = |sheet: Option<&Sheet>| -> Option<String> {
            let sheet = sheet?;
            let column = sheet.column("CURRENCY_ID");
            let mut found = None;
            // A broken line is told when the rows are read.
            let _ = sheet.lines(|line| {
                if found.is_none() {
                    found = line.word(column)?.map(str::to_owned);
                }
                Ok(())
            });
            found
        };
        let said = self.said_currency.take();
        let base = said.or_else(|| first(deals)).or_else(|| first(leads));
        self.base = base.unwrap_or_else(|| "RUB".to_owned());
    }

    fn leads(&mut self, sheet: &Sheet) -> Result<Table, LoadError> {
        let columns = Columns::new(sheet, &LEAD_COLUMNS, &mut self.pool);
        let mut cards = Vec::new();
        let mut last = 0;
        sheet.lines(|line| {
            let mut card = self.card(line, &columns, last)?;
            last = card.id;
            let stage = line.word(columns.get("STATUS_ID"))?.unwrap_or("NEW");
            card.stage = self.pool.intern(stage);
            card.semantic = self.semantic(line, columns.get("STATUS_SEMANTIC_ID"), card.stage)?;
            let closed = line.instant(columns.get("DATE_CLOSED"), self.zone)?;
            let missing = if card.semantic == b'P' {
                NO_TIME
            } else {
                card.modified
            };
            card.closed = closed.unwrap_or(missing);
            card.moved = line
                .instant(columns.get("MOVED_TIME"), self.zone)?
                .filter(|instant| *instant != NO_TIME)
                .unwrap_or(if card.closed == NO_TIME {
                    card.created
                } else {
                    card.closed
                });
            for (name, bit) in [
                ("HAS_PHONE", flag::PHONE),
                ("HAS_EMAIL", flag::EMAIL),
                ("HAS_IMOL", flag::IMOL),
            ] {
                card.set(bit, line.flag(columns.get(name))?.unwrap_or(false));
            }
            if card.title == 0 {
                card.title = self
                    .pool
                    .intern(if self.russian { "Лид №" } else { "Lead #" });
                card.set(flag::TITLE_ID, true);
            }
            cards.push(card);
            Ok(())
        })?;
        let custom = columns.custom(&self.pool);
        Ok(Table::new(cards, custom))
    }

    fn deals(&mut self, sheet: &Sheet) -> Result<Table, LoadError> {
        let columns = Columns::new(sheet, &DEAL_COLUMNS, &mut self.pool);
        let mut cards = Vec::new();
        let mut last = 0;
        sheet.lines(|line| {
            let mut card = self.card(line, &columns, last)?;
            last = card.id;
            card.category = line.number(columns.get("CATEGORY_ID"))?.unwrap_or(0);
            card.lead = line.number(columns.get("LEAD_ID"))?.unwrap_or(0);
            let born = directory::stage_code(card.category, "NEW");
            let stage = line.word(columns.get("STAGE_ID"))?.unwrap_or(&born);
            card.stage = self.pool.intern(stage);
            card.semantic = self.semantic(line, columns.get("STAGE_SEMANTIC_ID"), card.stage)?;
            let final_stage = card.semantic != b'P';
            let closed = line.flag(columns.get("CLOSED"))?.unwrap_or(final_stage);
            card.set(flag::CLOSED, closed);
            let begun = line.instant(columns.get("BEGINDATE"), self.zone)?;
            card.begun = begun.unwrap_or(card.created);
            let missing = if final_stage {
                card.modified
            } else {
                card.created + DEFAULT_CYCLE_DAYS * 86_400
            };
            card.closed = line
                .instant(columns.get("CLOSEDATE"), self.zone)?
                .unwrap_or(missing);
            card.moved = line
                .instant(columns.get("MOVED_TIME"), self.zone)?
                .filter(|instant| *instant != NO_TIME)
                .unwrap_or(card.modified);
            let fresh = self.pool.text(card.stage).ends_with("NEW");
            card.set(
                flag::NEW,
                line.flag(columns.get("IS_NEW"))?.unwrap_or(fresh),
            );
            let again = line
                .flag(columns.get("IS_RETURN_CUSTOMER"))?
                .unwrap_or(false);
            card.set(flag::RETURN, again);
            if card.title == 0 {
                card.title = self.pool.intern(if self.russian {
                    "Сделка №"
                } else {
                    "Deal #"
                });
                card.set(flag::TITLE_ID, true);
            }
            cards.push(card);
            Ok(())
        })?;
        let custom = columns.custom(&self.pool);
        Ok(Table::new(cards, custom))
    }

    /// What leads and deals have in common.
    fn card(&mut self, line: &Line<'_>, columns: &Columns, last: u32) -> Result<Card, LoadError> {
        let at = |name: &str| columns.get(name);
        let id = line.number(at("ID"))?.unwrap_or(last + 1);
        if id == 0 {
            let place = at("ID").unwrap_or(0);
            return Err(line.wrong(place, "0", "an id, a whole number from 1"));
        }
        let modified = line
            .instant(at("DATE_MODIFY"), self.zone)?
            .filter(|at| *at != NO_TIME);
        let created = line
            .instant(at("DATE_CREATE"), self.zone)?
            .filter(|at| *at != NO_TIME);
        let created = created.or(modified).unwrap_or(self.now);
        let mut card = Card::new(id, created);
        card.modified = modified.unwrap_or(created);
        card.active = line
            .instant(at("LAST_ACTIVITY_TIME"), self.zone)?
            .filter(|instant| *instant != NO_TIME)
            .unwrap_or(created);
        card.opportunity = line.money(at("OPPORTUNITY"))?.unwrap_or(0);
        if let Some(manual) = line.flag(at("IS_MANUAL_OPPORTUNITY"))? {
            card.set(flag::MANUAL, manual);
        }
        if let Some(opened) = line.flag(at("OPENED"))? {
            card.set(flag::OPENED, opened);
        }
        let currency = line.word(at("CURRENCY_ID"))?;
        card.currency = self.pool.intern(currency.unwrap_or(&self.base));
        if let Some(source) = line.word(at("SOURCE_ID"))? {
            card.source = self.pool.intern(source);
        }
        card.title = self.pool.keep(line.text(at("TITLE"))?.unwrap_or_default());
        card.name = self.pool.intern(line.text(at("NAME"))?.unwrap_or_default());
        card.last_name = self
            .pool
            .intern(line.text(at("LAST_NAME"))?.unwrap_or_default());
        card.assigned = line.number(at("ASSIGNED_BY_ID"))?.unwrap_or(1);
        card.created_by = line.number(at("CREATED_BY_ID"))?.unwrap_or(card.assigned);
        card.modified_by = line.number(at("MODIFY_BY_ID"))?.unwrap_or(card.assigned);
        card.moved_by = line.number(at("MOVED_BY_ID"))?.unwrap_or(card.modified_by);
        card.contact = line.number(at("CONTACT_ID"))?.unwrap_or(0);
        card.company = line.number(at("COMPANY_ID"))?.unwrap_or(0);
        let mut marks = [0; 5];
        let names = [
            "UTM_SOURCE",
            "UTM_MEDIUM",
            "UTM_CAMPAIGN",
            "UTM_CONTENT",
            "UTM_TERM",
        ];
        for (mark, name) in marks.iter_mut().zip(names) {
            *mark = self.pool.intern(line.word(at(name))?.unwrap_or_default());
        }
        card.marks = self.pool.marks(marks);
        for (place, code) in &columns.others {
            let text = line.text(Some(*place))?.unwrap_or_default();
            if !text.is_empty() {
                let json = serde_json::to_string(text).unwrap_or_default();
                card.put_extra(*code, &json);
            }
        }
        Ok(card)
    }

    /// P, S or F: said by the row, else by the directory, else in work.
    fn semantic(
        &mut self,
        line: &Line<'_>,
        column: Option<usize>,
        stage: Sym,
    ) -> Result<u8, LoadError> {
        let said = match (column, line.word(column)?) {
            (_, None) => None,
            (_, Some("P")) => Some(b'P'),
            (_, Some("S")) => Some(b'S'),
            (_, Some("F")) => Some(b'F'),
            (at, Some(other)) => {
                return Err(line.wrong(at.unwrap_or(0), other, "P, S or F"));
            }
        };
        let known = self.semantics.get(&stage).copied();
        let semantic = said.or(known).unwrap_or(b'P');
        self.semantics.entry(stage).or_insert(semantic);
        Ok(semantic)
    }

    /// People: from the file, else one for every responsible that a row names.
    fn users(&self, dir: &Path, leads: &Table, deals: &Table) -> Result<Vec<User>, LoadError> {
        if let Some(sheet) = Sheet::open(&dir.join("users.csv"))? {
            return users(&sheet, self.zone);
        }
        let cards = leads.cards().iter().chain(deals.cards());
        let ids: BTreeSet<u32> = cards.map(|card| card.assigned).collect();
        let people = ids.into_iter().map(|id| User {
            id,
            name: if self.russian {
                "Сотрудник"
            } else {
                "Employee"
            }
            .to_owned(),
            last_name: id.to_string(),
            active: true,
            departments: vec![1],
            ..User::default()
        });
        Ok(people.collect())
    }
}

fn users(sheet: &Sheet, zone: Tz) -> Result<Vec<User>, LoadError> {
    let mut all = Vec::new();
    sheet.lines(|line| {
        let at = |name: &str| sheet.column(name);
        let text = |name: &str| Ok(line.text(at(name))?.unwrap_or_default().to_owned());
        let place = at("UF_DEPARTMENT");
        let mut departments = Vec::new();
        let cell = line
            .word(place)?
            .unwrap_or_default()
            .trim_matches(['[', ']']);
        for part in cell
            .split([',', ';', '|'])
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            departments.push(part.parse().map_err(|_| {
                line.wrong(
                    place.unwrap_or(0),
                    part,
                    "a department's id, several by semicolons",
                )
            })?);
        }
        let registered = line
            .instant(at("DATE_REGISTER"), zone)?
            .filter(|at| *at != NO_TIME);
        all.push(User {
            id: line.number(at("ID"))?.unwrap_or(0),
            name: text("NAME")?,
            last_name: text("LAST_NAME")?,
            second_name: text("SECOND_NAME")?,
            email: text("EMAIL")?,
            position: text("WORK_POSITION")?,
            gender: text("PERSONAL_GENDER")?,
            active: line.flag(at("ACTIVE"))?.unwrap_or(true),
            departments,
            registered: registered.map_or(String::new(), |instant| time::text(zone, instant)),
        });
        Ok(())
    })?;
    all.sort_by_key(|user| user.id);
    Ok(all)
}

fn departments(dir: &Path) -> Result<Vec<Department>, LoadError> {
    let Some(sheet) = Sheet::open(&dir.join("departments.csv"))? else {
        let name = "Company".to_owned();
        return Ok(vec![Department {
            id: 1,
            name,
            sort: 500,
            ..Department::default()
        }]);
    };
    let mut all = Vec::new();
    sheet.lines(|line| {
        let at = |name: &str| sheet.column(name);
        all.push(Department {
            id: line.number(at("ID"))?.unwrap_or(0),
            name: line.text(at("NAME"))?.unwrap_or_default().to_owned(),
            sort: line.number(at("SORT"))?.unwrap_or(500),
            parent: line.number(at("PARENT"))?.filter(|id| *id != 0),
            head: line.number(at("UF_HEAD"))?.filter(|id| *id != 0),
        });
        Ok(())
    })?;
    Ok(all)
}

fn categories(sheet: &Sheet) -> Result<Vec<Category>, LoadError> {
    let mut all = Vec::new();
    sheet.lines(|line| {
        let at = |name: &str| {
            sheet
                .column(name)
                .or_else(|| sheet.column(&name.to_lowercase()))
        };
        all.push(Category {
            id: line.number(at("ID"))?.unwrap_or(0),
            name: line.text(at("NAME"))?.unwrap_or_default().to_owned(),
            sort: line.number(at("SORT"))?.unwrap_or(500),
        });
        Ok(())
    })?;
    Ok(all)
}

fn statuses(sheet: &Sheet) -> Result<Vec<Status>, LoadError> {
    let mut all = Vec::new();
    sheet.lines(|line| {
        let at = |name: &str| sheet.column(name);
        let entity = line.word(at("ENTITY_ID"))?.unwrap_or("STATUS").to_owned();
        let staged = entity == "STATUS" || entity.contains("STAGE");
        let semantics = line
            .word(at("SEMANTICS"))?
            .and_then(|text| text.chars().next());
        let semantics = semantics.filter(|letter| matches!(letter, 'S' | 'F'));
        let code = line.word(at("STATUS_ID"))?.unwrap_or_default().to_owned();
        let group = match (semantics, code.as_str()) {
            _ if !staged => "",
            (Some('S'), _) => "success",
            (Some(_), "JUNK") => "failure",
            (Some(_), code) if code.ends_with("LOSE") => "failure",
            (Some(_), _) => "apology",
            (None, _) => "process",
        };
        let said = line
            .word(at("EXTRA_SEMANTICS"))?
            .or(line.word(at("EXTRA.SEMANTICS"))?);
        all.push(Status {
            id: line.number(at("ID"))?.unwrap_or(0),
            name: line
                .text(at("NAME"))?
                .filter(|name| !name.is_empty())
                .unwrap_or(&code)
                .into(),
            sort: line.number(at("SORT"))?.unwrap_or(500),
            system: line.flag(at("SYSTEM"))?.unwrap_or(false),
            category: line.number(at("CATEGORY_ID"))?.filter(|id| *id != 0),
            group: said.unwrap_or(group).to_owned(),
            semantics,
            entity,
            code,
        });
        Ok(())
    })?;
    Ok(all)
}

/// Currencies and the base one.
fn currencies(sheet: &Sheet) -> Result<(Vec<Currency>, Option<String>), LoadError> {
    let mut all = Vec::new();
    let mut base = None;
    sheet.lines(|line| {
        let at = |name: &str| sheet.column(name);
        let code = line.word(at("CURRENCY"))?.unwrap_or_default().to_owned();
        if line.flag(at("BASE"))?.unwrap_or(false) {
            base = Some(code.clone());
        }
        all.push(Currency {
            name: line.text(at("FULL_NAME"))?.unwrap_or(&code).to_owned(),
            amount: line.word(at("AMOUNT"))?.unwrap_or("1.0000").to_owned(),
            count: line.word(at("AMOUNT_CNT"))?.unwrap_or("1").to_owned(),
            sort: line.number(at("SORT"))?.unwrap_or(100),
            code,
        });
        Ok(())
    })?;
    Ok((all, base))
}

fn products(dir: &Path) -> Result<Products, LoadError> {
    let Some(sheet) = Sheet::open(&dir.join("productrows.csv"))? else {
        return Ok(Products::default());
    };
    let mut products = Products {
        columns: sheet.columns.clone(),
        ..Products::default()
    };
    sheet.lines(|line| {
        let kind = line.word(sheet.column("OWNER_TYPE"))?.unwrap_or("D");
        let kind = kind.chars().next().unwrap_or('D');
        let owner = line.number(sheet.column("OWNER_ID"))?.unwrap_or(0);
        let number = u32::try_from(products.rows.len()).unwrap_or(u32::MAX);
        products
            .by_owner
            .entry((kind, owner))
            .or_default()
            .push(number);
        let mut row = Vec::with_capacity(products.columns.len());
        for place in 0..products.columns.len() {
            row.push(line.text(Some(place))?.unwrap_or_default().into());
        }
        products.rows.push(row);
        Ok(())
    })?;
    Ok(products)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    static FOLDERS: AtomicU32 = AtomicU32::new(0);

    /// A folder with these files, removed when dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new(files: &[(&str, &str)]) -> Self {
            let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
            let name = format!("planfact-sim-load-{}-{number}", std::process::id());
            let dir = std::env::temp_dir().join(name);
            fs::create_dir_all(&dir).unwrap();
            for (name, text) in files {
                fs::write(dir.join(name), text).unwrap();
            }
            Self(dir)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn load(files: &[(&str, &str)]) -> Result<Company, LoadError> {
        Company::load(&Folder::new(files).0)
    }

    #[test]
    fn missing_columns_take_the_defaults_of_the_portal() {
        let company = load(&[(
            "leads.csv",
            "\u{feff}DATE_CREATE,UF_CRM_CITY,STATUS_ID,SOURCE_ID\r\n\
             2026-03-01T10:00:00+03:00,\"Тверь, центр\",UC_LATE,shop\r\n\
             2026-03-02,,JUNK,\r\n",
        )])
        .unwrap();
        assert_eq!(company.base_currency, "RUB");
        let first = company.leads.get(1).unwrap();
        assert_eq!(company.pool.text(first.currency), "RUB");
        assert_eq!(
            (first.opportunity, first.assigned, first.semantic),
            (0, 1, b'P')
        );
        let city = company.pool.find("UF_CRM_CITY").unwrap();
        assert_eq!(company.leads.custom, [city]);
        assert_eq!(first.extra(city), Some("\"Тверь, центр\""));
        assert_eq!(first.closed, NO_TIME);
        let second = company.leads.get(2).unwrap();
        assert_eq!((second.semantic, second.source), (b'F', 0));
        assert_eq!(
            time::text(company.zone, second.closed),
            "2026-03-02T00:00:00+03:00"
        );
        for (entity, code) in [("STATUS", "UC_LATE"), ("SOURCE", "shop"), ("STATUS", "NEW")] {
            let found = |status: &&Status| status.entity == entity && status.code == code;
            assert_eq!(
                company.statuses.iter().filter(found).count(),
                1,
                "{entity} {code}"
            );
        }
        assert_eq!(company.users.len(), 1);
        assert_eq!(company.last_day().to_string(), "2026-03-02");
    }

    #[test]
    fn deals_keep_sums_pipelines_and_links() {
        let company = load(&[
            (
                "company.toml",
                "time_zone = \"America/New_York\"\ncurrency = \"USD\"\n",
            ),
            (
                "deals.csv",
                "ID,LEAD_ID,CATEGORY_ID,STAGE_ID,STAGE_SEMANTIC_ID,OPPORTUNITY,DATE_CREATE,\
                 CLOSEDATE,CLOSED\n\
                 9,4,3,C3:WON,S,1054.005,2017-01-01T00:00:00-05:00,2017-02-01T00:00:00-05:00,Y\n\
                 8,,3,C3:HELD,F,,2017-01-01T00:00:00-05:00,,N\n",
            ),
        ])
        .unwrap();
        let won = company.deals.get(9).unwrap();
        assert_eq!((won.opportunity, won.lead, won.category), (105_401, 4, 3));
        assert_eq!(won.flags & flag::CLOSED, flag::CLOSED);
        let held = company.deals.get(8).unwrap();
        assert_eq!(
            (held.opportunity, held.closed, held.semantic),
            (NO_MONEY, NO_TIME, b'F')
        );
        assert!(company.categories.iter().any(|category| category.id == 3));
        let stage = company
            .statuses
            .iter()
            .find(|status| status.code == "C3:HELD")
            .unwrap();
        assert_eq!(stage.entity, "DEAL_STAGE_3");
        assert_eq!(
            (stage.semantics, stage.group.as_str()),
            (Some('F'), "apology")
        );
        assert_eq!(company.base_currency, "USD");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_remedy() {
        let lead = "ID,OPPORTUNITY,DATE_CREATE,STATUS_SEMANTIC_ID\n1,5.00,2026-03-01,P\n";
        let cases: [(&str, String, &[&str]); 8] = [
            ("x.csv", String::new(), &["no leads.csv and no deals.csv"]),
            (
                "leads.csv",
                format!("{lead}2,12 000 р,2026-03-01,P\n"),
                &["leads.csv:3", "OPPORTUNITY", "12 000 р", "such as 15000.00"],
            ),
            (
                "leads.csv",
                format!("{lead}2,1,вчера,P\n"),
                &[
                    "leads.csv:3",
                    "DATE_CREATE",
                    "вчера",
                    "2026-03-01T10:00:00+03:00",
                ],
            ),
            (
                "leads.csv",
                format!("{lead}x,1,2026-03-01,P\n"),
                &["leads.csv:3", "column ID"],
            ),
            (
                "leads.csv",
                format!("{lead}2,1,2026-03-01,W\n"),
                &["leads.csv:3", "STATUS_SEMANTIC_ID", "P, S or F"],
            ),
            (
                "leads.csv",
                format!("{lead}2,1\n"),
                &["leads.csv:3", "2 cells", "4"],
            ),
            (
                "leads.csv",
                "ID,ID\n1,2\n".to_owned(),
                &["leads.csv:1", "\"ID\" stands twice"],
            ),
            (
                "company.toml",
                "time_zone = \"Mars\"\n".to_owned(),
                &["company.toml", "IANA"],
            ),
        ];
        for (file, text, wanted) in cases {
            let Err(error) = load(&[(file, &text)]) else {
                panic!("{file}: loaded")
            };
            let told = error.to_string();
            for part in wanted {
                assert!(told.contains(part), "{told} lacks {part}");
            }
        }
    }

    #[test]
    fn files_of_directories_replace_the_defaults() {
        let company = load(&[
            ("deals.csv", "ID,DATE_CREATE\n1,2026-03-01\n"),
            (
                "users.csv",
                "ID,NAME,LAST_NAME,ACTIVE,UF_DEPARTMENT\n7,Анна,Ким,false,3;4\n",
            ),
            ("departments.csv", "ID,NAME,PARENT\n1,Всё,\n3,Опт,1\n"),
            (
                "statuses.csv",
                "ENTITY_ID,STATUS_ID,NAME,SEMANTICS\nSOURCE,ads,Реклама,\n",
            ),
            (
                "currencies.csv",
                "CURRENCY,AMOUNT,AMOUNT_CNT,BASE\nKZT,1,1,Y\nUSD,520.5,1,N\n",
            ),
            (
                "productrows.csv",
                "ID,OWNER_TYPE,OWNER_ID,PRICE\n1,D,1,10.00\n2,D,1,20.00\n",
            ),
        ])
        .unwrap();
        assert_eq!(company.users[0].departments, [3, 4]);
        assert!(!company.users[0].active);
        assert_eq!(company.departments[1].parent, Some(1));
        let sources = company
            .statuses
            .iter()
            .filter(|status| status.entity == "SOURCE");
        assert_eq!(sources.count(), 1);
        assert_eq!(company.base_currency, "KZT");
        assert_eq!(company.products.by_owner[&('D', 1)], [0, 1]);
    }

    #[test]
    #[allow(clippy::print_stdout, reason = "a skipped test says so")]
    fn shared_exports_load_when_they_are_there() {
        let Ok(shared) = std::env::var("PLANFACT_SHARED") else {
            println!("PLANFACT_SHARED is not set: real exports are not tried");
            return;
        };
        for (name, size) in [("b2b-seller", (0, 8_800)), ("marketplace", (8_000, 842))] {
            let company = Company::load(&Path::new(&shared).join("data").join(name)).unwrap();
            assert_eq!(company.size(), size, "{name}");
        }
    }
}
