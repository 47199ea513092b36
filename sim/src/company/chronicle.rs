//! Derives from leads and deals what a portal would know about their past: through which stages they
//! went, who called whom, which meetings, e-mails, tasks and invoices there were. Everything follows
//! from the card and a hash of its id, so it is the same at every start and takes no random numbers
//! from the company's making.

use super::ledger::{Activity, Call, Invoice, Move, Owner, Task, step};
use super::{Card, Company, NO_TIME, Sym};

/// The only pipeline of smart invoices.
pub(crate) const INVOICE_PIPELINE: u16 = 2;

/// Stages of smart invoices: new, sent, paid, not paid.
pub(crate) const INVOICE_STAGES: [&str; 4] = ["DT31_2:N", "DT31_2:S", "DT31_2:P", "DT31_2:D"];

/// Codes of calls that were not answered, with how often they come among eight.
const FAILED: [&str; 4] = ["304", "603-S", "486", "480"];

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// Codes that derived records use; interned when a company is made, because deriving only reads.
pub(super) const CODES: [&str; 22] = [
    "200",
    "304",
    "603-S",
    "486",
    "480",
    "LEAD",
    "CONTACT",
    "VOXIMPLANT_CALL",
    "CALL",
    "CRM_MEETING",
    "MEETING",
    "CRM_EMAIL",
    "EMAIL",
    "CRM_TODO",
    "TODO",
    "DT31_2:N",
    "DT31_2:S",
    "DT31_2:P",
    "DT31_2:D",
    "NEW",
    "IN_PROCESS",
    "PREPARATION",
];

/// Subjects of derived activities and tasks, Russian and English.
pub(super) const SUBJECTS: [(&str, &str); 8] = [
    ("Исходящий звонок", "Outgoing call"),
    ("Входящий звонок", "Incoming call"),
    ("Встреча", "Meeting"),
    ("Коммерческое предложение", "Proposal"),
    ("Перезвонить", "Call back"),
    ("Подготовить документы", "Prepare documents"),
    ("Согласовать договор", "Agree on the contract"),
    ("Счёт №", "Invoice #"),
];

/// How many phone numbers a company knows; small enough that numbers repeat.
pub(super) const PHONES: u32 = 4_000;

/// The phone number with this place.
pub(super) fn phone(place: u32) -> String {
    format!("+7900555{place:04}")
}

/// A hash of a number and a purpose, well spread (splitmix64).
pub(crate) fn mix(number: u64, purpose: u64) -> u64 {
    let mut z = number
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(purpose.wrapping_mul(0xD1B5_4A32_D192_ED03));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number below `below`.
fn dice(number: u64, purpose: u64, below: u64) -> i64 {
    i64::try_from(mix(number, purpose) % below.max(1)).unwrap_or(0)
}

/// The next free number from 1 on.
fn number(row: usize) -> u32 {
    u32::try_from(row + 1).unwrap_or(u32::MAX)
}

impl Company {
    fn code(&self, text: &str) -> Sym {
        self.pool.find(text).unwrap_or(0)
    }

    fn subject(&self, place: usize) -> Sym {
        let (russian, english) = SUBJECTS.get(place).copied().unwrap_or_default();
        let found = self.pool.find(russian);
        found.or_else(|| self.pool.find(english)).unwrap_or(0)
    }

    fn phone_of(&self, key: u32) -> Sym {
        let place = u32::try_from(mix(u64::from(key), 11) % u64::from(PHONES)).unwrap_or(0);
        self.code(&phone(place))
    }
}

/// The stage history: the creation, a step in between, the end.
pub(super) fn moves(company: &Company, of: Owner) -> Vec<Move> {
    let mut all = match of {
        Owner::Lead => {
            let middle = company.code("IN_PROCESS");
            card_moves(company, company.leads.cards(), |_| {
                (company.code("NEW"), middle)
            })
        }
        Owner::Deal => {
            let codes = |category: u16, code: &str| {
                company.code(&super::directory::stage_code(category, code))
            };
            card_moves(company, company.deals.cards(), |card| {
                (
                    codes(card.category, "NEW"),
                    codes(card.category, "PREPARATION"),
                )
            })
        }
        Owner::Invoice => invoice_moves(company),
    };
    all.sort_by_key(|record| (record.at, record.owner, record.what));
    for (row, record) in all.iter_mut().enumerate() {
        record.id = number(row);
    }
    all
}

/// The moves of cards; `path` gives the first stage and one in between (0 when not known).
fn card_moves(company: &Company, cards: &[Card], path: impl Fn(&Card) -> (Sym, Sym)) -> Vec<Move> {
    let mut all = Vec::with_capacity(cards.len() * 2);
    for card in cards {
        let (first, middle) = path(card);
        let still = card.stage == first && card.semantic == b'P';
        let stage = if first == 0 { card.stage } else { first };
        let record = |at, stage, what, semantic| Move {
            id: 0,
            owner: card.id,
            at,
            stage,
            category: card.category,
            what,
            semantic,
        };
        all.push(record(card.created, stage, step::CREATED, b'P'));
        if still {
            continue;
        }
        let end = if card.moved > card.created {
            card.moved
        } else {
            card.modified
        };
        let end = end.max(card.created + 1);
        if company.made && middle != 0 && middle != card.stage && end - card.created > HOUR {
            let part = dice(u64::from(card.id), 1, 60) + 20;
            let at = card.created + (end - card.created) * part / 100;
            all.push(record(at, middle, step::MOVED, b'P'));
        }
        let what = if card.semantic == b'P' {
            step::MOVED
        } else {
            step::FINAL
        };
        all.push(record(end, card.stage, what, card.semantic));
    }
    all
}

fn invoice_moves(company: &Company) -> Vec<Move> {
    let mut all = Vec::new();
    for invoice in company.invoices() {
        let record = |at, stage, what, semantic| Move {
            id: 0,
            owner: invoice.id,
            at,
            stage,
            category: INVOICE_PIPELINE,
            what,
            semantic,
        };
        let new = company.code(INVOICE_STAGES[0]);
        all.push(record(invoice.created, new, step::CREATED, b'P'));
        if invoice.stage != new {
            let what = if invoice.semantic == b'P' {
                step::MOVED
            } else {
                step::FINAL
            };
            all.push(record(invoice.moved, invoice.stage, what, invoice.semantic));
        }
    }
    all
}

/// Up to two calls a lead: one out, some in; a third of them not answered.
pub(super) fn calls(company: &Company) -> Vec<Call> {
    if !company.made {
        return Vec::new();
    }
    let (lead, contact) = (company.code("LEAD"), company.code("CONTACT"));
    let end = company.end();
    let mut all = Vec::new();
    for card in company.leads.cards() {
        let key = u64::from(card.id);
        for turn in 0..dice(key, 2, 3) {
            let turn = turn.unsigned_abs();
            let at = card.created + dice(key, 30 + turn, 5) * DAY + dice(key, 40 + turn, 9 * 3_600);
            if at >= end {
                continue;
            }
            let answered = dice(key, 50 + turn, 8) < 6;
            let failed = FAILED[usize::try_from(mix(key, 60 + turn) % 4).unwrap_or(0)];
            let known = card.contact != 0;
            all.push(Call {
                id: 0,
                user: card.assigned,
                at,
                seconds: if answered {
                    u32::try_from(15 + dice(key, 70 + turn, 420)).unwrap_or(60)
                } else {
                    0
                },
                code: company.code(if answered { "200" } else { failed }),
                kind: if dice(key, 80 + turn, 10) < 7 { 1 } else { 2 },
                entity: if known { contact } else { lead },
                entity_id: if known { card.contact } else { card.id },
                activity: 0,
                phone: company.phone_of(if known {
                    card.contact + 1_000_000
                } else {
                    card.id
                }),
            });
        }
    }
    all.sort_by_key(|call| (call.at, call.entity_id));
    for (row, call) in all.iter_mut().enumerate() {
        call.id = number(row);
        // The portal writes an activity for each call; ids of both run side by side.
        call.activity = number(row) * 2;
    }
    all
}

/// An activity for each call (even ids), and meetings, proposals by e-mail and to-dos (odd ids).
pub(super) fn activities(company: &Company) -> Vec<Activity> {
    if !company.made {
        return Vec::new();
    }
    let provider = (company.code("VOXIMPLANT_CALL"), company.code("CALL"));
    let contact = company.code("CONTACT");
    let mut all: Vec<Activity> = company
        .calls()
        .iter()
        .map(|call| Activity {
            id: call.activity,
            owner_type: if call.entity == contact { 3 } else { 1 },
            owner: call.entity_id,
            kind: 2,
            provider: provider.0,
            provider_type: provider.1,
            subject: company.subject(usize::from(call.kind != 1)),
            responsible: call.user,
            created: call.at + i64::from(call.seconds),
            updated: call.at + i64::from(call.seconds),
            start: call.at,
            end: call.at + i64::from(call.seconds),
            completed: true,
            direction: if call.kind == 1 { 2 } else { 1 },
        })
        .collect();
    let mut others = deal_activities(company);
    others.sort_by_key(|row| (row.created, row.owner, row.kind));
    for (row, activity) in others.iter_mut().enumerate() {
        activity.id = number(row) * 2 - 1;
    }
    all.append(&mut others);
    all.sort_by_key(|row| row.id);
    all
}

/// Meetings and proposals of deals, to-dos of open ones.
fn deal_activities(company: &Company) -> Vec<Activity> {
    let kinds = [
        (1, "CRM_MEETING", "MEETING", 2, 55),
        (4, "CRM_EMAIL", "EMAIL", 3, 70),
        (6, "CRM_TODO", "TODO", 4, 25),
    ];
    let end = company.end();
    let mut all = Vec::new();
    for deal in company.deals.cards() {
        let key = u64::from(deal.id) + (1 << 32);
        for (kind, provider, provider_type, subject, share) in kinds {
            let purpose = u64::from(kind) * 100;
            if dice(key, purpose, 100) >= share {
                continue;
            }
            let start = deal.created + dice(key, purpose + 1, 12) * DAY + 2 * HOUR;
            if start - DAY >= end {
                continue;
            }
            let created = (start - dice(key, purpose + 2, 3) * DAY)
                .max(deal.created)
                .min(end - MINUTE);
            let past = start + HOUR < end;
            // One meeting in nine of those that are over did not take place.
            let completed = past && dice(key, purpose + 3, 9) > 0;
            all.push(Activity {
                id: 0,
                owner_type: 2,
                owner: deal.id,
                kind,
                provider: company.code(provider),
                provider_type: company.code(provider_type),
                subject: company.subject(subject),
                responsible: deal.assigned,
                created,
                updated: if completed { start + HOUR } else { created },
                start,
                end: start + HOUR,
                completed,
                direction: if kind == 4 { 2 } else { 0 },
            });
        }
    }
    all
}

/// A task for every third deal.
pub(super) fn tasks(company: &Company) -> Vec<Task> {
    if !company.made {
        return Vec::new();
    }
    let end = company.end();
    let mut all = Vec::new();
    for deal in company.deals.cards() {
        let key = u64::from(deal.id) + (2 << 32);
        let created = deal.created + dice(key, 1, 4) * DAY;
        if dice(key, 0, 3) > 0 || created >= end {
            continue;
        }
        let deadline = created + (1 + dice(key, 2, 7)) * DAY;
        let done = created + (1 + dice(key, 3, 9)) * DAY / 2;
        let closed = done < end && dice(key, 4, 10) > 0;
        all.push(Task {
            id: 0,
            title: company.subject(if dice(key, 5, 2) == 0 { 5 } else { 6 }),
            creator: deal.assigned,
            responsible: deal.assigned,
            created,
            changed: if closed { done } else { created },
            closed: if closed { done } else { NO_TIME },
            deadline,
            status: if closed { 5 } else { 2 },
            deal: deal.id,
        });
    }
    all.sort_by_key(|task| (task.created, task.deal));
    for (row, task) in all.iter_mut().enumerate() {
        task.id = number(row);
    }
    all
}

/// An invoice for two won deals of three and for some open ones; most are paid.
pub(super) fn invoices(company: &Company) -> Vec<Invoice> {
    if !company.made {
        return Vec::new();
    }
    let end = company.end();
    let [new, sent, paid, unpaid] = INVOICE_STAGES.map(|code| company.code(code));
    let mut all = Vec::new();
    for deal in company.deals.cards() {
        let key = u64::from(deal.id) + (3 << 32);
        let share = if deal.semantic == b'S' { 66 } else { 12 };
        let created = deal.created + HOUR + dice(key, 1, 9) * DAY;
        if dice(key, 0, 100) >= share || created >= end {
            continue;
        }
        let moved = created + HOUR + dice(key, 2, 10) * DAY;
        let lost = deal.semantic == b'F' || dice(key, 3, 25) == 0;
        let (stage, semantic) = match (moved < end, lost, deal.semantic) {
            (false, ..) => (new, b'P'),
            (true, true, _) => (unpaid, b'F'),
            (true, false, b'S') => (paid, b'S'),
            (true, false, _) => (sent, b'P'),
        };
        let moved = if stage == new { created } else { moved };
        all.push(Invoice {
            id: 0,
            deal: deal.id,
            title: company.subject(7),
            contact: deal.contact,
            company: deal.company,
            assigned: deal.assigned,
            created,
            modified: moved,
            begun: created - created.rem_euclid(DAY),
            due: created - created.rem_euclid(DAY) + 5 * DAY,
            moved,
            opportunity: deal.opportunity.max(0),
            currency: deal.currency,
            stage,
            semantic,
            paid: if semantic == b'S' { moved } else { NO_TIME },
        });
    }
    all.sort_by_key(|invoice| (invoice.created, invoice.deal));
    for (row, invoice) in all.iter_mut().enumerate() {
        invoice.id = number(row);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::company::{Locale, Size, Spec};

    fn company() -> Company {
        Company::generate(&Spec {
            seed: 5,
            size: Size::Small,
            leads: Some(3_000),
            deals: Some(600),
            today: "2026-11-22".parse().unwrap(),
            locale: Locale::Ru,
        })
    }

    #[test]
    fn a_history_begins_with_the_creation_and_ends_at_the_stage_of_the_card() {
        let company = company();
        for (of, cards) in [
            (Owner::Lead, company.leads.cards()),
            (Owner::Deal, company.deals.cards()),
        ] {
            let moves = company.moves(of);
            assert!(moves.is_sorted_by(|a, b| a.id < b.id && a.at <= b.at));
            for card in cards {
                let own: Vec<_> = moves.iter().filter(|row| row.owner == card.id).collect();
                assert_eq!((own[0].what, own[0].at), (step::CREATED, card.created));
                let last = own.last().unwrap();
                assert_eq!((last.stage, last.semantic), (card.stage, card.semantic));
                let finals = own.iter().filter(|row| row.what == step::FINAL).count();
                assert_eq!(finals, usize::from(card.semantic != b'P'), "{}", card.id);
            }
        }
    }

    #[test]
    fn records_hang_on_rows_that_exist_and_lie_in_the_past() {
        let company = company();
        let end = company.end();
        assert!(company.calls().len() > 1_500, "{}", company.calls().len());
        for call in company.calls() {
            assert!(call.at < end && call.code != 0 && call.phone != 0);
            let row = &company.activities()[company
                .activities()
                .partition_point(|a| a.id < call.activity)];
            assert_eq!((row.id, row.start), (call.activity, call.at));
        }
        assert!(company.activities().is_sorted_by(|a, b| a.id < b.id));
        for row in company.activities() {
            assert!(row.provider != 0 && row.subject != 0 && row.created < end);
        }
        let invoices = company.invoices();
        let paid = invoices.iter().filter(|row| row.paid != NO_TIME).count();
        assert!(invoices.len() > 150 && paid > 100 && paid < invoices.len());
        for invoice in invoices {
            let deal = company.deals.get(invoice.deal).unwrap();
            assert_eq!(invoice.opportunity, deal.opportunity.max(0));
        }
        assert!(company.tasks().len() > 100);
        assert_eq!(
            company.moves(Owner::Invoice).iter().map(|m| m.owner).max(),
            Some(u32::try_from(invoices.len()).unwrap())
        );
    }
}
