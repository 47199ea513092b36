//! Requests about tables: typed columns with a header, one name each in the spreadsheet.

use serde_json::{Value, json};

use super::Work;
use super::objects::merge_object;
use crate::google::http::{Answer, ApiError};
use crate::google::sheets::a1::{GridRange, Rect, number_of};
use crate::google::sheets::book::{Book, Entered, normalise};

fn no_table(id: &str) -> ApiError {
    ApiError::invalid(format!("No table with id: {id}"))
}

fn id_of(table: &Value) -> &str {
    table.get("tableId").and_then(Value::as_str).unwrap_or("")
}

fn locate(book: &Book, id: &str) -> Answer<(i64, usize)> {
    book.sheets
        .iter()
        .find_map(|s| {
            let at = s.tables.iter().position(|t| id_of(t) == id)?;
            Some((s.id, at))
        })
        .ok_or_else(|| no_table(id))
}

/// The range of a table.
///
/// # Errors
/// No table has the id.
pub(super) fn range_of(book: &Book, id: &str) -> Answer<GridRange> {
    let (sheet, at) = locate(book, id)?;
    let table = book.sheet(sheet)?.tables.get(at).cloned();
    let table = table.ok_or_else(|| no_table(id))?;
    Ok(GridRange::from_json(
        table.get("range").unwrap_or(&Value::Null),
    ))
}

fn check_name(book: &Book, name: &str, own: &str) -> Answer<()> {
    let taken = book
        .sheets
        .iter()
        .flat_map(|s| &s.tables)
        .filter(|t| id_of(t) != own)
        .any(|t| {
            t.get("name")
                .and_then(Value::as_str)
                .is_some_and(|n| n.eq_ignore_ascii_case(name))
        });
    if taken {
        return Err(ApiError::invalid(format!(
            "A table with the name \"{name}\" already exists. Please enter another name."
        )));
    }
    Ok(())
}

fn free_name(book: &Book) -> String {
    let mut n = 1;
    while check_name(book, &format!("Table{n}"), "").is_err() {
        n += 1;
    }
    format!("Table{n}")
}

/// A table's block: it has to be on the grid, with a header and a row, apart from other tables.
fn check_range(book: &Book, range: &GridRange, own: &str) -> Answer<Rect> {
    let rect = book.rect(range)?;
    let sheet = book.sheet(range.sheet)?;
    let meets = sheet.tables.iter().any(|t| {
        let other = GridRange::from_json(t.get("range").unwrap_or(&Value::Null));
        id_of(t) != own && other.bound(sheet.rows(), sheet.cols()).meets(&rect)
    });
    if meets {
        return Err(ApiError::invalid(
            "You cannot create a table that overlaps another table.",
        ));
    }
    if sheet.merges.iter().any(|m| m.meets(&rect)) {
        return Err(ApiError::invalid(
            "You cannot create a table over merged cells.",
        ));
    }
    Ok(rect)
}

/// Every column of the table in order, named by the request, by its header cell, or by its number.
fn columns(book: &Book, range: &GridRange, rect: &Rect, asked: &Value) -> Answer<Vec<Value>> {
    let given = asked.as_array().cloned().unwrap_or_default();
    let sheet = book.sheet(range.sheet)?;
    let mut out = Vec::new();
    for i in 0..rect.cols() {
        let own = given.iter().enumerate().find(|(at, column)| {
            let index = column.get("columnIndex").and_then(number_of);
            index.unwrap_or(i64::try_from(*at).unwrap_or(0)) == i64::from(i)
        });
        let mut column = own.map(|(_, c)| normalise(c)).unwrap_or_else(|| json!({}));
        let header = match sheet
            .cells
            .get(&(rect.r0, rect.c0 + i))
            .map(|c| &c.effective)
        {
            Some(crate::google::sheets::book::Effective::Text(t)) => t.clone(),
            _ => format!("Column {}", i + 1),
        };
        if let Some(map) = column.as_object_mut() {
            if i > 0 {
                map.insert("columnIndex".into(), i.into());
            } else {
                map.remove("columnIndex");
            }
            map.entry("columnName").or_insert_with(|| header.into());
            let dropdown = map.get("columnType").and_then(Value::as_str) == Some("DROPDOWN");
            if map.contains_key("dataValidationRule") && !dropdown {
                return Err(ApiError::invalid(
                    "A data validation rule can only be set for a DROPDOWN column.",
                ));
            }
        }
        out.push(column);
    }
    Ok(out)
}

/// The header cells show the columns' names.
fn write_header(w: &mut Work<'_>, sheet: i64, rect: &Rect, columns: &[Value]) -> Answer<()> {
    for (at, column) in (rect.c0..rect.c1).zip(columns) {
        let name = column.get("columnName").and_then(Value::as_str);
        let name = name.unwrap_or("").to_owned();
        w.sheet(sheet)?.edit((rect.r0, at), |cell| {
            cell.enter(Some(Entered::Text(name)));
        });
        w.book.touch(sheet, (rect.r0, at));
    }
    Ok(())
}

pub(super) fn add(w: &mut Work<'_>) -> Answer {
    let asked = w.need("table")?.clone();
    let range = GridRange::from_json(asked.get("range").unwrap_or(&Value::Null));
    let rect = check_range(w.book, &range, "")?;
    w.guard(range.sheet, &rect)?;
    let name = match asked.get("name").and_then(Value::as_str) {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => free_name(w.book),
    };
    check_name(w.book, &name, "")?;
    let id = match asked.get("tableId").and_then(Value::as_str) {
        Some(id) if !id.is_empty() => {
            if locate(w.book, id).is_ok() {
                return Err(ApiError::invalid(format!(
                    "A table with id {id} already exists."
                )));
            }
            id.to_owned()
        }
        _ => w.book.fresh_id().to_string(),
    };
    let columns = columns(
        w.book,
        &range,
        &rect,
        asked.get("columnProperties").unwrap_or(&Value::Null),
    )?;
    write_header(w, range.sheet, &rect, &columns)?;
    let mut table = json!({
        "tableId": id, "name": name, "range": range.json(), "columnProperties": columns,
    });
    if let (Some(rows), Some(map)) = (asked.get("rowsProperties"), table.as_object_mut()) {
        map.insert("rowsProperties".into(), normalise(rows));
    }
    w.sheet(range.sheet)?.tables.push(table.clone());
    Ok(json!({"addTable": {"table": table}}))
}

pub(super) fn update(w: &mut Work<'_>) -> Answer<()> {
    let mask = w.mask()?;
    let asked = w.need("table")?.clone();
    let id = id_of(&asked).to_owned();
    let (sheet, at) = locate(w.book, &id)?;
    let mut table = w.book.sheet(sheet)?.tables.get(at).cloned();
    let table = table.as_mut().ok_or_else(|| no_table(&id))?;
    merge_object(&mask, table, &normalise(&asked));
    let name = table.get("name").and_then(Value::as_str).unwrap_or("");
    check_name(w.book, name, &id)?;
    let range = GridRange::from_json(table.get("range").unwrap_or(&Value::Null));
    if range.sheet != sheet {
        return Err(ApiError::invalid(
            "A table cannot be moved to another sheet.",
        ));
    }
    let rect = check_range(w.book, &range, &id)?;
    w.guard(sheet, &rect)?;
    if mask.wants("columnProperties") || mask.wants("range") {
        let columns = columns(
            w.book,
            &range,
            &rect,
            table.get("columnProperties").unwrap_or(&Value::Null),
        )?;
        write_header(w, sheet, &rect, &columns)?;
        if let Some(map) = table.as_object_mut() {
            map.insert("columnProperties".into(), columns.into());
        }
    }
    if let Some(map) = table.as_object_mut() {
        map.insert("tableId".into(), id.into());
    }
    let table = table.clone();
    if let Some(slot) = w.sheet(sheet)?.tables.get_mut(at) {
        *slot = table;
    }
    Ok(())
}

pub(super) fn delete(w: &mut Work<'_>) -> Answer<()> {
    let id = w.text("tableId").unwrap_or("").to_owned();
    let (sheet, at) = locate(w.book, &id)?;
    let range = range_of(w.book, &id)?;
    let rect = w.book.rect(&range)?;
    w.guard(sheet, &rect)?;
    w.sheet(sheet)?.tables.remove(at);
    // With the table go its cells: "removes the table … from the spreadsheet".
    let places: Vec<(u32, u32)> = w.book.sheet(sheet)?.block(rect).map(|(at, _)| at).collect();
    for at in places {
        w.sheet(sheet)?.cells.remove(&at);
        w.book.touch(sheet, at);
    }
    Ok(())
}
