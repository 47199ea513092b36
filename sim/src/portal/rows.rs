//! Lists of records that are described by a table of columns: filter, order, select, pages. Windows
//! of ids are found by binary search, everything else by a scan.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use crate::company::ledger::Numbered;
use crate::company::{Company, time};

use super::answer::{Answer, Refusal};
use super::condition::{Op, holds, is_between, is_like, split_key};
use super::list::PAGE_ROWS;
use super::params::Params;
use super::php;

/// A value of a record.
pub(crate) enum Cell<'a> {
    /// `null`.
    None,
    /// A whole number.
    Number(i64),
    /// Hundredths.
    Money(i64),
    /// Unix seconds.
    Time(i64),
    /// A text.
    Text(Cow<'a, str>),
    /// Ready JSON.
    Json(Cow<'a, str>),
}

impl<'a> Cell<'a> {
    /// A text, `null` when empty.
    pub(crate) fn word(text: &'a str) -> Self {
        if text.is_empty() {
            Self::None
        } else {
            Self::Text(text.into())
        }
    }

    /// A number, `null` when 0.
    pub(crate) fn link(id: u32) -> Self {
        if id == 0 {
            Self::None
        } else {
            Self::Number(id.into())
        }
    }

    /// An instant, `null` when absent.
    pub(crate) fn instant(seconds: i64) -> Self {
        if seconds == crate::company::NO_TIME {
            Self::None
        } else {
            Self::Time(seconds)
        }
    }

    /// `Y` or `N`.
    pub(crate) fn flag(yes: bool) -> Self {
        Self::Text(if yes { "Y" } else { "N" }.into())
    }
}

/// How an answer writes numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As texts: `"5"`, `"899.10"`.
    Text,
    /// As numbers: `5`, `899.1`.
    Number,
}

/// One column of a table.
pub(crate) struct Column<R> {
    /// Key in answers.
    pub(crate) name: &'static str,
    /// Key in select, filter and order.
    pub(crate) ask: &'static str,
    pub(crate) shape: Shape,
    /// False for what is answered only when it is asked for by name.
    pub(crate) usual: bool,
    /// The record's value.
    pub(crate) get: for<'a> fn(&'a R, &'a Company) -> Cell<'a>,
}

/// A table of records.
pub(crate) struct Table<R: 'static> {
    pub(crate) columns: &'static [Column<R>],
    /// Wrapping key of the answer (`items`, `tasks`), empty for a bare array.
    pub(crate) wrap: &'static str,
    /// Column by which rows come when nobody asks for an order.
    pub(crate) order: (&'static str, bool),
    /// Whether the id comes along when select does not name it.
    pub(crate) id_always: bool,
    /// An unknown key of a filter or an order: refused, else ignored.
    pub(crate) strict: bool,
    /// Whether the answer has a total.
    pub(crate) counted: bool,
}

impl<R: Numbered> Table<R> {
    fn column(&self, name: &str) -> Option<&'static Column<R>> {
        let exact = |column: &&Column<R>| column.ask == name || column.name == name;
        self.columns.iter().find(exact)
    }

    /// Runs a list request over rows ascending by id.
    pub(crate) fn list(
        &self,
        company: &Company,
        rows: &[R],
        visible: &dyn Fn(&R) -> bool,
        params: &Params<'_>,
    ) -> Result<Answer, Refusal> {
        let start = params.text("start").map_or(0, |text| php::intval(&text));
        let conditions = self.conditions(company, params.get("filter"))?;
        let order = self.orders(params)?;
        let (low, high) = window(&conditions, rows);
        let fits = |row: &&R| {
            visible(row)
                && conditions
                    .iter()
                    .all(|condition| condition.fits(row, company))
        };
        let skip = usize::try_from(start).unwrap_or(0);
        let counted = start >= 0;
        let by_id = order.first().is_none_or(|(column, _)| is_id(column));
        let down = order.first().is_some_and(|(_, down)| *down);
        let found: Vec<&R> = if by_id && !counted {
            let found = rows[low..high].iter();
            if down {
                found.rev().filter(fits).take(PAGE_ROWS).collect()
            } else {
                found.filter(fits).take(PAGE_ROWS).collect()
            }
        } else {
            let mut found: Vec<&R> = rows[low..high].iter().filter(fits).collect();
            sort(&mut found, &order, company);
            found
        };
        let total = found.len();
        let page = found.into_iter().skip(skip).take(PAGE_ROWS);
        let result = self.write(company, page, params.get("select"));
        Ok(Answer {
            result,
            total: self.counted.then_some(if counted { total } else { 0 }),
            next: (counted && skip + PAGE_ROWS < total).then_some(skip + PAGE_ROWS),
            pages: 1,
        })
    }

    /// One record with all its usual columns.
    pub(crate) fn one(&self, company: &Company, row: &R) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_row(&mut out, company, row, &self.chosen(None));
        out
    }

    fn write<'r>(
        &self,
        company: &Company,
        rows: impl Iterator<Item = &'r R>,
        select: Option<&Value>,
    ) -> Vec<u8>
    where
        R: 'r,
    {
        let chosen = self.chosen(select);
        let mut out = Vec::new();
        if !self.wrap.is_empty() {
            out.push(b'{');
            php::write_text(&mut out, self.wrap);
            out.push(b':');
        }
        out.push(b'[');
        for (at, row) in rows.enumerate() {
            if at > 0 {
                out.push(b',');
            }
            self.write_row(&mut out, company, row, &chosen);
        }
        out.push(b']');
        if !self.wrap.is_empty() {
            out.push(b'}');
        }
        out
    }

    fn write_row(&self, out: &mut Vec<u8>, company: &Company, row: &R, chosen: &[&Column<R>]) {
        out.push(b'{');
        for (at, column) in chosen.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            php::write_text(out, column.name);
            out.push(b':');
            write_cell(out, &(column.get)(row, company), column.shape, company);
        }
        out.push(b'}');
    }

    /// The columns of an answer: those selected, the usual ones for `*` or nothing.
    fn chosen(&self, select: Option<&Value>) -> Vec<&'static Column<R>> {
        let mut names: Vec<String> = match select {
            Some(Value::String(one)) => vec![one.clone()],
            Some(list) => php::entries(list)
                .into_iter()
                .filter_map(|(_, name)| php::scalar(name))
                .collect(),
            None => Vec::new(),
        };
        names.retain(|name| !name.is_empty());
        let all = names.is_empty() || names.iter().any(|name| name == "*");
        let wanted = |column: &&'static Column<R>| {
            let named = names
                .iter()
                .any(|name| column.ask == name || column.name == name);
            (all && column.usual) || named || (self.id_always && is_id(column))
        };
        self.columns.iter().filter(wanted).collect()
    }

    fn conditions(
        &self,
        company: &Company,
        filter: Option<&Value>,
    ) -> Result<Vec<Condition<R>>, Refusal> {
        let Some(filter) = filter else {
            return Ok(Vec::new());
        };
        if !php::is_array(filter) {
            if php::scalar(filter).is_some_and(|text| text.is_empty()) {
                return Ok(Vec::new());
            }
            return Err(Refusal::plain("Parameter 'filter' must be array."));
        }
        let mut all = Vec::new();
        for (key, value) in php::entries(filter) {
            let (name, op) = split_key(&key);
            match self.column(name) {
                Some(column) => all.push(Condition {
                    column,
                    op,
                    operands: operands(company, value),
                }),
                None if self.strict => return Err(not_allowed("filter", name)),
                None => {}
            }
        }
        Ok(all)
    }

    /// The order asked for, as a map or as the texts SORT and ORDER of the old methods.
    fn orders(&self, params: &Params<'_>) -> Result<Vec<(&'static Column<R>, bool)>, Refusal> {
        let is_down = |way: &str| way.eq_ignore_ascii_case("desc");
        let mut all = Vec::new();
        match params.get("order") {
            Some(order) if php::is_array(order) => {
                for (name, way) in php::entries(order) {
                    match self.column(&name) {
                        Some(column) => {
                            all.push((column, is_down(&php::scalar(way).unwrap_or_default())));
                        }
                        None if self.strict => return Err(not_allowed("order", &name)),
                        None => {}
                    }
                }
            }
            way => {
                let down = way.and_then(php::scalar).is_some_and(|way| is_down(&way));
                let column = params.text("sort").and_then(|name| self.column(&name));
                all.extend(column.map(|column| (column, down)));
            }
        }
        if all.is_empty() {
            all.extend(
                self.column(self.order.0)
                    .map(|column| (column, self.order.1)),
            );
        }
        Ok(all)
    }
}

fn is_id<R>(column: &Column<R>) -> bool {
    column.ask.eq_ignore_ascii_case("id")
}

/// What crm.item.* says to a field that it does not know.
pub(crate) fn not_allowed(place: &str, name: &str) -> Refusal {
    Refusal::bad(
        "INVALID_ARG_VALUE",
        &format!("Invalid {place}: field '{name}' is not allowed in {place}"),
    )
}

/// Sorts rows that are ascending by id.
fn sort<R: Numbered>(rows: &mut [&R], order: &[(&'static Column<R>, bool)], company: &Company) {
    match order.first() {
        None => {}
        Some((column, true)) if is_id(column) => rows.reverse(),
        Some((column, false)) if is_id(column) => {}
        Some(_) => rows.sort_by(|a, b| {
            for (column, down) in order {
                let order = compare(&(column.get)(a, company), &(column.get)(b, company));
                if order != Ordering::Equal {
                    return if *down { order.reverse() } else { order };
                }
            }
            Ordering::Equal
        }),
    }
}

fn compare(a: &Cell<'_>, b: &Cell<'_>) -> Ordering {
    match (a, b) {
        (Cell::Text(a) | Cell::Json(a), Cell::Text(b) | Cell::Json(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

/// A cell as a number; absent ones come first.
fn rank(cell: &Cell<'_>) -> i64 {
    match cell {
        Cell::Number(number) | Cell::Money(number) | Cell::Time(number) => *number,
        Cell::None | Cell::Text(_) | Cell::Json(_) => i64::MIN,
    }
}

/// One operand, read in every way that a column may want.
struct Operand {
    text: String,
    lower: String,
    number: i64,
    cents: i64,
    time: Option<i64>,
}

fn operands(company: &Company, value: &Value) -> Vec<Operand> {
    let texts: Vec<String> = if php::is_array(value) {
        php::entries(value)
            .into_iter()
            .filter_map(|(_, item)| php::scalar(item))
            .collect()
    } else {
        php::scalar(value).into_iter().collect()
    };
    let read = |text: String| Operand {
        lower: text.to_lowercase(),
        number: php::intval(&text),
        cents: crate::company::cents(&text).unwrap_or(0),
        time: time::parse(company.zone, &text),
        text,
    };
    texts.into_iter().map(read).collect()
}

/// One condition of a filter.
struct Condition<R: 'static> {
    column: &'static Column<R>,
    op: Op,
    operands: Vec<Operand>,
}

impl<R> Condition<R> {
    fn fits(&self, row: &R, company: &Company) -> bool {
        match (self.column.get)(row, company) {
            Cell::Number(value) => self.fits_number(value, |operand| operand.number),
            Cell::Money(value) => self.fits_number(value, |operand| operand.cents),
            Cell::Time(value) => {
                // A date that cannot be read is no condition, as in the old methods.
                self.operands.iter().any(|operand| operand.time.is_none())
                    || self.fits_number(value, |operand| operand.time.unwrap_or(0))
            }
            Cell::Text(text) | Cell::Json(text) => self.fits_text(&text),
            Cell::None => {
                let empty = |operand: &Operand| matches!(operand.text.as_str(), "" | "0");
                match self.op {
                    Op::Equal => self.operands.iter().any(empty),
                    Op::Unequal => !self.operands.iter().any(empty),
                    Op::Unlike | Op::Outside => true,
                    _ => false,
                }
            }
        }
    }

    fn fits_number(&self, value: i64, read: impl Fn(&Operand) -> i64) -> bool {
        let mut numbers = self.operands.iter().map(read);
        match self.op {
            Op::Equal => numbers.any(|number| number == value),
            Op::Unequal => !numbers.any(|number| number == value),
            Op::Between | Op::Outside => {
                let ends: Vec<i64> = numbers.collect();
                is_between(&value, &ends) == (self.op == Op::Between)
            }
            Op::Like | Op::Unlike => {
                let text = value.to_string();
                let like = self.operands.iter().any(|o| is_like(&text, &o.lower));
                like == (self.op == Op::Like)
            }
            op => numbers.all(|number| holds(op, value.cmp(&number))),
        }
    }

    fn fits_text(&self, text: &str) -> bool {
        let mut operands = self.operands.iter();
        match self.op {
            Op::Equal => operands.any(|operand| operand.text == text),
            Op::Unequal => !operands.any(|operand| operand.text == text),
            Op::Like | Op::Unlike => {
                let lower = text.to_lowercase();
                let like = operands.any(|operand| is_like(&lower, &operand.lower));
                like == (self.op == Op::Like)
            }
            Op::Between | Op::Outside => {
                let ends: Vec<&str> = operands.map(|operand| operand.text.as_str()).collect();
                is_between(&text, &ends) == (self.op == Op::Between)
            }
            op => operands.all(|operand| holds(op, text.cmp(operand.text.as_str()))),
        }
    }
}

/// The run of rows that conditions on the id leave.
fn window<R: Numbered>(conditions: &[Condition<R>], rows: &[R]) -> (usize, usize) {
    let (mut low, mut high) = (0_i64, i64::MAX);
    for condition in conditions.iter().filter(|c| is_id(c.column)) {
        let [operand] = &condition.operands[..] else {
            continue;
        };
        let number = operand.number;
        match condition.op {
            Op::Equal => (low, high) = (low.max(number), high.min(number)),
            Op::Above => low = low.max(number.saturating_add(1)),
            Op::AtLeast => low = low.max(number),
            Op::Below => high = high.min(number.saturating_sub(1)),
            Op::AtMost => high = high.min(number),
            Op::Unequal | Op::Like | Op::Unlike | Op::Between | Op::Outside => {}
        }
    }
    let first = rows.partition_point(|row| i64::from(row.id()) < low);
    let last = rows.partition_point(|row| i64::from(row.id()) <= high);
    (first, last.max(first))
}

fn write_cell(out: &mut Vec<u8>, cell: &Cell<'_>, shape: Shape, company: &Company) {
    match cell {
        Cell::None => out.extend_from_slice(b"null"),
        Cell::Number(number) => {
            let text = number.to_string();
            if shape == Shape::Text {
                php::write_text(out, &text);
            } else {
                out.extend_from_slice(text.as_bytes());
            }
        }
        Cell::Money(cents) if shape == Shape::Text => {
            php::write_text(out, &crate::company::goods::decimal(*cents));
        }
        Cell::Money(cents) => {
            let number = crate::company::goods::units(*cents);
            out.extend_from_slice(number.to_string().as_bytes());
        }
        Cell::Time(seconds) => {
            out.push(b'"');
            time::write(out, company.zone, *seconds);
            out.push(b'"');
        }
        Cell::Text(text) => php::write_text(out, text),
        Cell::Json(json) => out.extend_from_slice(json.as_bytes()),
    }
}
