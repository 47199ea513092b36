//! A small company for tests.

use chrono_tz::Europe::Moscow;

use super::{Card, Category, Company, Pool, Products, Table, User, directory, flag};

/// Leads 10, 20, …; odd ones come from WEB, even ones from CALL; lead 10 was changed last.
pub(crate) fn company(leads: u32) -> Company {
    let mut pool = Pool::new();
    let title = pool.intern("Lead #");
    let (new, web, call) = (pool.intern("NEW"), pool.intern("WEB"), pool.intern("CALL"));
    let rubles = pool.intern("RUB");
    let start = 1_767_225_600;
    let cards = (1..=leads).map(|number| {
        let mut card = Card::new(number * 10, start + i64::from(number) * 60);
        card.modified = start + 3_600 * i64::from(leads + 100 - number);
        card.title = title;
        card.set(flag::TITLE_ID, true);
        card.stage = new;
        card.source = if number % 2 == 1 { web } else { call };
        card.currency = rubles;
        card
    });
    let cards = cards.collect();
    let mut statuses = directory::lead_defaults(true);
    statuses.extend(directory::stage_defaults(0, true));
    directory::number(&mut statuses);
    let user = User {
        id: 1,
        name: "Анна".to_owned(),
        last_name: "Ким".to_owned(),
        active: true,
        departments: vec![1],
        ..User::default()
    };
    Company {
        name: "Ромашка".to_owned(),
        zone: Moscow,
        base_currency: "RUB".to_owned(),
        pool,
        leads: Table::new(cards, Vec::new()),
        deals: Table::default(),
        users: vec![user],
        departments: Vec::new(),
        statuses,
        categories: vec![Category {
            id: 0,
            name: "Общая".to_owned(),
            sort: 300,
        }],
        currencies: directory::currency_defaults("RUB", true),
        products: Products::default(),
        catalogue: Vec::new(),
        user_fields: Vec::new(),
        made: false,
        ledgers: super::ledger::Ledgers::default(),
    }
}
