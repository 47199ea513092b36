//! Wire to records: every row is parsed once; what cannot be read is set aside with its reason.

use std::collections::HashMap;

use crate::bitrix24::wire;
use crate::domain::calendar::Instant;
use crate::domain::crm::{
    Category, Currency, Deal, Department, Directory, Lead, Semantics, Status, User,
};
use crate::domain::money::Money;

/// A row set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// `lead`, `deal`, `user`, …
    pub entity: &'static str,
    /// Its id in the CRM, as far as it can be seen.
    pub id: String,
    /// Why it cannot be read.
    pub reason: String,
}

impl Reject {
    fn new(entity: &'static str, id: Option<&str>, reason: impl Into<String>) -> Reject {
        Reject {
            entity,
            id: id.unwrap_or_default().to_owned(),
            reason: reason.into(),
        }
    }
}

impl From<wire::Unreadable> for Reject {
    fn from(row: wire::Unreadable) -> Reject {
        Reject {
            entity: row.entity,
            id: row.id,
            reason: row.reason,
        }
    }
}

/// Reads records, given the directory that says what stages mean.
#[derive(Debug)]
pub struct Ingest {
    lead_statuses: HashMap<String, Semantics>,
    deal_stages: HashMap<String, Semantics>,
    base_currency: String,
}

/// The directory of lead statuses.
const LEAD_STATUSES: &str = "STATUS";
/// The directory of the default pipeline's stages; others end with the pipeline's id.
const DEAL_STAGES: &str = "DEAL_STAGE";
/// The directory of sources.
const SOURCES: &str = "SOURCE";

impl Ingest {
    /// Prepares for rows that refer to this directory.
    pub fn new(directory: &Directory) -> Ingest {
        let of = |wanted: &dyn Fn(&str) -> bool| {
            let statuses = directory
                .statuses
                .iter()
                .filter(|status| wanted(&status.entity));
            statuses
                .filter_map(|s| Some((s.code.clone(), s.semantics?)))
                .collect()
        };
        let base = directory.currencies.iter().find(|currency| currency.base);
        Ingest {
            lead_statuses: of(&|entity| entity == LEAD_STATUSES),
            deal_stages: of(&is_deal_stages),
            base_currency: base
                .map(|currency| currency.code.clone())
                .unwrap_or_default(),
        }
    }

    /// Reads a lead.
    ///
    /// # Errors
    /// The reason why it cannot be counted.
    pub fn lead(&self, row: &wire::Lead) -> Result<Lead, Reject> {
        let reject = |reason: String| Reject::new("lead", row.id.as_deref(), reason);
        let id = need_id(row.id.as_deref()).map_err(reject)?;
        let created = need_time(row.date_create.as_deref(), "DATE_CREATE").map_err(reject)?;
        let modified = time(row.date_modify.as_deref(), "DATE_MODIFY").map_err(reject)?;
        let closed = time(row.date_closed.as_deref(), "DATE_CLOSED").map_err(reject)?;
        let status = need(row.status_id.as_deref(), "STATUS_ID").map_err(reject)?;
        let told = row.status_semantic_id.as_deref();
        let semantics = semantics(told, status, &self.lead_statuses).map_err(reject)?;
        Ok(Lead {
            id,
            created,
            modified: modified.unwrap_or(created),
            closed: closed.filter(|_| semantics != Semantics::InWork),
            status: status.to_owned(),
            semantics,
            source: text(row.source_id.as_deref()),
            amount: amount(row.opportunity.as_deref()).map_err(reject)?,
            currency: self.currency(row.currency_id.as_deref()),
            responsible: row
                .assigned_by_id
                .as_deref()
                .and_then(wire::id)
                .unwrap_or(0),
        })
    }

    /// Reads a deal.
    ///
    /// # Errors
    /// The reason why it cannot be counted.
    pub fn deal(&self, row: &wire::Deal) -> Result<Deal, Reject> {
        let reject = |reason: String| Reject::new("deal", row.id.as_deref(), reason);
        let id = need_id(row.id.as_deref()).map_err(reject)?;
        let created = need_time(row.date_create.as_deref(), "DATE_CREATE").map_err(reject)?;
        let modified = time(row.date_modify.as_deref(), "DATE_MODIFY").map_err(reject)?;
        let closed = time(row.closedate.as_deref(), "CLOSEDATE").map_err(reject)?;
        let stage = need(row.stage_id.as_deref(), "STAGE_ID").map_err(reject)?;
        let told = row.stage_semantic_id.as_deref();
        let semantics = semantics(told, stage, &self.deal_stages).map_err(reject)?;
        Ok(Deal {
            id,
            lead: row.lead_id.as_deref().and_then(wire::id),
            category: category(row.category_id.as_deref()).map_err(reject)?,
            stage: stage.to_owned(),
            semantics,
            amount: amount(row.opportunity.as_deref()).map_err(reject)?,
            currency: self.currency(row.currency_id.as_deref()),
            responsible: row
                .assigned_by_id
                .as_deref()
                .and_then(wire::id)
                .unwrap_or(0),
            source: text(row.source_id.as_deref()),
            created,
            modified: modified.unwrap_or(created),
            closed,
        })
    }

    /// A record without a currency is in the base currency.
    fn currency(&self, code: Option<&str>) -> String {
        text(code).unwrap_or_else(|| self.base_currency.clone())
    }
}

fn is_deal_stages(entity: &str) -> bool {
    entity
        .strip_prefix(DEAL_STAGES)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

/// A text; null, `""` and `"0"` are none.
fn text(value: Option<&str>) -> Option<String> {
    let value = value?.trim();
    (!value.is_empty() && value != "0").then(|| value.to_owned())
}

fn need<'a>(value: Option<&'a str>, field: &str) -> Result<&'a str, String> {
    match value.map(str::trim) {
        Some(value) if !value.is_empty() => Ok(value),
        _ => Err(format!("{field} is missing")),
    }
}

fn need_id(value: Option<&str>) -> Result<u64, String> {
    value
        .and_then(wire::id)
        .ok_or_else(|| "ID is not a positive whole number".to_owned())
}

/// An instant; null, `""` and `"0"` are none, anything else unreadable is an error.
fn time(value: Option<&str>, field: &str) -> Result<Option<Instant>, String> {
    let Some(value) = text(value) else {
        return Ok(None);
    };
    match wire::time(&value) {
        Some(time) => Ok(Some(time.to_utc())),
        None => Err(format!(
            "{field} is not a time with an offset: {}",
            shown(&value)
        )),
    }
}

fn need_time(value: Option<&str>, field: &str) -> Result<Instant, String> {
    time(value, field)?.ok_or_else(|| format!("{field} is missing"))
}

/// An amount; none and zero count as not given.
fn amount(value: Option<&str>) -> Result<Option<Money>, String> {
    let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    match Money::parse(value) {
        Ok(money) => Ok(Some(money).filter(|money| *money != Money::ZERO)),
        Err(error) => Err(format!(
            "OPPORTUNITY {} is not an amount: {error}",
            shown(value)
        )),
    }
}

fn category(value: Option<&str>) -> Result<u64, String> {
    let Some(value) = text(value) else {
        return Ok(0);
    };
    let number = value.parse();
    number.map_err(|_| format!("CATEGORY_ID is not a whole number: {}", shown(&value)))
}

/// What a stage means: as told with the record, otherwise as its directory says.
fn semantics(
    told: Option<&str>,
    code: &str,
    directory: &HashMap<String, Semantics>,
) -> Result<Semantics, String> {
    match told.map(str::trim) {
        Some("P") => Ok(Semantics::InWork),
        Some("S") => Ok(Semantics::Success),
        Some("F") => Ok(Semantics::Failure),
        _ => directory.get(code).copied().ok_or_else(|| {
            format!(
                "what the stage {} means is told neither here nor in the directory",
                shown(code)
            )
        }),
    }
}

/// The beginning of a text from outside, for a reason that people read.
fn shown(value: &str) -> String {
    const CHARACTERS: usize = 40;
    let mut text: String = value.chars().take(CHARACTERS).collect();
    if value.chars().nth(CHARACTERS).is_some() {
        text.push('…');
    }
    format!("“{text}”")
}

/// Reads the directories. What the portal refused this time is taken from `before`.
pub fn directory(rows: wire::Directory, before: Directory) -> (Directory, Vec<Reject>) {
    let mut rejects = Vec::new();
    let mut read = Directory {
        users: part(rows.users, before.users, &mut rejects, user),
        departments: part(
            rows.departments,
            before.departments,
            &mut rejects,
            department,
        ),
        statuses: match rows.statuses {
            Some(rows) => rows.into_iter().filter_map(status).collect(),
            None => before.statuses,
        },
        categories: part(rows.categories, before.categories, &mut rejects, pipeline),
        currencies: part(rows.currencies, before.currencies, &mut rejects, currency),
    };
    // A currency told twice counts once, and as the base one if it is that somewhere.
    read.currencies.sort_by_key(|currency| !currency.base);
    let mut known = Vec::new();
    read.currencies.retain(|currency| {
        let new = !known.contains(&currency.code);
        known.push(currency.code.clone());
        new
    });
    (read, rejects)
}

fn part<W, R>(
    rows: Option<Vec<W>>,
    before: Vec<R>,
    rejects: &mut Vec<Reject>,
    read: impl Fn(W) -> Result<R, Reject>,
) -> Vec<R> {
    let Some(rows) = rows else { return before };
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        match read(row) {
            Ok(record) => records.push(record),
            Err(reject) => rejects.push(reject),
        }
    }
    records
}

fn user(row: wire::User) -> Result<User, Reject> {
    let reject = |reason: String| Reject::new("user", row.id.as_deref(), reason);
    let id = need_id(row.id.as_deref()).map_err(reject)?;
    let parts = [row.name.as_deref(), row.last_name.as_deref()];
    let parts: Vec<&str> = parts
        .into_iter()
        .flatten()
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    let name = if parts.is_empty() {
        format!("#{id}")
    } else {
        parts.join(" ")
    };
    Ok(User {
        id,
        name,
        active: !matches!(row.active.as_deref(), Some("false" | "N" | "0")),
        departments: row
            .uf_department
            .iter()
            .filter_map(|text| wire::id(text))
            .collect(),
    })
}

fn department(row: wire::Department) -> Result<Department, Reject> {
    let id = need_id(row.id.as_deref())
        .map_err(|reason| Reject::new("department", row.id.as_deref(), reason))?;
    Ok(Department {
        id,
        name: text(row.name.as_deref()).unwrap_or_else(|| format!("#{id}")),
        parent: row.parent.as_deref().and_then(wire::id),
        head: row.uf_head.as_deref().and_then(wire::id),
    })
}

/// Keeps lead statuses, deal stages and sources; the portal has many more directories.
fn status(row: wire::Status) -> Option<Status> {
    let entity = row.entity_id?;
    let has_semantics = entity == LEAD_STATUSES || is_deal_stages(&entity);
    if !has_semantics && entity != SOURCES {
        return None;
    }
    let code = row.status_id?;
    let told = row.extra.semantics.as_deref().or(row.semantics.as_deref());
    let semantics = match told {
        Some("success" | "S") => Semantics::Success,
        Some("failure" | "apology" | "F") => Semantics::Failure,
        _ => Semantics::InWork,
    };
    Some(Status {
        entity,
        name: row
            .name
            .filter(|name| !name.trim().is_empty())
            .unwrap_or_else(|| code.clone()),
        code,
        semantics: has_semantics.then_some(semantics),
        sort: row
            .sort
            .as_deref()
            .and_then(|sort| sort.parse().ok())
            .unwrap_or_default(),
    })
}

fn pipeline(row: wire::Category) -> Result<Category, Reject> {
    // Zero is a good id here: the default pipeline's.
    let Some(id) = row.id.as_deref().and_then(|id| id.parse().ok()) else {
        return Err(Reject::new(
            "category",
            row.id.as_deref(),
            "id is not a whole number",
        ));
    };
    Ok(Category {
        id,
        name: text(row.name.as_deref()).unwrap_or_else(|| format!("#{id}")),
    })
}

fn currency(row: wire::Currency) -> Result<Currency, Reject> {
    let reject = |reason: String| Reject::new("currency", row.currency.as_deref(), reason);
    let code = need(row.currency.as_deref(), "CURRENCY")
        .map_err(reject)?
        .to_owned();
    let amount = need(row.amount.as_deref(), "AMOUNT").map_err(reject)?;
    let amount = Money::parse(amount).map_err(|error| {
        reject(format!(
            "AMOUNT {} is not an amount: {error}",
            shown(amount)
        ))
    })?;
    let count = row.amount_cnt.as_deref().unwrap_or("1");
    let count = wire::id(count).ok_or_else(|| {
        reject(format!(
            "AMOUNT_CNT is not a positive number: {}",
            shown(count)
        ))
    })?;
    Ok(Currency {
        code,
        amount,
        count,
        base: row.base.as_deref() == Some("Y"),
    })
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone, Utc};

    use super::*;

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn ingest() -> Ingest {
        let status = |entity: &str, code: &str, semantics| Status {
            entity: entity.to_owned(),
            code: code.to_owned(),
            name: code.to_owned(),
            semantics: Some(semantics),
            sort: 10,
        };
        Ingest::new(&Directory {
            statuses: vec![
                status("STATUS", "JUNK", Semantics::Failure),
                status("STATUS", "SAME", Semantics::InWork),
                status("DEAL_STAGE_2", "C2:WON", Semantics::Success),
                status("DEAL_STAGE", "SAME", Semantics::Failure),
            ],
            currencies: vec![Currency {
                code: "RUB".to_owned(),
                amount: Money::parse("1").expect("money"),
                count: 1,
                base: true,
            }],
            ..Directory::default()
        })
    }

    fn lead() -> wire::Lead {
        wire::Lead {
            id: some("5"),
            date_create: some("2021-05-31T15:10:16+02:00"),
            date_modify: some("2021-11-26T18:56:13+02:00"),
            date_closed: some("2021-07-16T16:43:44+02:00"),
            status_id: some("CONVERTED"),
            status_semantic_id: some("S"),
            source_id: some("14|WZ_WHATSAPP_1"),
            opportunity: some("15000.50"),
            currency_id: some("USD"),
            assigned_by_id: some("1"),
        }
    }

    #[test]
    fn a_lead_is_read_exactly() {
        assert_eq!(
            ingest().lead(&lead()).expect("a lead"),
            Lead {
                id: 5,
                created: Utc
                    .with_ymd_and_hms(2021, 5, 31, 13, 10, 16)
                    .single()
                    .expect("a time"),
                modified: Utc
                    .with_ymd_and_hms(2021, 11, 26, 16, 56, 13)
                    .single()
                    .expect("a time"),
                closed: Utc.with_ymd_and_hms(2021, 7, 16, 14, 43, 44).single(),
                status: "CONVERTED".to_owned(),
                semantics: Semantics::Success,
                source: some("14|WZ_WHATSAPP_1"),
                amount: Some(Money::parse("15000.5").expect("money")),
                currency: "USD".to_owned(),
                responsible: 1,
            }
        );
    }

    #[test]
    fn null_empty_and_zero_are_none() {
        for none in [None, some(""), some("0"), some(" ")] {
            let row = wire::Lead {
                source_id: none.clone(),
                currency_id: none.clone(),
                assigned_by_id: none.clone(),
                date_closed: none.clone(),
                date_modify: none,
                ..lead()
            };
            let lead = ingest().lead(&row).expect("a lead");
            assert_eq!(
                (lead.source, lead.closed, lead.responsible),
                (None, None, 0)
            );
            assert_eq!(
                (lead.currency.as_str(), lead.modified),
                ("RUB", lead.created)
            );
        }
        for zero in [None, some(""), some("0"), some("0.00"), some("-0.0000")] {
            let row = wire::Lead {
                opportunity: zero,
                ..lead()
            };
            assert_eq!(ingest().lead(&row).expect("a lead").amount, None);
        }
    }

    #[test]
    fn a_lead_in_work_is_not_closed() {
        let row = wire::Lead {
            status_semantic_id: some("P"),
            ..lead()
        };
        assert_eq!(ingest().lead(&row).expect("a lead").closed, None);
    }

    #[test]
    fn semantics_not_told_come_from_the_own_directory() {
        for (told, code, lead_means, deal_means) in [
            (
                some("P"),
                "JUNK",
                Some(Semantics::InWork),
                Some(Semantics::InWork),
            ),
            (None, "JUNK", Some(Semantics::Failure), None),
            (some("X"), "C2:WON", None, Some(Semantics::Success)),
            (
                some(""),
                "SAME",
                Some(Semantics::InWork),
                Some(Semantics::Failure),
            ),
        ] {
            let row = wire::Lead {
                status_semantic_id: told.clone(),
                status_id: some(code),
                ..lead()
            };
            assert_eq!(
                ingest().lead(&row).ok().map(|l| l.semantics),
                lead_means,
                "{code}"
            );
            let row = wire::Deal {
                stage_semantic_id: told,
                stage_id: some(code),
                ..deal()
            };
            assert_eq!(
                ingest().deal(&row).ok().map(|d| d.semantics),
                deal_means,
                "{code}"
            );
        }
    }

    fn deal() -> wire::Deal {
        wire::Deal {
            id: some("37"),
            lead_id: some("5"),
            category_id: some("2"),
            stage_id: some("C2:NEW"),
            stage_semantic_id: some("P"),
            opportunity: some("19999.99"),
            date_create: some("2024-09-02T18:37:18+02:00"),
            closedate: some("2024-09-09T00:00:00+02:00"),
            ..wire::Deal::default()
        }
    }

    #[test]
    fn a_deal_keeps_its_expected_date_and_its_lead() {
        let read = ingest().deal(&deal()).expect("a deal");
        assert_eq!((read.id, read.lead, read.category), (37, Some(5), 2));
        assert_eq!(
            read.closed,
            Utc.with_ymd_and_hms(2024, 9, 8, 22, 0, 0).single()
        );
        assert_eq!(read.amount, Some(Money::parse("19999.99").expect("money")));
        let row = wire::Deal {
            lead_id: some("0"),
            category_id: some("0"),
            ..deal()
        };
        let read = ingest().deal(&row).expect("a deal");
        assert_eq!((read.lead, read.category), (None, 0));
    }

    #[test]
    fn what_cannot_be_read_is_set_aside_with_its_reason() {
        for (row, reason) in [
            (wire::Lead { id: None, ..lead() }, "ID"),
            (
                wire::Lead {
                    date_create: None,
                    ..lead()
                },
                "DATE_CREATE is missing",
            ),
            (
                wire::Lead {
                    date_create: some("31.05.2021"),
                    ..lead()
                },
                "DATE_CREATE is not a time",
            ),
            (
                wire::Lead {
                    date_modify: some("2021-05-31 15:10:16"),
                    ..lead()
                },
                "DATE_MODIFY is not a time with an offset: “2021-05-31 15:10:16”",
            ),
            (
                wire::Lead {
                    status_id: some(""),
                    ..lead()
                },
                "STATUS_ID is missing",
            ),
            (
                wire::Lead {
                    opportunity: some("many"),
                    ..lead()
                },
                "OPPORTUNITY “many”",
            ),
            (
                wire::Lead {
                    status_semantic_id: None,
                    status_id: some("GONE"),
                    ..lead()
                },
                "the stage “GONE”",
            ),
        ] {
            let reject = ingest().lead(&row).expect_err(reason);
            assert_eq!(reject.entity, "lead");
            assert!(reject.reason.contains(reason), "{reject:?}");
        }
    }

    #[test]
    fn statuses_are_those_that_reports_need() {
        let row =
            |entity: &str, code: &str, semantics: Option<&str>, extra: Option<&str>| wire::Status {
                entity_id: some(entity),
                status_id: some(code),
                name: some("name"),
                sort: some("20"),
                semantics: semantics.map(str::to_owned),
                extra: wire::StatusExtra {
                    semantics: extra.map(str::to_owned),
                },
            };
        let rows = wire::Directory {
            statuses: Some(vec![
                row("STATUS", "NEW", None, Some("process")),
                row("STATUS", "OLD", None, None),
                row("DEAL_STAGE", "WON", Some("S"), Some("success")),
                row("DEAL_STAGE_3", "C3:LOSE", Some("F"), None),
                row("DEAL_STAGE_3", "C3:APOLOGY", Some("F"), Some("apology")),
                row("SOURCE", "CALL", None, None),
                row("HONORIFIC", "MR", None, None),
                row("DEAL_TYPE", "SALE", None, None),
            ]),
            ..wire::Directory::default()
        };
        let (read, rejects) = directory(rows, Directory::default());
        assert_eq!(rejects, []);
        let found: Vec<_> = read
            .statuses
            .iter()
            .map(|s| (s.code.as_str(), s.semantics))
            .collect();
        assert_eq!(
            found,
            [
                ("NEW", Some(Semantics::InWork)),
                ("OLD", Some(Semantics::InWork)),
                ("WON", Some(Semantics::Success)),
                ("C3:LOSE", Some(Semantics::Failure)),
                ("C3:APOLOGY", Some(Semantics::Failure)),
                ("CALL", None),
            ]
        );
    }

    #[test]
    fn directories_that_were_refused_stay_as_they_were() {
        let before = Directory {
            users: vec![User {
                id: 1,
                name: "A".into(),
                active: true,
                departments: vec![],
            }],
            ..Directory::default()
        };
        let (read, _) = directory(wire::Directory::default(), before.clone());
        assert_eq!(read, before);
        let rows = wire::Directory {
            users: Some(vec![]),
            ..wire::Directory::default()
        };
        assert_eq!(directory(rows, before).0.users, []);
    }

    fn user_row(id: &str, active: Option<&str>, name: &str, last_name: &str) -> wire::User {
        wire::User {
            id: some(id),
            active: active.map(str::to_owned),
            name: some(name),
            last_name: some(last_name),
            uf_department: vec!["3".to_owned(), "x".to_owned()],
        }
    }

    #[test]
    fn users_and_departments_are_read() {
        let users = vec![
            user_row("17", Some("false"), "Анна ", "Ким"),
            user_row("18", None, "", " "),
            wire::User::default(),
        ];
        let department = wire::Department {
            id: some("3"),
            name: some("Sales"),
            parent: some("1"),
            uf_head: some("0"),
        };
        let rows = wire::Directory {
            users: Some(users),
            departments: Some(vec![department]),
            categories: Some(vec![wire::Category {
                id: some("0"),
                name: some("General"),
            }]),
            ..wire::Directory::default()
        };
        let (read, rejects) = directory(rows, Directory::default());
        let users: Vec<_> = read
            .users
            .iter()
            .map(|u| (u.name.as_str(), u.active))
            .collect();
        assert_eq!(users, [("Анна Ким", false), ("#18", true)]);
        assert_eq!(read.users[0].departments, [3]);
        assert_eq!(
            (read.departments[0].parent, read.departments[0].head),
            (Some(1), None)
        );
        assert_eq!(
            read.categories,
            [Category {
                id: 0,
                name: "General".into()
            }]
        );
        assert_eq!(rejects.len(), 1);
        assert_eq!(rejects[0].entity, "user");
    }

    #[test]
    fn a_currency_counts_once_and_never_by_zero() {
        let rows = [
            ("USD", "68.7900", "1", "N"),
            ("USD", "1.0000", "1", "Y"),
            ("KZT", "19.5", "100", "N"),
            ("BAD", "1", "0", "N"),
        ];
        let rows = rows.map(|(code, amount, count, base)| wire::Currency {
            currency: some(code),
            amount: some(amount),
            amount_cnt: some(count),
            base: some(base),
        });
        let rows = wire::Directory {
            currencies: Some(rows.into()),
            ..Default::default()
        };
        let (read, rejects) = directory(rows, Directory::default());
        let found: Vec<_> = read
            .currencies
            .iter()
            .map(|c| (c.code.as_str(), c.base, c.count))
            .collect();
        assert_eq!(found, [("USD", true, 1), ("KZT", false, 100)]);
        let refused: Vec<_> = rejects.iter().map(|r| (r.entity, r.id.as_str())).collect();
        assert_eq!(refused, [("currency", "BAD")]);
    }
}
