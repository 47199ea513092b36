//! Custom fields with their dictionaries: those that the made-up company defined for itself, and
//! texts for what an export brings along.

use super::chronicle::mix;
use super::{Card, Company, Sym};

/// Rows above which a made-up company fills in no custom fields: they would double its memory.
const MOST_FILLED_ROWS: usize = 100_000;

/// First id of a dictionary's entries.
const FIRST_ENTRY: u32 = 45;

/// One custom field of leads or deals, as crm.lead.userfield.list describes it.
#[derive(Clone, Debug)]
pub(crate) struct UserField {
    pub(crate) id: u32,
    /// Of leads; else of deals.
    pub(crate) lead: bool,
    /// FIELD_NAME.
    pub(crate) name: String,
    pub(crate) code: Sym,
    /// USER_TYPE_ID: `string`, `enumeration`, `money`, `date`.
    pub(crate) kind: &'static str,
    pub(crate) multiple: bool,
    pub(crate) label: String,
    /// Ids and values of an enumeration.
    pub(crate) list: Vec<(u32, String)>,
}

/// Name, whether of leads, type, multiplicity, label and values (Russian, English).
type Line = (
    &'static str,
    bool,
    &'static str,
    bool,
    (&'static str, &'static str),
    &'static [(&'static str, &'static str)],
);

const FIELDS: [Line; 4] = [
    (
        "UF_CRM_1700000001",
        true,
        "enumeration",
        false,
        ("Причина отказа", "Reason of refusal"),
        &[
            ("Дорого", "Too expensive"),
            ("Купил у других", "Bought elsewhere"),
            ("Нет в наличии", "Out of stock"),
            ("Не отвечает", "No answer"),
        ],
    ),
    (
        "UF_CRM_1700000002",
        false,
        "enumeration",
        true,
        ("Почему купил", "Why he bought"),
        &[
            ("Цена", "Price"),
            ("Срок", "Delivery time"),
            ("Рекомендация", "Recommendation"),
            ("Ассортимент", "Choice"),
            ("Сервис", "Service"),
        ],
    ),
    (
        "UF_CRM_1700000003",
        false,
        "money",
        false,
        ("Предоплата", "Prepayment"),
        &[],
    ),
    (
        "UF_CRM_DELIVERY_DATE",
        false,
        "date",
        false,
        ("Дата поставки", "Delivery date"),
        &[],
    ),
];

impl Company {
    /// Defines the made-up company's custom fields and fills them in where their size allows.
    pub(super) fn adorn(&mut self, russian: bool) {
        let mut entry = FIRST_ENTRY;
        for (at, (name, lead, kind, multiple, label, values)) in (1_u32..).zip(FIELDS) {
            let said = |(ru, en): (&str, &str)| if russian { ru } else { en }.to_owned();
            let list = values.iter().map(|value| {
                entry += 2;
                (entry, said(*value))
            });
            let field = UserField {
                id: 100 + at * 2,
                lead,
                name: name.to_owned(),
                code: self.pool.intern(name),
                kind,
                multiple,
                label: said(label),
                list: list.collect(),
            };
            let table = if lead {
                &mut self.leads
            } else {
                &mut self.deals
            };
            table.custom.push(field.code);
            self.user_fields.push(field);
        }
        for lead in [true, false] {
            let fields: Vec<UserField> = self
                .user_fields
                .iter()
                .filter(|field| field.lead == lead)
                .cloned()
                .collect();
            let zone = self.zone;
            let base = self.base_currency.clone();
            let table = if lead {
                &mut self.leads
            } else {
                &mut self.deals
            };
            if table.cards().len() > MOST_FILLED_ROWS {
                continue;
            }
            for card in table.cards_mut() {
                for field in &fields {
                    if let Some(json) = value(field, card, &base, zone) {
                        card.put_extra(field.code, &json);
                    }
                }
            }
        }
    }

    /// Describes the custom columns that an export brought along: all of them are texts.
    pub(super) fn describe_custom(&mut self) {
        let mut next = 101;
        for (lead, table) in [(true, &self.leads), (false, &self.deals)] {
            for code in &table.custom {
                let name = self.pool.text(*code).to_owned();
                self.user_fields.push(UserField {
                    id: next,
                    lead,
                    label: name.clone(),
                    name,
                    code: *code,
                    kind: "string",
                    multiple: false,
                    list: Vec::new(),
                });
                next += 2;
            }
        }
    }

    /// True when the field of leads and deals with this code is an enumeration.
    pub(crate) fn is_enumeration(&self, code: Sym) -> bool {
        self.user_fields
            .iter()
            .any(|field| field.code == code && field.kind == "enumeration")
    }
}

/// The value of a custom field on a card as JSON, for those who fill it in.
fn value(field: &UserField, card: &Card, base: &str, zone: chrono_tz::Tz) -> Option<String> {
    let luck = mix(u64::from(card.id), u64::from(field.id));
    let pick = |turn: u64| {
        let count = u64::try_from(field.list.len()).ok().filter(|n| *n > 0)?;
        let at = usize::try_from((luck >> turn) % count).ok()?;
        field.list.get(at).map(|(id, _)| *id)
    };
    match (field.kind, field.multiple) {
        ("enumeration", false) if card.semantic == b'F' && luck % 10 < 8 => {
            Some(format!("\"{}\"", pick(8)?))
        }
        ("enumeration", true) if card.semantic == b'S' && luck % 10 < 6 => {
            let (first, second) = (pick(8)?, pick(16)?);
            Some(if first == second {
                format!("[{first}]")
            } else {
                format!("[{first},{second}]")
            })
        }
        ("money", _) if luck % 10 < 3 && card.opportunity > 0 => {
            Some(format!("\"{}|{base}\"", card.opportunity / 300))
        }
        ("date", _) if luck % 10 < 4 => {
            let at = card.created - card.created.rem_euclid(86_400) + 20 * 86_400;
            Some(format!("\"{}\"", super::time::text(zone, at)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::company::{Locale, Size, Spec};

    #[test]
    fn failed_leads_name_a_reason_of_the_dictionary() {
        let company = Company::generate(&Spec {
            seed: 5,
            size: Size::Small,
            leads: Some(2_000),
            deals: Some(300),
            today: "2026-11-22".parse().unwrap(),
            locale: Locale::Ru,
        });
        let field = &company.user_fields[0];
        let failed = company.leads.cards().iter().filter(|c| c.semantic == b'F');
        let (mut filled, mut all) = (0, 0);
        for card in failed {
            all += 1;
            if let Some(json) = card.extra(field.code) {
                let id: u32 = json.trim_matches('"').parse().unwrap();
                assert!(field.list.iter().any(|(known, _)| *known == id), "{json}");
                filled += 1;
            }
        }
        assert!(filled * 10 > all * 7 && filled < all, "{filled} of {all}");
    }
}
