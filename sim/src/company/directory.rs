//! Directories that every portal is born with, and entries that data add to them.

use super::chronicle::{INVOICE_PIPELINE, INVOICE_STAGES};
use super::{Currency, Status};

/// Codes, Russian and English names, semantics and group of the lead statuses of a new portal.
const LEAD_STATUSES: [(&str, &str, &str, Option<char>, &str); 5] = [
    ("NEW", "Не обработан", "Unassigned", None, "process"),
    ("IN_PROCESS", "В работе", "In progress", None, "process"),
    ("PROCESSED", "Обработан", "Processed", None, "process"),
    (
        "CONVERTED",
        "Качественный лид",
        "Good lead",
        Some('S'),
        "success",
    ),
    (
        "JUNK",
        "Некачественный лид",
        "Junk lead",
        Some('F'),
        "failure",
    ),
];

/// Codes and names of the sources of a new portal.
const SOURCES: [(&str, &str, &str); 12] = [
    ("CALL", "Звонок", "Call"),
    ("EMAIL", "Электронная почта", "E-Mail"),
    ("WEB", "Веб-сайт", "Website"),
    ("ADVERTISING", "Реклама", "Advertising"),
    ("PARTNER", "Существующий клиент", "Existing client"),
    ("RECOMMENDATION", "По рекомендации", "Recommendation"),
    ("TRADE_SHOW", "Выставка", "Trade show"),
    ("WEBFORM", "CRM-форма", "CRM form"),
    ("CALLBACK", "Обратный звонок", "Callback"),
    ("RC_GENERATOR", "Генератор продаж", "Sales boost"),
    ("STORE", "Интернет-магазин", "Online store"),
    ("OTHER", "Другое", "Other"),
];

/// Codes, names, semantics and group of the deal stages of a new pipeline.
const DEAL_STAGES: [(&str, &str, &str, Option<char>, &str); 8] = [
    ("NEW", "Новая", "New", None, "process"),
    (
        "PREPARATION",
        "Подготовка документов",
        "Document preparation",
        None,
        "process",
    ),
    (
        "PREPAYMENT_INVOICE",
        "Cчёт на предоплату",
        "Prepayment invoice",
        None,
        "process",
    ),
    ("EXECUTING", "В работе", "In progress", None, "process"),
    (
        "FINAL_INVOICE",
        "Финальный счёт",
        "Final invoice",
        None,
        "process",
    ),
    ("WON", "Сделка успешна", "Deal won", Some('S'), "success"),
    (
        "LOSE",
        "Сделка провалена",
        "Deal lost",
        Some('F'),
        "failure",
    ),
    (
        "APOLOGY",
        "Анализ причины провала",
        "Analyze failure",
        Some('F'),
        "apology",
    ),
];

/// The stages of smart invoices.
pub(super) fn invoice_stages(russian: bool) -> Vec<Status> {
    let stages = [
        ("Новый", "New", None, "process"),
        ("Отправлен клиенту", "Sent to the client", None, "process"),
        ("Оплачен", "Paid", Some('S'), "success"),
        ("Не оплачен", "Unpaid", Some('F'), "failure"),
    ];
    let mut all = Vec::new();
    for ((sort, code), (ru, en, semantics, group)) in (1_i64..).zip(INVOICE_STAGES).zip(stages) {
        all.push(Status {
            entity: format!("SMART_INVOICE_STAGE_{INVOICE_PIPELINE}"),
            code: code.to_owned(),
            name: if russian { ru } else { en }.to_owned(),
            sort: sort * 10,
            system: true,
            category: Some(INVOICE_PIPELINE),
            semantics,
            group: group.to_owned(),
            ..Status::default()
        });
    }
    all
}

/// ENTITY_ID of a pipeline's stages.
pub(crate) fn stage_entity(category: u16) -> String {
    if category == 0 {
        "DEAL_STAGE".to_owned()
    } else {
        format!("DEAL_STAGE_{category}")
    }
}

/// STAGE_ID of a stage code within a pipeline.
pub(crate) fn stage_code(category: u16, code: &str) -> String {
    if category == 0 {
        code.to_owned()
    } else {
        format!("C{category}:{code}")
    }
}

/// The lead statuses and sources of a new portal.
pub(super) fn lead_defaults(russian: bool) -> Vec<Status> {
    let mut all = Vec::new();
    for (sort, (code, ru, en, semantics, group)) in (1_i64..).zip(LEAD_STATUSES) {
        all.push(Status {
            entity: "STATUS".to_owned(),
            code: code.to_owned(),
            name: if russian { ru } else { en }.to_owned(),
            sort: sort * 10,
            system: matches!(code, "NEW" | "CONVERTED" | "JUNK"),
            semantics,
            group: group.to_owned(),
            ..Status::default()
        });
    }
    for (sort, (code, ru, en)) in (1_i64..).zip(SOURCES) {
        all.push(Status {
            entity: "SOURCE".to_owned(),
            code: code.to_owned(),
            name: if russian { ru } else { en }.to_owned(),
            sort: sort * 10,
            system: true,
            ..Status::default()
        });
    }
    all
}

/// The stages of a new pipeline.
pub(super) fn stage_defaults(category: u16, russian: bool) -> Vec<Status> {
    let mut all = Vec::new();
    for (sort, (code, ru, en, semantics, group)) in (1_i64..).zip(DEAL_STAGES) {
        all.push(Status {
            entity: stage_entity(category),
            code: stage_code(category, code),
            name: if russian { ru } else { en }.to_owned(),
            sort: sort * 10,
            system: matches!(code, "NEW" | "WON" | "LOSE"),
            category: (category > 0).then_some(category),
            semantics,
            group: group.to_owned(),
            ..Status::default()
        });
    }
    all
}

/// An entry for a code that data use and no directory knows: its name is the code.
pub(super) fn adopted(entity: &str, code: &str, semantic: u8, category: Option<u16>) -> Status {
    let (semantics, group) = match semantic {
        b'S' => (Some('S'), "success"),
        b'F' => (Some('F'), "apology"),
        b'P' => (None, "process"),
        _ => (None, ""),
    };
    Status {
        entity: entity.to_owned(),
        code: code.to_owned(),
        name: code.to_owned(),
        sort: 500,
        category,
        semantics,
        group: group.to_owned(),
        ..Status::default()
    }
}

/// Gives every entry without an id the next odd one, as portals with replication do.
pub(super) fn number(statuses: &mut [Status]) {
    let mut last = statuses
        .iter()
        .map(|status| status.id)
        .max()
        .unwrap_or(0)
        .max(99);
    for status in statuses.iter_mut().filter(|status| status.id == 0) {
        last += 2;
        status.id = last;
    }
}

/// The base currency at 1 and, for roubles, three currencies at rates of the day.
pub(super) fn currency_defaults(base: &str, russian: bool) -> Vec<Currency> {
    let name = |code: &str| -> String {
        let known = match (code, russian) {
            ("RUB", true) => "Российский рубль",
            ("RUB", false) => "Russian ruble",
            ("USD", true) => "Доллар США",
            ("USD", false) => "United States dollar",
            ("EUR", true) => "Евро",
            ("EUR", false) => "Euro",
            ("CNY", true) => "Китайский юань",
            ("CNY", false) => "Chinese yuan",
            _ => code,
        };
        known.to_owned()
    };
    let mut all = vec![(base, "1.0000", "1")];
    if base == "RUB" {
        all.extend([
            ("USD", "81.4200", "1"),
            ("EUR", "94.1500", "1"),
            ("CNY", "113.6000", "10"),
        ]);
    }
    let currencies = (1_i64..)
        .zip(all)
        .map(|(sort, (code, amount, count))| Currency {
            code: code.to_owned(),
            name: name(code),
            amount: amount.to_owned(),
            count: count.to_owned(),
            sort: sort * 100,
        });
    currencies.collect()
}
