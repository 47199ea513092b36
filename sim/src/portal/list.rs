//! The list methods of leads and deals: filters, order, pages; answers in logarithmic time for
//! windows of ids and of DATE_MODIFY.

use std::cmp::Ordering;

use serde_json::Value;

use crate::company::{Card, Company, Pool, Table};

use super::access::Sight;
use super::answer::{Answer, Refusal};
use super::condition::{Condition, Op, Operand, condition, split_key};
use super::field::{Entity, Field, Kind, Style, resolve};
use super::params::Params;
use super::php;

/// Rows of one page, fixed by Bitrix24.
pub(crate) const PAGE_ROWS: usize = 50;

/// A part of a filter: one condition, or several joined by AND or OR.
enum Node {
    Leaf(Condition),
    All(Vec<Node>),
    Any(Vec<Node>),
}

impl Node {
    fn fits(&self, card: &Card, pool: &Pool) -> bool {
        match self {
            Self::Leaf(condition) => condition.fits(card, pool),
            Self::All(nodes) => nodes.iter().all(|node| node.fits(card, pool)),
            Self::Any(nodes) => nodes.iter().any(|node| node.fits(card, pool)),
        }
    }
}

/// Depth to which filters may be nested.
const MAX_DEPTH: usize = 16;

/// A list request, read.
pub(crate) struct Query {
    entity: Entity,
    style: Style,
    select: Vec<(Vec<u8>, Field)>,
    conditions: Vec<Condition>,
    /// Parts of the filter that are joined otherwise than by AND.
    nodes: Vec<Node>,
    order: Vec<(Field, bool)>,
    /// Custom fields keep their own names in the universal methods.
    original_names: bool,
    /// Ids asked for, both ends included.
    ids: (u32, u32),
    /// DATE_MODIFY asked for, both ends included.
    modified: (i64, i64),
    /// Row to start from; nothing counts nothing (`start=-1`).
    start: Option<usize>,
}

/// The rows of a page and how many match altogether.
struct Page {
    rows: Vec<usize>,
    total: Option<usize>,
}

impl Query {
    /// Reads select, filter, order and start; rows that the caller does not see never match.
    pub(crate) fn read(
        company: &Company,
        sight: &Sight,
        entity: Entity,
        style: Style,
        params: &Params<'_>,
    ) -> Result<Self, Refusal> {
        let start = params.text("start").map_or(0, |text| php::intval(&text));
        let mut query = Self {
            entity,
            style,
            select: Vec::new(),
            conditions: Vec::new(),
            nodes: Vec::new(),
            order: Vec::new(),
            original_names: params.text("useOriginalUfNames").as_deref() == Some("Y"),
            ids: (0, u32::MAX),
            modified: (i64::MIN, i64::MAX),
            start: usize::try_from(start).ok(),
        };
        query.read_select(company, params);
        query.read_filter(company, params)?;
        query.restrict(sight);
        query.read_order(company, params)?;
        Ok(query)
    }

    fn read_select(&mut self, company: &Company, params: &Params<'_>) {
        let mut names: Vec<String> = match params.get("select") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(list) => {
                let texts = php::entries(list)
                    .into_iter()
                    .filter_map(|(_, v)| php::scalar(v));
                texts.collect()
            }
            None => Vec::new(),
        };
        if names.is_empty() {
            names = vec!["*".to_owned(), "UF_*".to_owned()];
        }
        let mut chosen: Vec<(String, Field)> = Vec::new();
        let mut add = |name: &str, field: Field| {
            if chosen.iter().all(|(known, _)| known != name) {
                chosen.push((name.to_owned(), field));
            }
        };
        let shown = |spec: &super::field::Spec| match self.style {
            Style::Text => spec.name,
            Style::Native => spec.camel,
        };
        for name in &names {
            match name.as_str() {
                "*" => {
                    for spec in self.entity.specs() {
                        add(shown(spec), resolve(spec, &company.pool));
                    }
                }
                "UF_*" => {
                    for code in &self.entity.table(company).custom {
                        let name = company.pool.text(*code);
                        if self.style == Style::Text || self.original_names {
                            add(name, Field::Other(*code));
                        } else {
                            add(&super::field::camel(name), Field::Other(*code));
                        }
                    }
                }
                name => {
                    if let Some(field) = self.entity.field(company, self.style, name) {
                        add(name, field);
                    }
                }
            }
        }
        // The id comes along, asked for or not.
        if !chosen.iter().any(|(_, field)| *field == Field::Id) {
            let name = if self.style == Style::Text {
                "ID"
            } else {
                "id"
            };
            chosen.push((name.to_owned(), Field::Id));
        }
        for (name, field) in chosen {
            let mut key = Vec::with_capacity(name.len() + 3);
            php::write_text(&mut key, &name);
            key.push(b':');
            self.select.push((key, field));
        }
    }

    fn read_filter(&mut self, company: &Company, params: &Params<'_>) -> Result<(), Refusal> {
        let Some(filter) = params.get("filter") else {
            return Ok(());
        };
        if !php::is_array(filter) {
            if php::scalar(filter).is_some_and(|text| text.is_empty()) {
                return Ok(());
            }
            return Err(Refusal::plain("Parameter 'filter' must be array."));
        }
        match self.read_nodes(company, filter, 0)? {
            Node::All(nodes) => {
                for node in nodes {
                    match node {
                        Node::Leaf(condition) => {
                            self.narrow(&condition);
                            self.conditions.push(condition);
                        }
                        joined => self.nodes.push(joined),
                    }
                }
            }
            joined => self.nodes.push(joined),
        }
        Ok(())
    }

    /// A filter or a group within it. The universal methods know groups: entries with a number for a
    /// key, joined by AND unless `logic` says OR.
    fn read_nodes(&self, company: &Company, filter: &Value, depth: usize) -> Result<Node, Refusal> {
        let native = self.style == Style::Native;
        let mut nodes = Vec::new();
        let mut any = false;
        for (key, value) in php::entries(filter) {
            if native && key == "logic" {
                let word = php::scalar(value).unwrap_or_default();
                any = word.eq_ignore_ascii_case("or");
                continue;
            }
            let grouped = key.bytes().all(|byte| byte.is_ascii_digit()) && php::is_array(value);
            if native && grouped && depth < MAX_DEPTH {
                nodes.push(self.read_nodes(company, value, depth + 1)?);
                continue;
            }
            let (name, op) = split_key(&key);
            let Some(field) = self.entity.field(company, self.style, name) else {
                if native {
                    return Err(super::rows::not_allowed("filter", name));
                }
                // The old methods ignore what they do not know, silently.
                continue;
            };
            nodes.extend(condition(company, field, op, value).map(Node::Leaf));
        }
        Ok(if any {
            Node::Any(nodes)
        } else {
            Node::All(nodes)
        })
    }

    /// Adds what the caller's role hides.
    fn restrict(&mut self, sight: &Sight) {
        if let Some(users) = &sight.users {
            self.conditions.push(Condition {
                field: Field::Assigned,
                op: Op::Equal,
                operand: Operand::Numbers(users.iter().map(|id| i64::from(*id)).collect()),
            });
        }
        if !sight.hidden.is_empty() && self.entity == Entity::Deal {
            self.conditions.push(Condition {
                field: Field::Category,
                op: Op::Unequal,
                operand: Operand::Numbers(sight.hidden.iter().map(|id| i64::from(*id)).collect()),
            });
        }
    }

    /// Takes windows of ids and of DATE_MODIFY out of a condition.
    fn narrow(&mut self, condition: &Condition) {
        let Operand::Numbers(numbers) = &condition.operand else {
            return;
        };
        let [number] = numbers[..] else { return };
        let (low, high) = match condition.op {
            Op::Equal => (number, number),
            Op::Above => (number.saturating_add(1), i64::MAX),
            Op::AtLeast => (number, i64::MAX),
            Op::Below => (i64::MIN, number.saturating_sub(1)),
            Op::AtMost => (i64::MIN, number),
            Op::Unequal | Op::Like | Op::Unlike | Op::Between | Op::Outside => return,
        };
        if condition.field == Field::Id {
            let clamp = |n: i64| u32::try_from(n.clamp(0, i64::from(u32::MAX))).unwrap_or(0);
            self.ids = (self.ids.0.max(clamp(low)), self.ids.1.min(clamp(high)));
        }
        if condition.field == Field::Modified {
            self.modified = (self.modified.0.max(low), self.modified.1.min(high));
        }
    }

    fn read_order(&mut self, company: &Company, params: &Params<'_>) -> Result<(), Refusal> {
        let Some(order) = params.get("order") else {
            return Ok(());
        };
        for (name, way) in php::entries(order) {
            match self.entity.field(company, self.style, &name) {
                Some(field) => {
                    let way = php::scalar(way).unwrap_or_default();
                    self.order.push((field, way.eq_ignore_ascii_case("desc")));
                }
                None if self.style == Style::Native => {
                    return Err(super::rows::not_allowed("order", &name));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Runs the request.
    pub(crate) fn run(&self, company: &Company) -> Answer {
        let table = self.entity.table(company);
        let page = self.page(company, table);
        let mut out = Vec::with_capacity(page.rows.len() * self.select.len() * 24 + 16);
        out.extend_from_slice(if self.style == Style::Text {
            b""
        } else {
            b"{\"items\":"
        });
        out.push(b'[');
        for (at, row) in page.rows.iter().enumerate() {
            let Some(card) = table.cards().get(*row) else {
                continue;
            };
            out.extend_from_slice(if at == 0 { b"{" } else { b",{" });
            for (place, (key, field)) in self.select.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(key);
                field.write(&mut out, card, company, self.style);
            }
            out.push(b'}');
        }
        out.push(b']');
        out.extend_from_slice(if self.style == Style::Text { b"" } else { b"}" });
        let start = self.start.unwrap_or(0);
        let more = page.total.filter(|total| start + PAGE_ROWS < *total);
        Answer {
            result: out,
            // Without counting the portal says 0.
            total: Some(page.total.unwrap_or(0)),
            next: more.map(|_| start + PAGE_ROWS),
            pages: 1,
        }
    }

    fn page(&self, company: &Company, table: &Table) -> Page {
        let cards = table.cards();
        let low = cards.partition_point(|card| card.id < self.ids.0);
        let high = cards.partition_point(|card| card.id <= self.ids.1).max(low);
        let stamps = table.by_modified();
        let first = stamps.partition_point(|(at, _)| *at < self.modified.0);
        let last = stamps
            .partition_point(|(at, _)| *at <= self.modified.1)
            .max(first);
        let skip = self.start.unwrap_or(0);
        let fits = |row: usize| {
            let card = &cards[row];
            self.conditions
                .iter()
                .all(|condition| condition.fits(card, &company.pool))
                && self.nodes.iter().all(|node| node.fits(card, &company.pool))
        };
        match self.order.first() {
            None | Some((Field::Id, _)) => {
                let down = self.order.first().is_some_and(|(_, down)| *down);
                let mut conditions = self.conditions.iter();
                let window = self.nodes.is_empty()
                    && conditions.all(|c| c.field == Field::Id && c.is_window());
                if window {
                    return self.slice(low, high, down, skip);
                }
                // A few changed rows are quicker by their own index than by ids.
                if (last - first).saturating_mul(16) < high - low {
                    let changed = stamps[first..last].iter();
                    let rows = changed.filter_map(|(_, id)| table.position(*id));
                    let mut rows: Vec<usize> = rows.filter(|row| fits(*row)).collect();
                    rows.sort_unstable();
                    if down {
                        rows.reverse();
                    }
                    return self.cut(rows.into_iter(), skip);
                }
                if down {
                    self.cut((low..high).rev().filter(|row| fits(*row)), skip)
                } else {
                    self.cut((low..high).filter(|row| fits(*row)), skip)
                }
            }
            Some((Field::Modified, down)) => {
                let row = |(_, id): &(i64, u32)| table.position(*id).filter(|row| fits(*row));
                if *down {
                    self.cut(stamps[first..last].iter().rev().filter_map(row), skip)
                } else {
                    self.cut(stamps[first..last].iter().filter_map(row), skip)
                }
            }
            Some(_) => {
                let rows = (low..high).filter(|row| fits(*row)).collect();
                self.ordered(company, cards, rows, skip)
            }
        }
    }

    /// A page of matching rows in the order asked for.
    fn ordered(
        &self,
        company: &Company,
        cards: &[Card],
        mut rows: Vec<usize>,
        skip: usize,
    ) -> Page {
        let total = rows.len();
        let by_order = |a: &usize, b: &usize| self.compare(&cards[*a], &cards[*b], &company.pool);
        // Only the rows up to the page need an order among themselves.
        let needed = skip.saturating_add(PAGE_ROWS);
        if needed < total {
            rows.select_nth_unstable_by(needed, by_order);
            rows.truncate(needed);
        }
        rows.sort_unstable_by(by_order);
        let page = rows.into_iter().skip(skip).take(PAGE_ROWS).collect();
        Page {
            rows: page,
            total: self.start.map(|_| total),
        }
    }

    /// A page of a run of rows that all match.
    fn slice(&self, low: usize, high: usize, down: bool, skip: usize) -> Page {
        let count = high - low;
        let from = skip.min(count);
        let to = (from + PAGE_ROWS).min(count);
        let row = |at: usize| if down { high - 1 - at } else { low + at };
        Page {
            rows: (from..to).map(row).collect(),
            total: self.start.map(|_| count),
        }
    }

    /// A page of matching rows; counts the rest only when a total is wanted.
    fn cut(&self, mut rows: impl Iterator<Item = usize>, skip: usize) -> Page {
        if self.start.is_none() {
            return Page {
                rows: rows.take(PAGE_ROWS).collect(),
                total: None,
            };
        }
        let skipped = rows.by_ref().take(skip).count();
        let page: Vec<usize> = rows.by_ref().take(PAGE_ROWS).collect();
        let total = skipped + page.len() + rows.count();
        Page {
            rows: page,
            total: Some(total),
        }
    }

    fn compare(&self, a: &Card, b: &Card, pool: &Pool) -> Ordering {
        for (field, down) in &self.order {
            let order = match field.kind() {
                Kind::Code | Kind::Text => field.text(a, pool).cmp(&field.text(b, pool)),
                _ => field.number(a).cmp(&field.number(b)),
            };
            if order != Ordering::Equal {
                return if *down { order.reverse() } else { order };
            }
        }
        a.id.cmp(&b.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::company::{testing, time};
    use serde_json::json;

    /// Ids of the page that these parameters give, with total and next.
    fn ask(company: &Company, params: Value) -> (Vec<String>, Option<usize>, Option<usize>) {
        let params = Params::new(&params);
        let Ok(query) = Query::read(
            company,
            &Sight::default(),
            Entity::Lead,
            Style::Text,
            &params,
        ) else {
            panic!("refused")
        };
        let answer = query.run(company);
        let rows: Vec<Value> = serde_json::from_slice(&answer.result).unwrap();
        let ids = rows
            .iter()
            .map(|row| row["ID"].as_str().unwrap().to_owned())
            .collect();
        (ids, answer.total, answer.next)
    }

    /// First and last id of a page, total and next.
    type Wanted = (&'static str, &'static str, Option<usize>, Option<usize>);

    fn check(company: &Company, cases: &[(Value, Wanted)]) {
        for (params, wanted) in cases {
            let (ids, total, next) = ask(company, params.clone());
            let first = ids.first().map_or("", String::as_str);
            let last = ids.last().map_or("", String::as_str);
            assert_eq!((first, last, total, next), *wanted, "{params}");
        }
    }

    #[test]
    fn filters_orders_and_pages() {
        // Ids 10, 20, … 1200; odd tens are from WEB; DATE_MODIFY runs against the ids.
        let company = testing::company(120);
        let cases = [
            (json!({}), ("10", "500", Some(120), Some(50))),
            (json!({"start": 100}), ("1010", "1200", Some(120), None)),
            (json!({"start": "-1"}), ("10", "500", Some(0), None)),
            (
                json!({"order": {"ID": "DESC"}}),
                ("1200", "710", Some(120), Some(50)),
            ),
            (
                json!({"filter": {">ID": 300, "<=ID": "350"}}),
                ("310", "350", Some(5), None),
            ),
            (
                json!({"filter": {">ID": ""}, "start": -1}),
                ("10", "500", Some(0), None),
            ),
            (
                json!({"filter": {"ID": [20, 40, 41]}}),
                ("20", "40", Some(2), None),
            ),
            (
                json!({"FILTER": {"@ID": [20, 40]}, "SELECT": ["TITLE"]}),
                ("20", "40", Some(2), None),
            ),
            (
                json!({"filter": {"!@ID": [10]}}),
                ("20", "510", Some(119), Some(50)),
            ),
            (
                json!({"filter": {"SOURCE_ID": "WEB"}}),
                ("10", "990", Some(60), Some(50)),
            ),
            (
                json!({"filter": {"!SOURCE_ID": "WEB"}}),
                ("20", "1000", Some(60), Some(50)),
            ),
            (
                json!({"filter": {"SOURCE_ID": "NONE"}}),
                ("", "", Some(0), None),
            ),
            (
                json!({"filter": {"%TITLE": "lead #12"}}),
                ("120", "1200", Some(2), None),
            ),
            (
                json!({"filter": {"=%TITLE": "%#50"}}),
                ("50", "50", Some(1), None),
            ),
            (
                json!({"filter": {"STATUS_SEMANTIC_ID": "S"}}),
                ("", "", Some(0), None),
            ),
            (
                json!({"filter": {"OPPORTUNITY": 0, "<ID": 40}}),
                ("10", "30", Some(3), None),
            ),
        ];
        check(&company, &cases);
    }

    #[test]
    fn what_the_portal_does_not_know_it_ignores() {
        let company = testing::company(120);
        let cases = [
            (
                json!({"filter": {"&gt;ID": 300}}),
                ("10", "500", Some(120), Some(50)),
            ),
            (
                json!({"filter": {">=DATE_MODIFY": "yesterday"}}),
                ("10", "500", Some(120), Some(50)),
            ),
        ];
        check(&company, &cases);
    }

    #[test]
    fn windows_of_date_modify_find_the_changed_rows() {
        let company = testing::company(120);
        // Lead 10 was changed last, lead 1200 first, one an hour.
        let since = time::text(company.zone, company.leads.get(30).unwrap().modified);
        let (ids, total, _) = ask(&company, json!({"filter": {">=DATE_MODIFY": since}}));
        assert_eq!(
            (ids, total),
            (vec!["10".into(), "20".into(), "30".into()], Some(3))
        );
        let (ids, ..) = ask(
            &company,
            json!({"filter": {">DATE_MODIFY": since, "SOURCE_ID": "WEB"}, "start": -1}),
        );
        assert_eq!(ids, ["10"]);
        let (ids, ..) = ask(&company, json!({"order": {"DATE_MODIFY": "ASC"}}));
        assert_eq!(ids[..2], ["1200", "1190"]);
        let (ids, ..) = ask(
            &company,
            json!({"order": {"SOURCE_ID": "DESC", "ID": "DESC"}}),
        );
        assert_eq!(ids[..2], ["1190", "1170"]);
    }

    #[test]
    fn the_new_method_refuses_what_it_does_not_know() {
        let company = testing::company(3);
        let params = json!({"filter": {">FIELD": 1}});
        let read = Query::read(
            &company,
            &Sight::default(),
            Entity::Lead,
            Style::Native,
            &Params::new(&params),
        );
        let Err(refusal) = read else {
            panic!("accepted")
        };
        assert_eq!(refusal.status, 400);
        assert_eq!(
            refusal.description,
            "Invalid filter: field 'FIELD' is not allowed in filter"
        );
        let params = json!({"filter": {">id": 10}, "select": ["id", "opportunity", "createdTime"]});
        let query = Query::read(
            &company,
            &Sight::default(),
            Entity::Lead,
            Style::Native,
            &Params::new(&params),
        );
        let Ok(query) = query else { panic!("refused") };
        let result: Value = serde_json::from_slice(&query.run(&company).result).unwrap();
        assert_eq!(result["items"][0]["id"], 20);
        assert_eq!(result["items"][0]["opportunity"], 0);
    }

    #[test]
    fn the_new_method_joins_conditions_by_or() {
        let company = testing::company(120);
        let count = |filter: Value| {
            let params = json!({"filter": filter});
            let sight = Sight::default();
            let params = Params::new(&params);
            match Query::read(&company, &sight, Entity::Lead, Style::Native, &params) {
                Ok(query) => query.run(&company).total,
                Err(_) => None,
            }
        };
        let ends = json!({"logic": "OR", "0": {"<=id": 20}, "1": {">id": 1190}});
        assert_eq!(count(ends.clone()), Some(3));
        assert_eq!(count(json!({"0": ends, "sourceId": "WEB"})), Some(1));
        assert_eq!(
            count(json!({"0": {"logic": "OR", "0": {"COLOUR": 1}}})),
            None
        );
    }

    #[test]
    fn a_role_hides_rows() {
        let mut company = testing::company(10);
        for id in [20, 40] {
            let mut card = company.leads.get(id).cloned().unwrap();
            card.assigned = 7;
            company.leads.put(card);
        }
        let sight = Sight {
            users: Some([7].into()),
            hidden: vec![],
        };
        let params = json!({"filter": {">ID": 20}});
        let query = Query::read(
            &company,
            &sight,
            Entity::Lead,
            Style::Text,
            &Params::new(&params),
        );
        let Ok(query) = query else { panic!("refused") };
        assert_eq!(query.run(&company).total, Some(1));
    }
}
