//! CRM records as the business sees them, free of the vendor's words: cards, what they refer to,
//! and what happened to them.

use std::collections::BTreeMap;

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

/// The portal's currency table as it was from an instant on.
#[derive(Debug, Clone, PartialEq)]
pub struct RateTable {
    /// Unix seconds; the first table of a company is that of all times before it, too.
    pub since: i64,
    /// Its rates.
    pub currencies: Vec<Currency>,
}

/// The two kinds of card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Card {
    /// A lead.
    Lead,
    /// A deal.
    Deal,
}

/// A field that a company has added to its leads or deals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomField {
    /// Whose field it is.
    pub card: Card,
    /// Its code, such as `UF_CRM_1713790573`.
    pub code: String,
    /// The name that people see.
    pub name: String,
    /// The CRM's word for what it holds: `string`, `enumeration`, `money`, …
    pub kind: String,
    /// Whether it may hold several values.
    pub multiple: bool,
    /// Of an enumeration: the values' ids, which records hold, and their names.
    pub values: Vec<(String, String)>,
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
    /// Custom fields of leads and deals.
    pub fields: Vec<CustomField>,
}

/// Who was in which department from when on (D8: what somebody did belongs to the department in which
/// he was then).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Homes {
    by_user: BTreeMap<u64, BTreeMap<i64, Option<u64>>>,
}

impl Homes {
    /// From rows of a user, Unix seconds, and his first department from then on.
    pub fn of(rows: impl IntoIterator<Item = (u64, i64, Option<u64>)>) -> Homes {
        let mut by_user: BTreeMap<u64, BTreeMap<i64, Option<u64>>> = BTreeMap::new();
        for (user, since, department) in rows {
            by_user.entry(user).or_default().insert(since, department);
        }
        Homes { by_user }
    }

    /// Where a user was, oldest first: Unix seconds, and his first department from then on.
    pub fn of_user(&self, user: u64) -> impl Iterator<Item = (i64, Option<u64>)> + use<'_> {
        let known = self.by_user.get(&user).into_iter().flatten();
        known.map(|(since, department)| (*since, *department))
    }

    /// In which department a user was at an instant (Unix seconds), if in any; `None` when nothing is
    /// known of that time.
    pub fn at(&self, user: u64, seconds: i64) -> Option<Option<u64>> {
        let known = self.by_user.get(&user)?;
        let (_, department) = known.range(..=seconds).next_back()?;
        Some(*department)
    }
}

/// Who called whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The company called.
    Out,
    /// The company was called.
    In,
    /// The company called back by itself.
    Back,
    /// None of these, such as an announcement.
    Other,
}

/// A phone number that cannot be read any more: a keyed hash of its digits. Equal numbers of one
/// company are equal here, and nothing else is to be learnt from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneMark(pub [u8; 16]);

/// A call of the telephony (R68, R69).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// The CRM's id.
    pub id: u64,
    /// When it began.
    pub at: Instant,
    /// The employee.
    pub user: u64,
    /// Who called whom.
    pub direction: Direction,
    /// Whether people spoke; false for a missed or refused one.
    pub took_place: bool,
    /// How long, in seconds.
    pub seconds: u64,
    /// The other side's number.
    pub phone: Option<PhoneMark>,
}

/// What an activity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivityKind {
    /// A meeting.
    Meeting,
    /// A call.
    Call,
    /// A task.
    Task,
    /// A letter.
    Email,
    /// Something else.
    Other,
}

/// An activity of the CRM (R61–R63, R70).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// The CRM's id.
    pub id: u64,
    /// What it is.
    pub kind: ActivityKind,
    /// Who turned to whom, for calls and letters.
    pub direction: Direction,
    /// Whether it was done: a meeting held.
    pub completed: bool,
    /// The employee.
    pub user: u64,
    /// The kind of card it belongs to, in the CRM's numbers (1 lead, 2 deal, 3 contact, 4 company).
    pub owner_kind: u64,
    /// That card's id.
    pub owner: u64,
    /// When it was put down.
    pub created: Instant,
    /// When it begins.
    pub starts: Option<Instant>,
    /// By when it is to be done.
    pub deadline: Option<Instant>,
}

/// A smart invoice (R64, R96).
#[derive(Debug, Clone, PartialEq)]
pub struct Invoice {
    /// The CRM's id.
    pub id: u64,
    /// The deal it belongs to.
    pub deal: Option<u64>,
    /// Its stage code.
    pub stage: String,
    /// What the stage means; success is a payment.
    pub semantics: Semantics,
    /// Its amount in `currency`.
    pub amount: Option<Money>,
    /// The code of the amount's currency.
    pub currency: String,
    /// The id of the responsible user.
    pub responsible: u64,
    /// When it was made out.
    pub created: Instant,
    /// When it came to a stage of success.
    pub paid: Option<Instant>,
}

/// A task (R71, R72).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Task {
    /// The CRM's id.
    pub id: u64,
    /// 2 waits, 3 runs, 4 to be checked, 5 done, 6 put off, 7 declined.
    pub state: u64,
    /// The id of the responsible user.
    pub responsible: u64,
    /// When it was set.
    pub created: Instant,
    /// By when it is to be done.
    pub deadline: Option<Instant>,
    /// When it was closed.
    pub closed: Option<Instant>,
}

/// What moved between stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mover {
    /// A lead.
    Lead,
    /// A deal.
    Deal,
    /// A smart invoice.
    Invoice,
}

/// What kind of move it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveKind {
    /// The card was made.
    Created,
    /// To a stage on the way.
    Moved,
    /// To a final stage.
    Ended,
    /// To another pipeline.
    Pipeline,
    /// Something that the documentation does not name.
    Other,
}

/// A move between stages: the only thing that dates a past change (D3, D5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageMove {
    /// The id of the move.
    pub id: u64,
    /// What moved.
    pub mover: Mover,
    /// Its id.
    pub owner: u64,
    /// What kind of move.
    pub kind: MoveKind,
    /// When.
    pub at: Instant,
    /// The stage it came to.
    pub stage: String,
    /// What that stage means.
    pub semantics: Semantics,
    /// A deal's pipeline.
    pub category: Option<u64>,
}

/// A product row of a deal (R44, R94).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProductRow {
    /// The CRM's id.
    pub id: u64,
    /// The deal.
    pub deal: u64,
    /// The product; none for a row that no product stands behind.
    pub product: Option<u64>,
    /// What one was sold for, in the deal's currency.
    pub price: Money,
    /// What one costs by the list.
    pub list_price: Option<Money>,
    /// How many, in 1/10 000.
    pub quantity: Money,
}

/// What has payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Payer {
    /// A deal.
    Deal,
    /// A smart invoice.
    Invoice,
}

/// A payment of a deal or an invoice (R61, R64, R96).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// The CRM's id.
    pub id: u64,
    /// The deal under which it stands.
    pub deal: Option<u64>,
    /// The invoice under which it stands.
    pub invoice: Option<u64>,
    /// When it was made; none for one that is only announced.
    pub paid: Option<Instant>,
    /// How much, in `currency`.
    pub amount: Money,
    /// The code of the amount's currency.
    pub currency: String,
    /// The id of the user who was responsible for the record when the payment was first seen.
    pub responsible: u64,
}

/// What a product of the catalogue costs when it is bought (R94).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductCost {
    /// The product.
    pub product: u64,
    /// The price of one; none when nobody has filled it in, which is not zero.
    pub price: Option<Money>,
    /// The code of its currency.
    pub currency: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_where_he_was_last_seen_before() {
        let homes = Homes::of([(7, 0, Some(2)), (7, 1_000, Some(3)), (7, 2_000, None)]);
        for (user, at, expected) in [
            (7, -1, None),
            (7, 0, Some(Some(2))),
            (7, 999, Some(Some(2))),
            (7, 1_000, Some(Some(3))),
            (7, 5_000, Some(None)),
            (8, 5_000, None),
        ] {
            assert_eq!(homes.at(user, at), expected, "{user} {at}");
        }
    }
}
