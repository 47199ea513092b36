//! Who stands in the plan's tree: departments and people by the CRM's structure and by the rows that are
//! there already.

use std::collections::{BTreeMap, BTreeSet};

use super::{DEPARTMENT_TABLE, EMPLOYEE_TABLE, Member};
use crate::domain::crm::Department;
use crate::domain::plan::{CellKey, PlanInput, Seen};
use crate::domain::slot::Metric;

/// Months before the current one within which somebody must have worked with leads or deals to be
/// planned.
const SEEN_MONTHS: i32 = 12;

/// A member and those below it.
pub(super) struct Node {
    pub(super) member: Option<Member>,
    pub(super) department: Option<u64>,
    pub(super) children: Vec<usize>,
    /// Whether the CRM has the member and he has not left.
    pub(super) is_active: bool,
}

/// The company (first) and its members, parents before children, in reading order.
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
}

impl Tree {
    pub(super) fn of(input: &PlanInput<'_>) -> Tree {
        let users = planned_users(input);
        let known: BTreeMap<u64, &Department> = input
            .directory
            .departments
            .iter()
            .map(|department| (department.id, department))
            .collect();
        let roots = known.values().filter(|one| above(one, &known).is_none());
        let roots: Vec<u64> = roots.map(|one| one.id).collect();
        // A single root is the company itself.
        let company = match roots.as_slice() {
            [one] => Some(*one),
            _ => None,
        };
        let home = |user: u64| {
            let user = input.directory.users.iter().find(|one| one.id == user)?;
            let department = user.departments.iter().find(|id| known.contains_key(id))?;
            Some(*department).filter(|id| Some(*id) != company)
        };
        let mut people: BTreeMap<Option<u64>, Vec<u64>> = BTreeMap::new();
        let mut wanted: BTreeSet<u64> = remembered(input)
            .filter_map(|member| match member {
                Member::Department(id) => Some(id),
                Member::User(_) => None,
            })
            .collect();
        for user in users {
            let home = home(user);
            people.entry(home).or_default().push(user);
            let mut at = home;
            while let Some(id) = at {
                if !wanted.insert(id) {
                    break;
                }
                at = known
                    .get(&id)
                    .and_then(|one| above(one, &known))
                    .filter(|id| Some(*id) != company);
            }
        }
        let mut below: BTreeMap<Option<u64>, Vec<u64>> = BTreeMap::new();
        for id in &wanted {
            let parent = known.get(id).and_then(|one| above(one, &known));
            let parent = parent.filter(|id| Some(*id) != company && wanted.contains(id));
            below.entry(parent).or_default().push(*id);
        }
        let mut tree = Tree {
            nodes: vec![Node {
                member: None,
                department: None,
                children: Vec::new(),
                is_active: true,
            }],
        };
        tree.grow(0, None, &below, &people, input, &known);
        tree
    }

    /// Adds the departments and people below a department (or the company), depth first.
    fn grow(
        &mut self,
        at: usize,
        department: Option<u64>,
        below: &BTreeMap<Option<u64>, Vec<u64>>,
        people: &BTreeMap<Option<u64>, Vec<u64>>,
        input: &PlanInput<'_>,
        known: &BTreeMap<u64, &Department>,
    ) {
        for id in people.get(&department).into_iter().flatten() {
            let active = |id: u64| {
                let mut users = input.directory.users.iter();
                users.any(|user| user.id == id && user.active)
            };
            self.add(at, Member::User(*id), department, active(*id));
        }
        for id in below.get(&department).into_iter().flatten() {
            let is_known = known.contains_key(id);
            let index = self.add(at, Member::Department(*id), department, is_known);
            self.grow(index, Some(*id), below, people, input, known);
        }
    }

    fn add(
        &mut self,
        parent: usize,
        member: Member,
        department: Option<u64>,
        is_active: bool,
    ) -> usize {
        let index = self.nodes.len();
        self.nodes.push(Node {
            member: Some(member),
            department,
            children: Vec::new(),
            is_active,
        });
        self.nodes[parent].children.push(index);
        index
    }
}

/// The department above, when it exists and is not below itself.
fn above(one: &Department, known: &BTreeMap<u64, &Department>) -> Option<u64> {
    let parent = one.parent?;
    let mut at = Some(parent);
    for _ in 0..=known.len() {
        match at {
            Some(id) if id == one.id => return None,
            Some(id) => at = known.get(&id).and_then(|one| one.parent),
            None => break,
        }
    }
    known.contains_key(&parent).then_some(parent)
}

/// Members that have rows already: in the store, or in the sheet.
pub(super) fn remembered<'a>(input: &'a PlanInput<'_>) -> impl Iterator<Item = Member> + 'a {
    let stored = [DEPARTMENT_TABLE, EMPLOYEE_TABLE]
        .into_iter()
        .flat_map(|table| {
            let from = CellKey::new(table, "", "");
            let rows = input.base.range(from..);
            rows.take_while(move |(key, _)| key.table == table)
                .map(|(key, _)| key.row.as_str())
        });
    let standing = input.standing.values().flatten().map(String::as_str);
    stored
        .chain(standing)
        .filter_map(|row| Some(Member::of_row(row)?.0))
}

/// Indicators of which a department or a person has a number, though the company may not plan them any
/// more: what people typed stays in force, and what the daemon wrote is to be taken back.
pub(super) fn held(input: &PlanInput<'_>) -> BTreeSet<Metric> {
    // What was divided once stays so, though blank: else its rows and notices would come and go.
    let remembered = input.base.iter();
    // Text too: as long as it stands there it is told.
    let shown = input.seen.iter().filter(|(_, seen)| **seen != Seen::Blank);
    let keys = remembered
        .map(|(key, _)| key)
        .chain(shown.map(|(key, _)| key));
    keys.filter(|key| key.table == DEPARTMENT_TABLE || key.table == EMPLOYEE_TABLE)
        .filter_map(|key| Metric::from_key(Member::of_row(&key.row)?.1))
        .collect()
}

/// Who is planned: those who have rows already, and those who work and had to do with leads or deals
/// within the last year.
fn planned_users(input: &PlanInput<'_>) -> BTreeSet<u64> {
    let first = input.current.plus(-SEEN_MONTHS);
    let months = (first, 0)..(input.current.next(), 0);
    let busy: BTreeSet<u64> = input
        .facts
        .managers
        .range(months)
        .map(|((_, user), _)| *user)
        .collect();
    let active = input
        .directory
        .users
        .iter()
        .filter(|user| user.active && busy.contains(&user.id))
        .map(|user| user.id);
    let mut users: BTreeSet<u64> = active.collect();
    users.extend(remembered(input).filter_map(|member| match member {
        Member::User(id) => Some(id),
        Member::Department(_) => None,
    }));
    users
}
