//! Memory that survives: CRM records with their cursors, bindings of files, plan cells with their
//! history and versions, passes.
//!
//! One of the two traits of our own. Synchronous; the engine calls it from blocking sections.

use std::collections::BTreeSet;

use crate::domain::calendar::Instant;
use crate::domain::crm::{
    Activity, Call, Card, Deal, Directory, Invoice, Lead, Mover, Payer, Payment, ProductCost,
    ProductRow, RateTable, StageMove, Task,
};
use crate::domain::fact::{Costs, DealRow, LeadRow, Symbols};
use crate::domain::plan::{BaseCell, CellKey, Cells, Held, PlanChange};

mod sqlite;

pub use sqlite::Sqlite;

/// The `entity` of a rejected lead in [`PullBatch::rejects`].
pub const ENTITY_LEAD: &str = "lead";
/// The `entity` of a rejected deal in [`PullBatch::rejects`].
pub const ENTITY_DEAL: &str = "deal";

/// A kind of row of [`Trail`] that has ids of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrailKind {
    /// Calls.
    Call,
    /// Activities.
    Activity,
    /// Smart invoices.
    Invoice,
    /// Tasks.
    Task,
    /// Moves between stages.
    Move(Mover),
}

impl TrailKind {
    /// The `entity` of a rejected row in [`PullBatch::rejects`].
    pub fn name(self) -> &'static str {
        match self {
            TrailKind::Call => "call",
            TrailKind::Activity => "activity",
            TrailKind::Invoice => "invoice",
            TrailKind::Task => "task",
            TrailKind::Move(Mover::Lead) => "lead_move",
            TrailKind::Move(Mover::Deal) => "deal_move",
            TrailKind::Move(Mover::Invoice) => "invoice_move",
        }
    }
}

/// What happened to cards, to insert or replace by id.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    /// Calls.
    pub calls: Vec<Call>,
    /// Activities.
    pub activities: Vec<Activity>,
    /// Smart invoices.
    pub invoices: Vec<Invoice>,
    /// Tasks.
    pub tasks: Vec<Task>,
    /// Moves between stages.
    pub moves: Vec<StageMove>,
    /// Deals whose product rows were read: what is not in `product_rows` is not there any more.
    pub product_deals: Vec<u64>,
    /// Their product rows.
    pub product_rows: Vec<ProductRow>,
    /// Rows that are no more in the portal; what was not stored is passed over.
    pub gone: Vec<(TrailKind, u64)>,
}

impl Trail {
    /// How many rows there are, of all kinds, without those that are gone.
    pub fn len(&self) -> usize {
        self.calls.len()
            + self.activities.len()
            + self.invoices.len()
            + self.tasks.len()
            + self.moves.len()
            + self.product_rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What the catalogue said of some products.
#[derive(Debug, Clone, PartialEq)]
pub struct CostReading {
    /// When it was asked, by the portal's clock: a price that differs from the last one holds from
    /// then on.
    pub at: Instant,
    /// Products that were asked for.
    pub asked: Vec<u64>,
    /// Those that it knows, with what they cost.
    pub found: Vec<ProductCost>,
}

/// What the portal said of the payments of some records.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PaymentReading {
    /// Records that were read: what is not in `payments` is not there any more.
    pub read: Vec<(Payer, u64)>,
    /// Records whose payments were refused: what is stored of them stays, and they are not asked for
    /// again until they change.
    pub refused: Vec<(Payer, u64)>,
    /// Their payments. Who is responsible for one stays as it was first stored (D9).
    pub payments: Vec<Payment>,
}

/// From when on a user was in a department.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// The user.
    pub user: u64,
    /// Unix seconds; 0 for where he was when he was first seen.
    pub since: i64,
    /// His first department; none when he is in none.
    pub department: Option<u64>,
}

/// What storing a batch came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Saved {
    /// Cards that differ from what was there: new, other, or gone.
    pub changed: u64,
    /// The deals among them that are new or other, in the order of their ids.
    pub deals: Vec<u64>,
}

/// Records and cursors that belong together: stored in one transaction or not at all.
#[derive(Debug, Clone, Default)]
pub struct PullBatch {
    /// Leads to insert or replace by id.
    pub leads: Vec<Lead>,
    /// Deals to insert or replace by id.
    pub deals: Vec<Deal>,
    /// Cards that are no more in the portal; what was not stored is passed over. With a card go its
    /// product rows, its moves, and the activities that belong to it alone.
    pub gone: Vec<(Card, u64)>,
    /// What happened to cards.
    pub trail: Trail,
    /// Payments, when some were read.
    pub payments: Option<PaymentReading>,
    /// What products cost, when the catalogue was read.
    pub costs: Option<CostReading>,
    /// The directory, when it was read.
    pub directory: Option<Directory>,
    /// When it was read, by the portal's clock: who is in another department than before is there
    /// from then on.
    pub directory_at: Option<Instant>,
    /// Cursors to move: name, new text.
    pub cursors: Vec<(String, String)>,
    /// Records set aside because they could not be read: entity, CRM id as text, reason. A record
    /// that is stored later by the same id leaves the rejects ([`ENTITY_LEAD`], [`ENTITY_DEAL`]).
    pub rejects: Vec<(String, String, String)>,
}

/// A spreadsheet that belongs to a company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// `report`, or `plan:2026`.
    pub role: String,
    /// Drive's file id.
    pub file: String,
    /// Fingerprint of the template it was copied from.
    pub template: String,
    /// Its web address.
    pub url: String,
}

/// A change of a plan number that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedChange {
    /// The pass that accepted it.
    pub pass: u64,
    /// When that pass began.
    pub at: Instant,
    /// Who changed the file last, where Drive told it.
    pub person: Option<String>,
    /// What changed.
    pub change: PlanChange,
}

/// A version of a year's plan under a name that a person gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanVersion {
    /// Its number in the store; a later version has a larger one.
    pub id: u64,
    /// The year planned.
    pub year: i32,
    /// Its name, single in its company and year.
    pub name: String,
    /// When it was saved.
    pub made: Instant,
    /// How many cells it holds.
    pub cells: u64,
}

/// How a pass ended.
#[derive(Debug, Clone, PartialEq)]
pub struct PassRecord {
    /// The pass's number within the company, from 1.
    pub number: u64,
    /// When it began.
    pub started: Instant,
    /// When it ended; none for one that was cut off.
    pub ended: Option<Instant>,
    /// `done`, `failed`, `needs_human`, or `running`.
    pub state: String,
    /// What happened, for people.
    pub message: String,
    /// Counts by name: `leads_pulled`, `deals_pulled`, `cells_written`, `google_requests`, …
    pub counts: Vec<(String, u64)>,
}

/// Memory that survives. Every call is for one company; implementations keep companies apart. What
/// was never stored reads as empty. The streaming calls may hold a lock while they run: their
/// closures must not call the store.
pub trait Store: Send + Sync {
    /// Stores a batch in one transaction. Who was responsible at first, and when a card was closed,
    /// stays as it was seen then (D9).
    fn save_pull(&self, company: &str, batch: &PullBatch) -> Result<Saved, StoreError>;
    /// The ids of cards from `first` to `last`, both included, in order.
    fn card_ids(
        &self,
        company: &str,
        card: Card,
        first: u64,
        last: u64,
    ) -> Result<Vec<u64>, StoreError>;
    /// Streams all calls, in order of id.
    fn each_call(&self, company: &str, f: &mut dyn FnMut(Call)) -> Result<(), StoreError>;
    /// Streams all activities, in order of id.
    fn each_activity(&self, company: &str, f: &mut dyn FnMut(Activity)) -> Result<(), StoreError>;
    /// Streams all moves between stages, in order of what moved and id.
    fn each_move(&self, company: &str, f: &mut dyn FnMut(StageMove)) -> Result<(), StoreError>;
    /// Streams all product rows of deals, in order of deal and id.
    fn each_product_row(
        &self,
        company: &str,
        f: &mut dyn FnMut(ProductRow),
    ) -> Result<(), StoreError>;
    /// Streams all smart invoices, in order of id.
    fn each_invoice(&self, company: &str, f: &mut dyn FnMut(Invoice)) -> Result<(), StoreError>;
    /// Streams all payments, in order of id.
    fn each_payment(&self, company: &str, f: &mut dyn FnMut(Payment)) -> Result<(), StoreError>;
    /// The records whose payments were read since they changed last.
    fn payments_read(&self, company: &str) -> Result<BTreeSet<(Payer, u64)>, StoreError>;
    /// What products cost, as it was seen.
    fn costs(&self, company: &str) -> Result<Costs, StoreError>;
    /// Products that stand in rows of deals and for which the catalogue was never asked, in order.
    fn unknown_products(&self, company: &str) -> Result<Vec<u64>, StoreError>;
    /// The products for which the catalogue was asked longest ago.
    fn stale_products(&self, company: &str, limit: usize) -> Result<Vec<u64>, StoreError>;
    /// The ids of all rows of a kind, in order; those of rows that could not be read, too.
    fn trail_ids(&self, company: &str, kind: TrailKind) -> Result<Vec<u64>, StoreError>;
    /// How many rows of each kind of [`Trail`] are stored, by name.
    fn trail_counts(&self, company: &str) -> Result<Vec<(&'static str, u64)>, StoreError>;
    /// Who was in which department from when on, by user and time (D8).
    fn memberships(&self, company: &str) -> Result<Vec<Membership>, StoreError>;
    /// The portal's currency tables, oldest first (D6).
    fn rate_tables(&self, company: &str) -> Result<Vec<RateTable>, StoreError>;
    /// Deletes everything that is kept of a company, for good: the space is overwritten, so that
    /// nothing of it is left in the file. False when nothing was kept.
    fn forget(&self, company: &str) -> Result<bool, StoreError>;
    /// A cursor's text.
    fn cursor(&self, company: &str, name: &str) -> Result<Option<String>, StoreError>;
    /// The directory as last read.
    fn directory(&self, company: &str) -> Result<Directory, StoreError>;
    /// The symbol table behind [`LeadRow`] and [`DealRow`].
    fn symbols(&self, company: &str) -> Result<Symbols, StoreError>;
    /// Streams all leads, in order of id.
    fn each_lead(&self, company: &str, f: &mut dyn FnMut(LeadRow)) -> Result<(), StoreError>;
    /// Streams all deals, in order of id.
    fn each_deal(&self, company: &str, f: &mut dyn FnMut(DealRow)) -> Result<(), StoreError>;
    /// How many leads, deals and rejects are stored.
    fn counts(&self, company: &str) -> Result<(u64, u64, u64), StoreError>;
    /// Files of the company.
    fn bindings(&self, company: &str) -> Result<Vec<Binding>, StoreError>;
    /// Adds or replaces a binding by role.
    fn save_binding(&self, company: &str, binding: &Binding) -> Result<(), StoreError>;
    /// Forgets which file has a role; what is remembered of its cells stays.
    fn drop_binding(&self, company: &str, role: &str) -> Result<(), StoreError>;
    /// Plan cells of a year.
    fn plan_cells(&self, company: &str, year: i32) -> Result<Cells<BaseCell>, StoreError>;
    /// Years that have plan cells.
    fn plan_years(&self, company: &str) -> Result<Vec<i32>, StoreError>;
    /// Adds or replaces plan cells of a year, in one transaction.
    fn save_plan_cells(
        &self,
        company: &str,
        year: i32,
        cells: &Cells<BaseCell>,
    ) -> Result<(), StoreError>;
    /// Adds or replaces plan cells of a year and appends what changed thereby to the log, in one
    /// transaction: a change is logged exactly once, whenever the program dies. The log is never
    /// shortened.
    fn accept_plan(
        &self,
        company: &str,
        year: i32,
        cells: &Cells<BaseCell>,
        changes: &[LoggedChange],
    ) -> Result<(), StoreError>;
    /// The latest changes of a year's plan, or of one of its cells, newest first.
    fn plan_changes(
        &self,
        company: &str,
        year: i32,
        cell: Option<&CellKey>,
        limit: usize,
    ) -> Result<Vec<LoggedChange>, StoreError>;
    /// All changes of the newest pass in which somebody decided something (typed, restored, took a
    /// scenario over), in the order in which they were logged; a pass that only generated anew is
    /// no such pass. Empty when there was none.
    fn last_change_set(&self, company: &str, year: i32) -> Result<Vec<LoggedChange>, StoreError>;
    /// Keeps a version of a year's plan and returns its number; `None`, and nothing is stored, when
    /// the year has a version of that name.
    fn save_plan_version(
        &self,
        company: &str,
        year: i32,
        name: &str,
        made: Instant,
        cells: &Cells<Held>,
    ) -> Result<Option<u64>, StoreError>;
    /// The versions of all years, newest first.
    fn plan_versions(&self, company: &str) -> Result<Vec<PlanVersion>, StoreError>;
    /// The cells of a version, or those of one of its tables.
    fn plan_version_cells(
        &self,
        company: &str,
        version: u64,
        table: Option<&str>,
    ) -> Result<Cells<Held>, StoreError>;
    /// Opens a pass and returns its number; a pass left `running` by a dead process is closed.
    fn begin_pass(&self, company: &str, started: Instant) -> Result<u64, StoreError>;
    /// Closes a pass.
    fn end_pass(&self, company: &str, pass: &PassRecord) -> Result<(), StoreError>;
    /// The latest passes, newest first.
    fn passes(&self, company: &str, limit: usize) -> Result<Vec<PassRecord>, StoreError>;
    /// A small named note, such as the Drive change token; `company` may be `""` for the program.
    fn note(&self, company: &str, name: &str) -> Result<Option<String>, StoreError>;
    /// Sets a note.
    fn set_note(&self, company: &str, name: &str, text: &str) -> Result<(), StoreError>;
}

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process holds it.
    #[error(
        "the store {path} is in use by another planfact process; stop it or give another [store] url"
    )]
    InUse {
        /// The file.
        path: String,
    },
    /// It was made by a newer version.
    #[error(
        "the store {path} has schema version {found}, this program knows {known}; use the newer program"
    )]
    TooNew {
        /// The file.
        path: String,
        /// Version found.
        found: u32,
        /// Version known.
        known: u32,
    },
    /// The file is something else.
    #[error(
        "{path} is not a planfact store; give another [store] url, or move that file out of the way"
    )]
    NotAStore {
        /// The file.
        path: String,
    },
    /// The database failed.
    #[error("the store failed while {doing}")]
    Database {
        /// What was being attempted.
        doing: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
