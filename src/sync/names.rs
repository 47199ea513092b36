//! Where a cell is, in words that a person can follow: tab, whose row, indicator, month.

use std::collections::BTreeMap;

use crate::domain::calendar::Month;
use crate::domain::crm::Directory;
use crate::domain::plan::{CellKey, EMPLOYEE_TABLE, Member, PLAN_TABLE, TARGETS_TABLE};

use super::words::Words;

/// How many cells a sentence names before it counts the rest.
const CELLS_NAMED: usize = 4;

/// The names that cells are called by.
pub struct Names<'a> {
    /// The language.
    pub words: Words,
    users: BTreeMap<u64, &'a str>,
    departments: BTreeMap<u64, &'a str>,
}

impl<'a> Names<'a> {
    /// The names in a directory.
    pub fn of(words: Words, directory: &'a Directory) -> Names<'a> {
        let users = directory
            .users
            .iter()
            .map(|user| (user.id, user.name.as_str()));
        let departments = directory.departments.iter();
        Names {
            words,
            users: users.collect(),
            departments: departments.map(|one| (one.id, one.name.as_str())).collect(),
        }
    }

    /// What people call a member.
    pub fn member(&self, member: Member) -> String {
        match member {
            Member::User(id) => match self.users.get(&id) {
                Some(name) => (*name).to_owned(),
                None => self.words.unknown_user(id),
            },
            Member::Department(id) => match self.departments.get(&id) {
                Some(name) => (*name).to_owned(),
                None => self.words.unknown_department(id),
            },
        }
    }

    /// Where a cell of the plan file is: `«Сотрудники», Иванов, выручка, июнь 2026`.
    pub fn place(&self, key: &CellKey) -> String {
        let words = self.words;
        let tab = match key.table.as_str() {
            TARGETS_TABLE => words.tab_targets(),
            PLAN_TABLE => words.tab_plan(),
            EMPLOYEE_TABLE => words.tab_employees(),
            "plan_department" => words.tab_departments(),
            "costs" => words.tab_costs(),
            "scenario" => words.tab_scenario(),
            other => other,
        };
        let mut parts = vec![format!("«{tab}»")];
        match Member::of_row(&key.row) {
            Some((member, indicator)) => {
                parts.push(self.member(member));
                parts.push(words.metric(indicator));
            }
            None => parts.push(match key.row.strip_prefix("source:") {
                Some("") => words.no_source().to_owned(),
                Some(code) => code.to_owned(),
                None => words.metric(&key.row),
            }),
        }
        match Month::parse(&key.column) {
            Ok(month) => parts.push(words.month(month)),
            Err(_) if matches!(key.table.as_str(), TARGETS_TABLE | "scenario") => {}
            Err(_) => parts.push(words.year(&key.column)),
        }
        parts.join(", ")
    }

    /// Several cells: the first few by name, the others by their number.
    pub fn places(&self, keys: &[CellKey]) -> String {
        let named: Vec<String> = keys
            .iter()
            .take(CELLS_NAMED)
            .map(|key| self.place(key))
            .collect();
        let named = named.join("; ");
        match keys.len().saturating_sub(CELLS_NAMED) {
            0 => named,
            more => format!("{named}; {}", self.words.and_more(more)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::crm::User;

    #[test]
    fn a_cell_is_named_as_people_call_it() {
        let directory = Directory {
            users: vec![User {
                id: 17,
                name: "Анна Ли".to_owned(),
                active: true,
                departments: Vec::new(),
            }],
            ..Directory::default()
        };
        let names = Names::of(Words::Russian, &directory);
        let cases = [
            ("targets", "margin", "value", "«Цели», маржа"),
            (
                "plan_company",
                "revenue",
                "2026-06",
                "«План», выручка, июнь 2026",
            ),
            ("plan_company", "calls", "2026", "«План», звонки, год 2026"),
            (
                "plan_employee",
                "user:17/leads_created",
                "2026-06",
                "«Сотрудники», Анна Ли, лиды, июнь 2026",
            ),
            (
                "plan_department",
                "dept:4/weight",
                "2026",
                "«Отделы», Отдел 4, вес, год 2026",
            ),
        ];
        for (table, row, column, expected) in cases {
            assert_eq!(names.place(&CellKey::new(table, row, column)), expected);
        }
        let many = vec![CellKey::new("targets", "margin", "value"); 6];
        assert!(names.places(&many).ends_with("«Цели», маржа; и ещё 2"));
    }
}
