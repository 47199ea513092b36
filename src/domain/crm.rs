//! CRM records as the business sees them, free of the vendor's words.

use super::calendar::Instant;
use super::money::Money;

/// Where a lead or a deal stands (D2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Semantics {
    /// Still in work.
    InWork,
    /// Ended well: a lead converted, a deal won.
    Success,
    /// Ended badly.
    Failure,
}

/// A lead.
#[derive(Debug, Clone, PartialEq)]
pub struct Lead {
    /// The CRM's id.
    pub id: u64,
    /// When it was created.
    pub created: Instant,
    /// When it was last changed.
    pub modified: Instant,
    /// When it was closed; none while it is in work.
    pub closed: Option<Instant>,
    /// Its status code, such as `NEW` or `JUNK`.
    pub status: String,
    /// What the status means.
    pub semantics: Semantics,
    /// Its source's code; none when not chosen.
    pub source: Option<String>,
    /// Its amount in `currency`; none when not given (an amount of zero counts as not given).
    pub amount: Option<Money>,
    /// The code of the amount's currency.
    pub currency: String,
    /// The id of the responsible user.
    pub responsible: u64,
}

/// A deal.
#[derive(Debug, Clone, PartialEq)]
pub struct Deal {
    /// The CRM's id.
    pub id: u64,
    /// The lead it was made from.
    pub lead: Option<u64>,
    /// The pipeline's id; 0 is the default one.
    pub category: u64,
    /// Its stage code, such as `C2:WON`.
    pub stage: String,
    /// What the stage means.
    pub semantics: Semantics,
    /// Its amount in `currency`; none when not given.
    pub amount: Option<Money>,
    /// The code of the amount's currency.
    pub currency: String,
    /// The id of the responsible user.
    pub responsible: u64,
    /// Its source's code; none when not chosen.
    pub source: Option<String>,
    /// When it was created.
    pub created: Instant,
    /// When it was last changed.
    pub modified: Instant,
    /// When it was closed; for a deal in work the CRM's expected date, which no fact uses.
    pub closed: Option<Instant>,
}

/// A user of the CRM, dismissed ones included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The CRM's id.
    pub id: u64,
    /// Name and last name as shown.
    pub name: String,
    /// False for a dismissed user.
    pub active: bool,
    /// Ids of the departments, the first being the main one.
    pub departments: Vec<u64>,
}

/// A department.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// The CRM's id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// The department above it.
    pub parent: Option<u64>,
    /// The user who heads it.
    pub head: Option<u64>,
}

/// An entry of a directory: a lead status, a deal stage, a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Which directory: `STATUS`, `SOURCE`, `DEAL_STAGE`, `DEAL_STAGE_3`, …
    pub entity: String,
    /// The code that records carry.
    pub code: String,
    /// The name that people see.
    pub name: String,
    /// What it means, for statuses and stages.
    pub semantics: Option<Semantics>,
    /// The order in which it is shown.
    pub sort: i64,
}

/// A deal pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// The CRM's id; 0 is the default pipeline.
    pub id: u64,
    /// Its name.
    pub name: String,
}

/// A currency and its rate: `amount` of the base currency are worth `count` of this one.
#[derive(Debug, Clone, PartialEq)]
pub struct Currency {
    /// ISO 4217 code.
    pub code: String,
    /// Units of the base currency …
    pub amount: Money,
    /// … for this many units of this currency; never zero.
    pub count: u64,
    /// Whether it is the portal's base currency.
    pub base: bool,
}

/// Everything that records refer to; read anew at each pass, because renaming a source or a user
/// does not touch the records.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Directory {
    /// Users, dismissed ones included.
    pub users: Vec<User>,
    /// The company's structure.
    pub departments: Vec<Department>,
    /// Lead statuses, deal stages, sources.
    pub statuses: Vec<Status>,
    /// Pipelines.
    pub categories: Vec<Category>,
    /// Currencies with their rates.
    pub currencies: Vec<Currency>,
}
