//! The fields of leads and deals: names of both method families, kinds, values, JSON.

use crate::company::{Card, Company, NO_MONEY, NO_TIME, Pool, Sym, flag, time};

use super::php;
pub(crate) use super::specs::{DEAL, LEAD, Spec};

/// Where a field's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Id,
    Title,
    Name,
    LastName,
    Stage,
    Semantic,
    Source,
    Currency,
    Opportunity,
    Assigned,
    CreatedBy,
    ModifiedBy,
    MovedBy,
    Created,
    Modified,
    Closed,
    Begun,
    Moved,
    Active,
    Contact,
    Company,
    Lead,
    Category,
    /// One of the five UTM marks.
    Mark(usize),
    /// A bit of the row's flags.
    Flag(u16),
    /// Computed by the portal: a contact or a company is known.
    ReturnLead,
    /// A field without a column, by its code in the pool.
    Other(Sym),
    /// A field without a column whose absence has a word of its own, as JSON.
    OtherOr(Sym, &'static str),
    /// The same text of JSON for every row.
    Fixed(&'static str),
}

/// What a field's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Id,
    Money,
    Time,
    Date,
    Text,
    Code,
    Flag,
}

/// Leads or deals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entity {
    Lead,
    Deal,
}

/// How an answer writes values: texts (crm.lead, crm.deal) or numbers (crm.item).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Text,
    Native,
}

impl Entity {
    /// The field table.
    pub(crate) fn specs(self) -> &'static [Spec] {
        match self {
            Self::Lead => LEAD,
            Self::Deal => DEAL,
        }
    }

    /// The rows.
    pub(crate) fn table(self, company: &Company) -> &crate::company::Table {
        match self {
            Self::Lead => &company.leads,
            Self::Deal => &company.deals,
        }
    }

    /// The field with this name, or nothing when the entity has none.
    pub(crate) fn field(self, company: &Company, style: Style, name: &str) -> Option<Field> {
        let known = self.specs().iter().find(|spec| match style {
            Style::Text => spec.name == name,
            Style::Native => spec.camel == name || spec.name == name,
        });
        if let Some(spec) = known {
            return Some(resolve(spec, &company.pool));
        }
        let custom = &self.table(company).custom;
        let known = |code: &Sym| style == Style::Native && camel(company.pool.text(*code)) == name;
        let found = company
            .pool
            .find(name)
            .filter(|code| custom.contains(code))
            .or_else(|| custom.iter().copied().find(known));
        found.map(Field::Other)
    }
}

/// The name that crm.item.* gives to a custom field: `UF_CRM_1720019876534` is
/// `ufCrm_1720019876534`, `UF_CRM_2_1639669411830` is `ufCrm2_1639669411830`, `UF_CRM_HELLO_WORLD`
/// is `ufCrmHelloWorld`. Only a number at the end keeps its underscore.
pub(crate) fn camel(name: &str) -> String {
    let parts: Vec<&str> = name.split('_').collect();
    let mut out = String::new();
    for (at, part) in parts.iter().enumerate() {
        let last = at + 1 == parts.len();
        if last && !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) {
            out.push('_');
        }
        push_word(&mut out, part, at == 0);
    }
    out
}

/// `PRODUCT_NAME` as `productName`.
pub(crate) fn camel_of(name: &str) -> String {
    let mut out = String::new();
    for (at, part) in name.split('_').enumerate() {
        push_word(&mut out, part, at == 0);
    }
    out
}

fn push_word(out: &mut String, word: &str, first: bool) {
    let lower = word.to_lowercase();
    let mut letters = lower.chars();
    if !first && let Some(letter) = letters.next() {
        out.extend(letter.to_uppercase());
    }
    out.push_str(letters.as_str());
}

/// The field of a table line, plain ones with their code in this company's pool.
pub(crate) fn resolve(spec: &Spec, pool: &Pool) -> Field {
    match spec.field {
        Field::Other(_) => pool
            .find(spec.name)
            .map_or(Field::Fixed("null"), Field::Other),
        Field::Fixed(json) => pool
            .find(spec.name)
            .map_or(spec.field, |code| Field::OtherOr(code, json)),
        field => field,
    }
}

impl Field {
    /// What its value is.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Id
            | Self::Assigned
            | Self::CreatedBy
            | Self::ModifiedBy
            | Self::MovedBy
            | Self::Contact
            | Self::Company
            | Self::Lead
            | Self::Category => Kind::Id,
            Self::Opportunity => Kind::Money,
            Self::Created | Self::Modified | Self::Moved | Self::Active => Kind::Time,
            Self::Closed | Self::Begun => Kind::Date,
            Self::Flag(_) | Self::ReturnLead => Kind::Flag,
            Self::Stage | Self::Source | Self::Currency | Self::Semantic => Kind::Code,
            Self::Title | Self::Name | Self::LastName => Kind::Text,
            Self::Mark(_) | Self::Other(_) | Self::OtherOr(..) | Self::Fixed(_) => Kind::Text,
        }
    }

    /// The value as a number: ids, hundredths, Unix seconds, flags as 1 and 0; absent as the
    /// lowest number.
    pub(crate) fn number(self, card: &Card) -> i64 {
        match self {
            Self::Id => i64::from(card.id),
            Self::Assigned => i64::from(card.assigned),
            Self::CreatedBy => i64::from(card.created_by),
            Self::ModifiedBy => i64::from(card.modified_by),
            Self::MovedBy => i64::from(card.moved_by),
            Self::Contact => i64::from(card.contact),
            Self::Company => i64::from(card.company),
            Self::Lead => i64::from(card.lead),
            Self::Category => i64::from(card.category),
            Self::Opportunity => card.opportunity,
            Self::Created => card.created,
            Self::Modified => card.modified,
            Self::Closed => card.closed,
            Self::Begun => card.begun,
            Self::Moved => card.moved,
            Self::Active => card.active,
            Self::Flag(bit) => i64::from(card.flags & bit != 0),
            Self::ReturnLead => i64::from(card.contact != 0 || card.company != 0),
            _ => 0,
        }
    }

    /// The value as a text, for comparisons and order.
    pub(crate) fn text<'a>(self, card: &'a Card, pool: &'a Pool) -> std::borrow::Cow<'a, str> {
        let text = match self {
            Self::Title if card.flags & flag::TITLE_ID != 0 => {
                return format!("{}{}", pool.text(card.title), card.id).into();
            }
            Self::Title => pool.text(card.title),
            Self::Name => pool.text(card.name),
            Self::LastName => pool.text(card.last_name),
            Self::Stage => pool.text(card.stage),
            Self::Source => pool.text(card.source),
            Self::Currency => pool.text(card.currency),
            Self::Semantic => semantic(card),
            Self::Mark(at) => pool.text(pool.utm(card.marks).get(at).copied().unwrap_or(0)),
            Self::Other(code) => {
                let json = card.extra(code).unwrap_or("\"\"");
                return serde_json::from_str::<String>(json)
                    .unwrap_or_else(|_| json.into())
                    .into();
            }
            Self::OtherOr(code, json) if card.extra(code).is_none() => json.trim_matches('"'),
            Self::OtherOr(code, _) => return Self::Other(code).text(card, pool),
            Self::Fixed(json) => json.trim_matches('"'),
            _ => "",
        };
        text.into()
    }

    /// Appends the value as JSON.
    pub(crate) fn write(self, out: &mut Vec<u8>, card: &Card, company: &Company, style: Style) {
        match self.kind() {
            Kind::Id => self.write_id(out, card, style),
            Kind::Money => write_money(out, card.opportunity, style),
            Kind::Time | Kind::Date => match (self.number(card), style) {
                (NO_TIME, Style::Text) => out.extend_from_slice(b"\"\""),
                (NO_TIME, Style::Native) => out.extend_from_slice(b"null"),
                (seconds, _) => {
                    out.push(b'"');
                    time::write(out, company.zone, seconds);
                    out.push(b'"');
                }
            },
            Kind::Flag => {
                let yes = self.number(card) != 0;
                out.extend_from_slice(if yes { b"\"Y\"" } else { b"\"N\"" });
            }
            Kind::Code | Kind::Text => match self {
                Self::Fixed(json) => out.extend_from_slice(json.as_bytes()),
                Self::Other(code) => {
                    let json = card.extra(code).unwrap_or("null");
                    // The universal methods give an enumeration's ids as numbers.
                    let bare = style == Style::Native && company.is_enumeration(code);
                    let json = if bare { json.trim_matches('"') } else { json };
                    out.extend_from_slice(json.as_bytes());
                }
                Self::OtherOr(code, json) => {
                    out.extend_from_slice(card.extra(code).unwrap_or(json).as_bytes());
                }
                _ => {
                    let text = self.text(card, &company.pool);
                    if text.is_empty() {
                        out.extend_from_slice(b"null");
                    } else {
                        php::write_text(out, &text);
                    }
                }
            },
        }
    }

    fn write_id(self, out: &mut Vec<u8>, card: &Card, style: Style) {
        let number = self.number(card).unsigned_abs();
        // Real answers mix both words for "none": null here, "0" there.
        let none = match self {
            Self::Contact | Self::Lead => number == 0,
            Self::Company => number == 0 && card.id.is_multiple_of(2),
            _ => false,
        };
        match style {
            Style::Text if none => out.extend_from_slice(b"null"),
            Style::Text => {
                out.push(b'"');
                php::write_number(out, number);
                out.push(b'"');
            }
            Style::Native if self == Self::Lead && none => out.extend_from_slice(b"null"),
            Style::Native => php::write_number(out, number),
        }
    }
}

fn semantic(card: &Card) -> &'static str {
    match card.semantic {
        b'S' => "S",
        b'F' => "F",
        _ => "P",
    }
}

fn write_money(out: &mut Vec<u8>, cents: i64, style: Style) {
    if cents == NO_MONEY {
        out.extend_from_slice(if style == Style::Text { b"null" } else { b"0" });
        return;
    }
    let (units, rest) = (cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
    if style == Style::Text {
        out.push(b'"');
    }
    if cents < 0 {
        out.push(b'-');
    }
    php::write_number(out, units);
    if style == Style::Text || rest != 0 {
        out.push(b'.');
        php::write_number(out, rest / 10);
        if style == Style::Text || rest % 10 != 0 {
            php::write_number(out, rest % 10);
        }
    }
    if style == Style::Text {
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_texts_here_and_numbers_there() {
        let cases = [
            (1_500_000, "\"15000.00\"", "15000"),
            (99_990, "\"999.90\"", "999.9"),
            (105, "\"1.05\"", "1.05"),
            (0, "\"0.00\"", "0"),
            (-50, "\"-0.50\"", "-0.5"),
            (NO_MONEY, "null", "0"),
        ];
        for (cents, text, native) in cases {
            for (style, wanted) in [(Style::Text, text), (Style::Native, native)] {
                let mut out = Vec::new();
                write_money(&mut out, cents, style);
                assert_eq!(String::from_utf8(out).unwrap(), wanted);
            }
        }
    }

    #[test]
    fn custom_fields_have_the_names_of_the_universal_methods() {
        for (name, wanted) in [
            ("UF_CRM_1720019876534", "ufCrm_1720019876534"),
            ("UF_CRM_2_1639669411830", "ufCrm2_1639669411830"),
            ("UF_CRM_HELLO_WORLD", "ufCrmHelloWorld"),
        ] {
            assert_eq!(camel(name), wanted);
        }
        assert_eq!(camel_of("DISCOUNT_TYPE_ID"), "discountTypeId");
    }

    #[test]
    fn every_name_stands_once_in_a_table() {
        for specs in [LEAD, DEAL] {
            for (at, spec) in specs.iter().enumerate() {
                let before = &specs[..at];
                assert!(
                    before.iter().all(|other| other.name != spec.name),
                    "{}",
                    spec.name
                );
                assert!(
                    before.iter().all(|other| other.camel != spec.camel),
                    "{}",
                    spec.camel
                );
            }
        }
    }
}
