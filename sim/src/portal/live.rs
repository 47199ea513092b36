//! A company that lives: new leads, moves, wins, losses, deletions, other people in charge, imports
//! with old dates, back-dated edits, calls. The same seed over the same company does the same.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::company::chronicle::INVOICE_STAGES;
use crate::company::ledger::{Activity, Call, Invoice, Owner};
use crate::company::{Card, Company, NO_TIME, directory, time};

use super::change::{self, Changed};
use super::events::What;
use super::field::Entity;
use super::{State, php};

/// Events of one wish at most.
const MOST_EVENTS: u64 = 100_000;

/// Seconds between two events at most: ten days, so that the longest wish stays within the calendar.
const MOST_STEP_S: i64 = 10 * 86_400;

/// Rows of one import.
const IMPORTED: std::ops::Range<u32> = 5..25;

const DAY: i64 = 86_400;

/// What may happen, and how often against the others.
const WEIGHTS: [(&str, u32); 14] = [
    ("lead_new", 30),
    ("lead_moved", 18),
    ("lead_won", 8),
    ("lead_lost", 14),
    ("lead_deleted", 3),
    ("lead_reassigned", 4),
    ("lead_backdated", 2),
    ("import", 1),
    ("deal_moved", 8),
    ("deal_won", 7),
    ("deal_lost", 4),
    ("deal_deleted", 1),
    ("deal_backdated", 2),
    ("call", 12),
];

/// What `POST /_sim/live` asks for.
pub(crate) struct Wish {
    events: u64,
    seed: u64,
    /// Seconds between two events.
    step_s: i64,
    /// The first event's instant; nothing means now.
    at: Option<String>,
    /// Only these kinds; empty means all.
    only: Vec<String>,
}

impl Wish {
    /// Reads `events` (1), `seed` (1), `step_s` (0), `at` (now), `only` (a list of kinds).
    pub(crate) fn read(given: &Value) -> Result<Self, String> {
        let map = given.as_object().ok_or("an object is wanted")?;
        let mut wish = Self {
            events: 1,
            seed: 1,
            step_s: 0,
            at: None,
            only: Vec::new(),
        };
        for (name, value) in map {
            let number = || {
                let text = php::scalar(value).unwrap_or_default();
                text.parse::<u64>()
                    .map_err(|_| format!("{name}: {value} is no number"))
            };
            match name.as_str() {
                "events" => wish.events = number()?.min(MOST_EVENTS),
                "seed" => wish.seed = number()?,
                "step_s" => {
                    wish.step_s = i64::try_from(number()?)
                        .unwrap_or(MOST_STEP_S)
                        .min(MOST_STEP_S);
                }
                "at" => wish.at = php::scalar(value),
                "only" => {
                    wish.only = php::entries(value)
                        .into_iter()
                        .filter_map(|(_, kind)| php::scalar(kind))
                        .collect();
                    let known = |kind: &String| WEIGHTS.iter().any(|(name, _)| name == kind);
                    if let Some(wrong) = wish.only.iter().find(|kind| !known(kind)) {
                        let names: Vec<&str> = WEIGHTS.iter().map(|(name, _)| *name).collect();
                        return Err(format!("{wrong}: no kind of event; known are {names:?}"));
                    }
                }
                _ => {
                    return Err(format!(
                        "{name}: unknown; known are events, seed, step_s, at, only"
                    ));
                }
            }
        }
        Ok(wish)
    }
}

/// Lets so much happen; tells how often each kind of event came and which rows it touched.
pub(crate) fn happen(state: &State, given: &Value) -> Result<Value, String> {
    let wish = Wish::read(given)?;
    let zone = state.zone();
    let at = match &wish.at {
        Some(text) => {
            time::parse(zone, text).ok_or_else(|| format!("at: {text:?} is no instant"))?
        }
        None => state.now().timestamp(),
    };
    let mut company = state.company_mut();
    // Whatever is appended to must be made from the cards as they were.
    company.calls();
    company.activities();
    company.invoices();
    company.moves(Owner::Invoice);
    let mut life = Life {
        company: &mut company,
        random: StdRng::seed_from_u64(wish.seed),
        zone,
        at,
        kinds: BTreeMap::new(),
        touched: Vec::new(),
    };
    for _ in 0..wish.events {
        life.event(&wish.only)?;
        life.at += wish.step_s;
    }
    let (kinds, touched) = (life.kinds, life.touched);
    drop(company);
    let mut rows: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (entity, what, id) in touched {
        let name = match (entity, what) {
            (Entity::Lead, What::Add) => "leads_added",
            (Entity::Lead, What::Update) => "leads_changed",
            (Entity::Lead, What::Delete) => "leads_deleted",
            (Entity::Deal, What::Add) => "deals_added",
            (Entity::Deal, What::Update) => "deals_changed",
            (Entity::Deal, What::Delete) => "deals_deleted",
        };
        rows.entry(name).or_default().push(id);
        state.announce(entity, Some(what), id);
    }
    Ok(json!({"kinds": kinds, "rows": rows}))
}

/// The company while it lives.
struct Life<'a> {
    company: &'a mut Company,
    random: StdRng,
    zone: Tz,
    /// Unix seconds of the present event.
    at: i64,
    kinds: BTreeMap<&'static str, u32>,
    touched: Vec<(Entity, What, u32)>,
}

impl Life<'_> {
    fn event(&mut self, only: &[String]) -> Result<(), String> {
        let wanted = |(name, _): &&(&str, u32)| only.is_empty() || only.iter().any(|o| o == name);
        let sum: u32 = WEIGHTS
            .iter()
            .filter(wanted)
            .map(|(_, weight)| weight)
            .sum();
        let mut left = self.random.random_range(0..sum.max(1));
        let mut kind = "lead_new";
        for (name, weight) in WEIGHTS.iter().filter(wanted) {
            kind = name;
            if left < *weight {
                break;
            }
            left -= weight;
        }
        if self.act(kind)? {
            *self.kinds.entry(kind).or_default() += 1;
        }
        Ok(())
    }

    /// Does it; false when there is no row that it could happen to.
    fn act(&mut self, kind: &str) -> Result<bool, String> {
        let open = |card: &Card| card.semantic == b'P';
        let closed = |card: &Card| card.semantic != b'P';
        let any = |_: &Card| true;
        let (entity, fits): (Entity, fn(&Card) -> bool) = match kind {
            "lead_new" => return self.new_lead(self.at).map(|()| true),
            "import" => return self.import().map(|()| true),
            "call" => return Ok(self.call()),
            "lead_moved" | "lead_won" | "lead_lost" => (Entity::Lead, open),
            "lead_backdated" => (Entity::Lead, closed),
            "lead_deleted" | "lead_reassigned" => (Entity::Lead, any),
            "deal_moved" | "deal_won" | "deal_lost" => (Entity::Deal, open),
            "deal_backdated" => (Entity::Deal, closed),
            _ => (Entity::Deal, any),
        };
        let Some(card) = self.pick(entity, fits) else {
            return Ok(false);
        };
        match kind {
            "lead_moved" => self.put(entity, json!({"ID": card.id, "STATUS_ID": "IN_PROCESS"}))?,
            "lead_won" => self.convert(&card)?,
            "lead_lost" => self.put(entity, json!({"ID": card.id, "STATUS_ID": "JUNK"}))?,
            "lead_reassigned" => {
                let person = self.person();
                self.put(entity, json!({"ID": card.id, "ASSIGNED_BY_ID": person}))?;
            }
            "lead_backdated" => {
                let day = self.earlier();
                self.put(entity, json!({"ID": card.id, "DATE_CLOSED": day}))?;
            }
            "deal_moved" => self.stage(&card, "EXECUTING")?,
            "deal_won" => {
                self.stage(&card, "WON")?;
                self.pay(card.id);
            }
            "deal_lost" => self.stage(&card, "LOSE")?,
            "deal_backdated" => {
                let (day, more) = (self.earlier(), self.random.random_range(100..9_000));
                let sum = card.opportunity.max(0) / 100 + more;
                let given = json!({"ID": card.id, "CLOSEDATE": day, "OPPORTUNITY": sum});
                self.put(entity, given)?;
            }
            _ => {
                change::remove(self.company, entity, &json!({"ID": card.id}))?;
                self.touched.push((entity, What::Delete, card.id));
            }
        }
        Ok(true)
    }

    fn put(&mut self, entity: Entity, given: Value) -> Result<(), String> {
        let Changed { id, what } = change::put(self.company, entity, &given, self.at)?;
        self.touched
            .push((entity, what.unwrap_or(What::Update), id));
        Ok(())
    }

    /// A card that fits: the first from a random place on, among the later half most of the time.
    fn pick(&mut self, entity: Entity, fits: impl Fn(&Card) -> bool) -> Option<Card> {
        let cards = entity.table(self.company).cards();
        if cards.is_empty() {
            return None;
        }
        let low = if self.random.random_bool(0.7) {
            cards.len() / 2
        } else {
            0
        };
        let from = self.random.random_range(low..cards.len());
        let (before, after) = cards.split_at(from);
        after.iter().chain(before).find(|card| fits(card)).cloned()
    }

    /// Someone who works here.
    fn person(&mut self) -> u32 {
        let active: Vec<u32> = self
            .company
            .users
            .iter()
            .filter(|u| u.active)
            .map(|u| u.id)
            .collect();
        if active.is_empty() {
            return 1;
        }
        active[self.random.random_range(0..active.len())]
    }

    /// A day up to two months ago.
    fn earlier(&mut self) -> String {
        let days = self.random.random_range(3..60);
        time::text(self.zone, self.at - days * DAY)
    }

    fn new_lead(&mut self, created: i64) -> Result<(), String> {
        let sources = ["WEB", "CALL", "EMAIL", "ADVERTISING", "WEBFORM", ""];
        let source = sources[self.random.random_range(0..sources.len())];
        let person = self.person();
        let sum = self.random.random_range(0..120) * 500;
        let given = json!({
            "SOURCE_ID": source,
            "ASSIGNED_BY_ID": person,
            "CREATED_BY_ID": person,
            "OPPORTUNITY": sum,
            "DATE_CREATE": time::text(self.zone, created),
        });
        self.put(Entity::Lead, given)
    }

    /// Rows of an old base, with the dates that they had there.
    fn import(&mut self) -> Result<(), String> {
        for _ in 0..self.random.random_range(IMPORTED) {
            let age = self.random.random_range(30..400);
            self.new_lead(self.at - age * DAY)?;
        }
        Ok(())
    }

    /// A good lead becomes a deal.
    fn convert(&mut self, lead: &Card) -> Result<(), String> {
        self.put(
            Entity::Lead,
            json!({"ID": lead.id, "STATUS_ID": "CONVERTED"}),
        )?;
        let sum = self.random.random_range(4..160) * 500;
        let given = json!({
            "LEAD_ID": lead.id,
            "SOURCE_ID": self.company.pool.text(lead.source),
            "ASSIGNED_BY_ID": lead.assigned,
            "CREATED_BY_ID": lead.assigned,
            "CONTACT_ID": lead.contact,
            "OPPORTUNITY": sum,
        });
        self.put(Entity::Deal, given)
    }

    fn stage(&mut self, deal: &Card, code: &str) -> Result<(), String> {
        let stage = directory::stage_code(deal.category, code);
        self.put(Entity::Deal, json!({"ID": deal.id, "STAGE_ID": stage}))
    }

    /// A won deal is paid by its invoice, or by a new one.
    fn pay(&mut self, deal: u32) {
        let (at, paid) = (self.at, self.company.pool.intern(INVOICE_STAGES[2]));
        let own = self
            .company
            .invoices()
            .iter()
            .find(|row| row.deal == deal)
            .map(|row| row.id);
        let id = own.or_else(|| self.invoice(deal));
        if let Some(id) = id {
            self.company.ledgers_mut().paid(id, at, paid);
        }
    }

    fn invoice(&mut self, deal: u32) -> Option<u32> {
        let card = self.company.deals.get(deal)?.clone();
        let (at, title) = (self.at, self.company.pool.intern("Счёт №"));
        let stage = self.company.pool.intern(INVOICE_STAGES[0]);
        let make = |id| Invoice {
            id,
            deal,
            title,
            contact: card.contact,
            company: card.company,
            assigned: card.assigned,
            created: at,
            modified: at,
            begun: at - at.rem_euclid(DAY),
            due: at - at.rem_euclid(DAY) + 5 * DAY,
            moved: at,
            opportunity: card.opportunity.max(0),
            currency: card.currency,
            stage,
            semantic: b'P',
            paid: NO_TIME,
        };
        Some(self.company.ledgers_mut().invoiced(make))
    }

    /// Somebody calls the client of a lead, or is called.
    fn call(&mut self) -> bool {
        let Some(card) = self.pick(Entity::Lead, |_| true) else {
            return false;
        };
        let answered = self.random.random_bool(0.75);
        let out = self.random.random_bool(0.7);
        let seconds = if answered {
            self.random.random_range(10..600)
        } else {
            0
        };
        let mut word = |text: &str| self.company.pool.intern(text);
        let (code, entity) = (word(if answered { "200" } else { "304" }), word("LEAD"));
        let (provider, provider_type) = (word("VOXIMPLANT_CALL"), word("CALL"));
        let (phone, subject) = (
            word(&format!("+7900777{:04}", card.id % 10_000)),
            word(if out {
                "Исходящий звонок"
            } else {
                "Входящий звонок"
            }),
        );
        let (at, end) = (self.at, self.at + i64::from(seconds));
        let ledgers = self.company.ledgers_mut();
        let activity = ledgers.acted(|id| Activity {
            id,
            owner_type: 1,
            owner: card.id,
            kind: 2,
            provider,
            provider_type,
            subject,
            responsible: card.assigned,
            created: end,
            updated: end,
            start: at,
            end,
            completed: true,
            direction: if out { 2 } else { 1 },
        });
        ledgers.called(|id| Call {
            id,
            user: card.assigned,
            at,
            seconds,
            code,
            kind: if out { 1 } else { 2 },
            entity,
            entity_id: card.id,
            activity,
            phone,
        });
        true
    }
}
