//! What happened around leads and deals: stage history, calls, activities, tasks, invoices. A made-up
//! company's are derived from its rows when they are first asked for, so that a portal with a
//! million leads pays nothing for what nobody reads; afterwards the company's life appends to them.

use std::sync::OnceLock;

use super::{Card, Company, NO_TIME, Sym, chronicle};

/// What a stage-history record is about; also its place among the three histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// entityTypeId 1.
    Lead,
    /// entityTypeId 2.
    Deal,
    /// entityTypeId 31.
    Invoice,
}

/// TYPE_ID of a stage-history record.
pub(crate) mod step {
    /// The card was created.
    pub(crate) const CREATED: u8 = 1;
    /// It came to another stage that is not final.
    pub(crate) const MOVED: u8 = 2;
    /// It came to a final stage.
    pub(crate) const FINAL: u8 = 3;
    /// It came to another pipeline.
    pub(crate) const PIPELINE: u8 = 5;
}

/// One record of crm.stagehistory.list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) id: u32,
    pub(crate) owner: u32,
    /// Unix seconds.
    pub(crate) at: i64,
    pub(crate) stage: Sym,
    pub(crate) category: u16,
    /// TYPE_ID, see [`step`].
    pub(crate) what: u8,
    /// `b'P'`, `b'S'` or `b'F'`.
    pub(crate) semantic: u8,
}

/// One record of voximplant.statistic.get.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) id: u32,
    pub(crate) user: u32,
    /// Unix seconds.
    pub(crate) at: i64,
    /// CALL_DURATION, seconds.
    pub(crate) seconds: u32,
    /// CALL_FAILED_CODE.
    pub(crate) code: Sym,
    /// CALL_TYPE: 1 out, 2 in, 3 in with redirection, 4 callback, 5 information.
    pub(crate) kind: u8,
    /// CRM_ENTITY_TYPE and CRM_ENTITY_ID; 0 is nobody's.
    pub(crate) entity: Sym,
    pub(crate) entity_id: u32,
    /// CRM_ACTIVITY_ID, 0 for none.
    pub(crate) activity: u32,
    /// PHONE_NUMBER.
    pub(crate) phone: Sym,
}

/// One record of crm.activity.list.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) id: u32,
    /// OWNER_TYPE_ID: 1 lead, 2 deal.
    pub(crate) owner_type: u8,
    pub(crate) owner: u32,
    /// TYPE_ID: 1 meeting, 2 call, 4 e-mail, 6 what a provider defines.
    pub(crate) kind: u8,
    /// PROVIDER_ID and PROVIDER_TYPE_ID.
    pub(crate) provider: Sym,
    pub(crate) provider_type: Sym,
    pub(crate) subject: Sym,
    pub(crate) responsible: u32,
    /// Unix seconds.
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) completed: bool,
    /// DIRECTION: 0 none, 1 in, 2 out.
    pub(crate) direction: u8,
}

/// One record of tasks.task.list.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: u32,
    pub(crate) title: Sym,
    pub(crate) creator: u32,
    pub(crate) responsible: u32,
    /// Unix seconds; [`NO_TIME`] for none.
    pub(crate) created: i64,
    pub(crate) changed: i64,
    pub(crate) closed: i64,
    pub(crate) deadline: i64,
    /// 2 waiting, 3 in progress, 4 awaiting control, 5 completed, 6 postponed.
    pub(crate) status: u8,
    /// The deal that it is about, 0 for none.
    pub(crate) deal: u32,
}

/// One smart invoice (entityTypeId 31).
#[derive(Clone, Debug)]
pub(crate) struct Invoice {
    pub(crate) id: u32,
    /// parentId2, 0 for none.
    pub(crate) deal: u32,
    pub(crate) title: Sym,
    pub(crate) contact: u32,
    pub(crate) company: u32,
    pub(crate) assigned: u32,
    /// Unix seconds.
    pub(crate) created: i64,
    pub(crate) modified: i64,
    pub(crate) begun: i64,
    pub(crate) due: i64,
    pub(crate) moved: i64,
    /// Hundredths of the currency unit.
    pub(crate) opportunity: i64,
    pub(crate) currency: Sym,
    pub(crate) stage: Sym,
    /// `b'P'`, `b'S'` or `b'F'`.
    pub(crate) semantic: u8,
    /// When it was paid; [`NO_TIME`] while it is not.
    pub(crate) paid: i64,
}

/// A record with an id.
pub(crate) trait Numbered {
    /// The id; a ledger is ascending by it.
    fn id(&self) -> u32;
}

macro_rules! numbered {
    ($($kind:ty),*) => { $(impl Numbered for $kind {
        fn id(&self) -> u32 {
            self.id
        }
    })* };
}
numbered!(Move, Call, Activity, Task, Invoice);

/// Records ascending by id, made when first asked for.
pub(crate) struct Ledger<R>(OnceLock<Vec<R>>);

impl<R> Default for Ledger<R> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<R: Numbered> Ledger<R> {
    /// A ledger of these records.
    pub(crate) fn of(mut rows: Vec<R>) -> Self {
        rows.sort_by_key(Numbered::id);
        let ledger = Self::default();
        // A fresh cell takes its first value.
        let _ = ledger.0.set(rows);
        ledger
    }

    /// The records; `make` gives them when nobody has asked yet.
    pub(crate) fn rows(&self, make: impl FnOnce() -> Vec<R>) -> &[R] {
        self.0.get_or_init(make)
    }

    /// The next id.
    fn next(rows: &[R]) -> u32 {
        rows.last().map_or(1, |last| last.id() + 1)
    }

    /// Appends the record that `make` gives for the next id; gives that id. The ledger must have
    /// been made.
    pub(crate) fn push(&mut self, make: impl FnOnce(u32) -> R) -> u32 {
        let Some(rows) = self.0.get_mut() else {
            return 0;
        };
        let id = Self::next(rows);
        rows.push(make(id));
        id
    }

    /// Forgets the records that fit.
    pub(crate) fn forget(&mut self, fits: impl Fn(&R) -> bool) {
        if let Some(rows) = self.0.get_mut() {
            rows.retain(|row| !fits(row));
        }
    }

    /// Forgets the records with these ids; gives those that were there.
    fn remove(&mut self, ids: &[u32]) -> Vec<u32> {
        let Some(rows) = self.0.get_mut() else {
            return Vec::new();
        };
        let gone: Vec<u32> = rows
            .iter()
            .map(Numbered::id)
            .filter(|id| ids.contains(id))
            .collect();
        rows.retain(|row| !gone.contains(&row.id()));
        gone
    }

    /// The record with this id, to be changed.
    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut R> {
        let rows = self.0.get_mut()?;
        let at = rows.binary_search_by_key(&id, Numbered::id).ok()?;
        rows.get_mut(at)
    }
}

/// All ledgers of a company.
#[derive(Default)]
pub(crate) struct Ledgers {
    pub(super) moves: [Ledger<Move>; 3],
    pub(super) calls: Ledger<Call>,
    pub(super) activities: Ledger<Activity>,
    pub(super) tasks: Ledger<Task>,
    pub(super) invoices: Ledger<Invoice>,
}

impl Company {
    /// The stage history of leads, deals or invoices.
    pub(crate) fn moves(&self, of: Owner) -> &[Move] {
        self.ledgers.moves[of as usize].rows(|| chronicle::moves(self, of))
    }

    /// Calls of the telephony statistics.
    pub(crate) fn calls(&self) -> &[Call] {
        self.ledgers.calls.rows(|| chronicle::calls(self))
    }

    /// Activities of leads and deals.
    pub(crate) fn activities(&self) -> &[Activity] {
        self.ledgers.activities.rows(|| chronicle::activities(self))
    }

    /// Tasks.
    pub(crate) fn tasks(&self) -> &[Task] {
        self.ledgers.tasks.rows(|| chronicle::tasks(self))
    }

    /// Smart invoices.
    pub(crate) fn invoices(&self) -> &[Invoice] {
        self.ledgers.invoices.rows(|| chronicle::invoices(self))
    }

    /// The ledgers, to be changed. What is appended to a ledger that nobody has asked for yet is
    /// lost; who appends asks for it first, before he changes the cards it would be made from.
    pub(crate) fn ledgers_mut(&mut self) -> &mut Ledgers {
        &mut self.ledgers
    }
}

impl Ledgers {
    /// Notes that a card came to a stage.
    pub(crate) fn moved(&mut self, of: Owner, what: u8, at: i64, card: &Card) {
        let record = |id| Move {
            id,
            owner: card.id,
            at,
            stage: card.stage,
            category: card.category,
            what,
            semantic: card.semantic,
        };
        self.moves[of as usize].push(record);
    }

    /// Notes that an invoice came to a stage.
    pub(crate) fn invoice_moved(&mut self, what: u8, invoice: &Invoice) {
        let record = |id| Move {
            id,
            owner: invoice.id,
            at: invoice.moved,
            stage: invoice.stage,
            category: chronicle::INVOICE_PIPELINE,
            what,
            semantic: invoice.semantic,
        };
        self.moves[Owner::Invoice as usize].push(record);
    }

    /// Forgets what hung on a deleted card; calls stay, as in the telephony's own statistics.
    pub(crate) fn card_gone(&mut self, of: Owner, id: u32) {
        let kind = if of == Owner::Lead { 1 } else { 2 };
        self.moves[of as usize].forget(|row| row.owner == id);
        self.activities
            .forget(|row| row.owner_type == kind && row.owner == id);
    }

    /// Forgets rows of a ledger by their ids; gives those that were there. The ledger must have been
    /// made.
    pub(crate) fn remove(&mut self, of: &str, ids: &[u32]) -> Option<Vec<u32>> {
        match of {
            "call" => Some(self.calls.remove(ids)),
            "activity" => Some(self.activities.remove(ids)),
            "task" => Some(self.tasks.remove(ids)),
            "invoice" => {
                let gone = self.invoices.remove(ids);
                self.moves[Owner::Invoice as usize].forget(|row| gone.contains(&row.owner));
                Some(gone)
            }
            _ => None,
        }
    }

    /// Adds a call; its id.
    pub(crate) fn called(&mut self, make: impl FnOnce(u32) -> Call) -> u32 {
        self.calls.push(make)
    }

    /// Adds an activity; its id.
    pub(crate) fn acted(&mut self, make: impl FnOnce(u32) -> Activity) -> u32 {
        self.activities.push(make)
    }

    /// Adds an invoice with its first record of history; its id.
    pub(crate) fn invoiced(&mut self, make: impl FnOnce(u32) -> Invoice) -> u32 {
        let mut made = None;
        let id = self.invoices.push(|id| {
            let invoice = make(id);
            made = Some(invoice.clone());
            invoice
        });
        if let Some(invoice) = made {
            self.invoice_moved(step::CREATED, &invoice);
        }
        id
    }

    /// Marks an invoice as paid.
    pub(crate) fn paid(&mut self, id: u32, at: i64, stage: Sym) -> bool {
        let Some(invoice) = self.invoices.get_mut(id) else {
            return false;
        };
        if invoice.paid != NO_TIME {
            return false;
        }
        (invoice.paid, invoice.moved, invoice.modified) = (at, at, at);
        (invoice.stage, invoice.semantic) = (stage, b'S');
        let invoice = invoice.clone();
        self.invoice_moved(step::FINAL, &invoice);
        true
    }
}
