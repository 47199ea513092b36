//! Requests about named ranges, protections, rules, charts, metadata, filters and banding.

use serde_json::{Map, Value, json};

use super::Work;
use super::tabs::companions;
use super::views::{both_criteria, filter_range};
use crate::google::http::{Answer, ApiError};
use crate::google::sheets::a1::{GridRange, number_of, parse_area};
use crate::google::sheets::book::{Book, Metadata, Named, Sheet, normalise};
use crate::google::sheets::mask::Mask;
use crate::google::sheets::metadata;
use crate::google::sheets::protect::Caller;
use crate::google::sheets::render::{metadata_json, named_json, protected_json};

fn check_name(book: &Book, name: &str, own: Option<&str>) -> Answer<()> {
    let well = name
        .chars()
        .next()
        .is_some_and(|c| c.is_alphabetic() || c == '_')
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '.')
        && name.chars().count() <= 250
        && !name.eq_ignore_ascii_case("true")
        && !name.eq_ignore_ascii_case("false")
        && parse_area(name).is_none();
    if !well {
        return Err(ApiError::invalid(format!(
            "The name \"{name}\" is invalid. Named ranges may contain letters, numbers and \
             underscores, must not start with a number and must not look like a cell."
        )));
    }
    let taken = book
        .named
        .iter()
        .any(|n| Some(n.id.as_str()) != own && n.name.eq_ignore_ascii_case(name));
    if taken {
        return Err(ApiError::invalid(format!(
            "A named range with name {name} already exists. Please enter another name."
        )));
    }
    Ok(())
}

pub(super) fn add_name(w: &mut Work<'_>) -> Answer {
    let asked = w.need("namedRange")?.clone();
    let name = asked
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or("")
        .to_owned();
    check_name(w.book, &name, None)?;
    let range = GridRange::from_json(asked.get("range").unwrap_or(&Value::Null));
    w.book.rect(&range)?;
    let id = match asked.get("namedRangeId").and_then(Value::as_str) {
        Some(id) if w.book.named.iter().any(|n| n.id == id) => {
            return Err(ApiError::invalid(format!(
                "A named range with id {id} already exists."
            )));
        }
        Some(id) => id.to_owned(),
        None => w.book.fresh_id().to_string(),
    };
    let named = Named { id, name, range };
    let reply = named_json(&named);
    w.book.named.push(named);
    w.book.touch_all();
    Ok(json!({"addNamedRange": {"namedRange": reply}}))
}

pub(super) fn update_name(w: &mut Work<'_>) -> Answer<()> {
    let mask = w.mask()?;
    let asked = w.need("namedRange")?.clone();
    let id = asked
        .get("namedRangeId")
        .and_then(Value::as_str)
        .unwrap_or("")
        .to_owned();
    if mask.wants("name")
        && let Some(name) = asked.get("name").and_then(Value::as_str)
    {
        check_name(w.book, name, Some(&id))?;
    }
    let range = asked.get("range").map(GridRange::from_json);
    if let Some(range) = range.as_ref().filter(|_| mask.wants("range")) {
        w.book.rect(range)?;
    }
    let named = w
        .book
        .named
        .iter_mut()
        .find(|n| n.id == id)
        .ok_or_else(|| ApiError::invalid(format!("No named range with id: {id}")))?;
    if mask.wants("name")
        && let Some(name) = asked.get("name").and_then(Value::as_str)
    {
        named.name = name.to_owned();
    }
    if let Some(range) = range.filter(|_| mask.wants("range")) {
        named.range = range;
    }
    w.book.touch_all();
    Ok(())
}

pub(super) fn delete_name(w: &mut Work<'_>) -> Answer<()> {
    let id = w.text("namedRangeId").unwrap_or("").to_owned();
    let before = w.book.named.len();
    w.book.named.retain(|n| n.id != id);
    if w.book.named.len() == before {
        return Err(ApiError::invalid(format!("No named range with id: {id}")));
    }
    w.book.touch_all();
    Ok(())
}

/// The tab and place of an object by its id.
pub(super) fn locate(
    book: &Book,
    list: impl Fn(&Sheet) -> &Vec<Value>,
    key: &str,
    id: i64,
) -> Option<(i64, usize)> {
    book.sheets.iter().find_map(|s| {
        let at = list(s)
            .iter()
            .position(|o| o.get(key).and_then(number_of) == Some(id))?;
        Some((s.id, at))
    })
}

pub(super) fn check_free(w: &mut Work<'_>, asked: Option<i64>, what: &str) -> Answer<i64> {
    match asked {
        Some(id) if id != 0 && w.book.id_is_taken(id) => Err(ApiError::invalid(format!(
            "{what} with id {id} already exists."
        ))),
        Some(id) if id != 0 => Ok(id),
        _ => Ok(w.book.fresh_id()),
    }
}

/// Puts an id first into an object.
pub(super) fn with_id(key: &str, id: i64, object: Value) -> Value {
    let mut out = Map::new();
    out.insert(key.to_owned(), id.into());
    if let Value::Object(map) = object {
        for (k, v) in map {
            if k != key {
                out.insert(k, v);
            }
        }
    }
    Value::Object(out)
}

pub(super) fn protect(w: &mut Work<'_>) -> Answer {
    let asked = w.need("protectedRange")?.clone();
    let id = check_free(
        w,
        asked.get("protectedRangeId").and_then(number_of),
        "Protected range",
    )?;
    let named = asked
        .get("namedRangeId")
        .and_then(Value::as_str)
        .map(|n| {
            w.book
                .named
                .iter()
                .find(|x| x.id == n)
                .map(|x| x.range)
                .ok_or_else(|| ApiError::invalid(format!("No named range with id: {n}")))
        })
        .transpose()?;
    let range = match (asked.get("range").filter(|r| !r.is_null()), named) {
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid(
                "Only one of range or namedRangeId may be set.",
            ));
        }
        (Some(r), None) => GridRange::from_json(r),
        (None, Some(r)) => r,
        (None, None) => return Err(ApiError::invalid("Must specify a range.")),
    };
    w.book.rect(&range)?;
    let mut stored = with_id("protectedRangeId", id, normalise(&asked));
    if let Some(map) = stored.as_object_mut() {
        let editors = map.get("editors").cloned().unwrap_or_else(|| json!({}));
        map.insert("editors".into(), editors);
        map.insert("range".into(), range.json());
        map.remove("requestingUserCanEdit");
    }
    let shown = protected_json(
        &stored,
        &Caller {
            owner: true,
            ..w.caller.clone()
        },
    );
    if let Some(editors) = stored.get_mut("editors") {
        add_editor(editors, &w.caller.email);
    }
    w.sheet(range.sheet)?.protected.push(stored);
    Ok(json!({"addProtectedRange": {"protectedRange": shown}}))
}

/// Who protects stays an editor: nobody locks themselves out.
fn add_editor(editors: &mut Value, email: &str) {
    let Some(map) = editors.as_object_mut() else {
        return;
    };
    let users = map.entry("users").or_insert_with(|| json!([]));
    if let Some(users) = users.as_array_mut()
        && !users.iter().any(|u| u.as_str() == Some(email))
    {
        users.push(email.into());
    }
}

pub(super) fn update_protection(w: &mut Work<'_>) -> Answer<()> {
    let mask = w.mask()?;
    let asked = w.need("protectedRange")?.clone();
    let id = asked
        .get("protectedRangeId")
        .and_then(number_of)
        .unwrap_or(0);
    let (sheet, at) = locate(w.book, |s| &s.protected, "protectedRangeId", id)
        .ok_or_else(|| ApiError::invalid(format!("No protected range with id: {id}")))?;
    let caller = w.caller.clone();
    let list = &mut w.sheet(sheet)?.protected;
    let Some(stored) = list.get_mut(at) else {
        return Ok(());
    };
    if !crate::google::sheets::protect::can_edit(stored, &caller) {
        return Err(ApiError::protected());
    }
    merge_object(&mask, stored, &normalise(&asked));
    let warning = stored.get("warningOnly").and_then(Value::as_bool) == Some(true);
    if let Some(map) = stored.as_object_mut() {
        map.insert("protectedRangeId".into(), id.into());
        let editors = map.entry("editors").or_insert_with(|| json!({}));
        if !warning {
            add_editor(editors, &caller.email);
        }
    }
    Ok(())
}

pub(super) fn merge_object(mask: &Mask, target: &mut Value, source: &Value) {
    companions(mask.clone()).merge(target, source);
}

pub(super) fn unprotect(w: &mut Work<'_>) -> Answer<()> {
    let id = w.int("protectedRangeId").unwrap_or(0);
    let (sheet, at) = locate(w.book, |s| &s.protected, "protectedRangeId", id)
        .ok_or_else(|| ApiError::invalid(format!("No protected range with id: {id}")))?;
    let caller = w.caller.clone();
    let list = &mut w.sheet(sheet)?.protected;
    if list
        .get(at)
        .is_some_and(|p| !crate::google::sheets::protect::can_edit(p, &caller))
    {
        return Err(ApiError::protected());
    }
    list.remove(at);
    Ok(())
}

fn rule_sheet(w: &Work<'_>, rule: &Value) -> Answer<i64> {
    let ranges = rule
        .get("ranges")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let first = ranges
        .first()
        .ok_or_else(|| ApiError::invalid("A rule needs a range."))?;
    let sheet = GridRange::from_json(first).sheet;
    for range in &ranges {
        let range = GridRange::from_json(range);
        if range.sheet != sheet {
            return Err(ApiError::invalid(
                "All ranges of a rule must be on one sheet.",
            ));
        }
        w.book.rect(&range)?;
    }
    if rule.get("booleanRule").is_none() && rule.get("gradientRule").is_none() {
        return Err(ApiError::invalid(
            "A rule must be a boolean or a gradient rule.",
        ));
    }
    Ok(sheet)
}

pub(super) fn add_rule(w: &mut Work<'_>) -> Answer<()> {
    let rule = normalise(w.need("rule")?);
    let sheet = rule_sheet(w, &rule)?;
    let index = w
        .int("index")
        .and_then(|i| usize::try_from(i).ok())
        .unwrap_or(0);
    let list = &mut w.sheet(sheet)?.conditional;
    let at = index.min(list.len());
    list.insert(at, rule);
    Ok(())
}

fn no_rule(sheet: i64, index: i64) -> ApiError {
    ApiError::invalid(format!(
        "No conditional format on sheet: {sheet} at index: {index}"
    ))
}

pub(super) fn update_rule(w: &mut Work<'_>) -> Answer {
    let index = w.int("index").unwrap_or(0);
    let rule = w.get("rule").map(normalise);
    let sheet = match &rule {
        Some(rule) => rule_sheet(w, rule)?,
        None => w.int("sheetId").unwrap_or(0),
    };
    let to = w.int("newIndex").and_then(|i| usize::try_from(i).ok());
    let list = &mut w.sheet(sheet)?.conditional;
    let at = usize::try_from(index)
        .ok()
        .filter(|i| *i < list.len())
        .ok_or_else(|| no_rule(sheet, index))?;
    let old = list.remove(at);
    let mut reply = Map::new();
    match rule {
        Some(rule) => {
            list.insert(at, rule.clone());
            reply.insert("newRule".into(), rule);
            if at > 0 {
                reply.insert("newIndex".into(), at.into());
            }
            reply.insert("oldRule".into(), old);
        }
        None => {
            let to = to.unwrap_or(at).min(list.len());
            list.insert(to, old.clone());
            reply.insert("newRule".into(), old.clone());
            reply.insert("oldRule".into(), old);
            for (key, n) in [("newIndex", to), ("oldIndex", at)] {
                if n > 0 {
                    reply.insert(key.into(), n.into());
                }
            }
        }
    }
    Ok(json!({"updateConditionalFormatRule": reply}))
}

pub(super) fn delete_rule(w: &mut Work<'_>) -> Answer {
    let sheet = w.int("sheetId").unwrap_or(0);
    let index = w.int("index").unwrap_or(0);
    let list = &mut w.sheet(sheet)?.conditional;
    let at = usize::try_from(index)
        .ok()
        .filter(|i| *i < list.len())
        .ok_or_else(|| no_rule(sheet, index))?;
    let rule = list.remove(at);
    Ok(json!({"deleteConditionalFormatRule": {"rule": rule}}))
}

pub(super) fn add_metadata(w: &mut Work<'_>) -> Answer {
    let asked = w.need("developerMetadata")?.clone();
    let id = match asked.get("metadataId").and_then(number_of) {
        Some(id) if id != 0 && w.book.metadata.iter().any(|m| m.id == id) => {
            return Err(ApiError::invalid(format!(
                "Developer metadata with id {id} already exists."
            )));
        }
        Some(id) if id != 0 => id,
        _ => w.book.fresh_id(),
    };
    let text = |k: &str| asked.get(k).and_then(Value::as_str).map(str::to_owned);
    let visibility = text("visibility")
        .ok_or_else(|| ApiError::invalid("Developer metadata visibility must be specified."))?;
    let place = metadata::place(w.book, asked.get("location").unwrap_or(&Value::Null))?;
    let one = Metadata {
        id,
        key: text("metadataKey"),
        value: text("metadataValue"),
        visibility,
        place,
    };
    let reply = metadata_json(&one);
    w.book.metadata.push(one);
    metadata::check_storage(w.book, place)?;
    Ok(json!({"createDeveloperMetadata": {"developerMetadata": reply}}))
}

fn matching(w: &Work<'_>, filters: &[Value]) -> Vec<i64> {
    w.book
        .metadata
        .iter()
        .filter(|m| {
            filters
                .iter()
                .filter_map(|f| f.get("developerMetadataLookup"))
                .any(|l| metadata::matches(m, l))
        })
        .map(|m| m.id)
        .collect()
}

pub(super) fn update_metadata(w: &mut Work<'_>) -> Answer {
    let mask = w.mask()?;
    let filters = w
        .get("dataFilters")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let asked = w
        .get("developerMetadata")
        .cloned()
        .unwrap_or_else(|| json!({}));
    let ids = matching(w, &filters);
    let place = match asked.get("location").filter(|_| mask.wants("location")) {
        Some(location) => Some(metadata::place(w.book, location)?),
        None => None,
    };
    let text = |k: &str| asked.get(k).and_then(Value::as_str).map(str::to_owned);
    let mut changed = Vec::new();
    let mut places = Vec::new();
    for m in w.book.metadata.iter_mut().filter(|m| ids.contains(&m.id)) {
        if mask.wants("metadataKey") {
            m.key = text("metadataKey");
        }
        if mask.wants("metadataValue") {
            m.value = text("metadataValue");
        }
        if let Some(visibility) = text("visibility").filter(|_| mask.wants("visibility")) {
            m.visibility = visibility;
        }
        if let Some(place) = place {
            m.place = place;
        }
        changed.push(metadata_json(m));
        places.push(m.place);
    }
    for place in places {
        metadata::check_storage(w.book, place)?;
    }
    Ok(json!({"updateDeveloperMetadata": {"developerMetadata": changed}}))
}

pub(super) fn delete_metadata(w: &mut Work<'_>) -> Answer {
    let filter = w.need("dataFilter")?.clone();
    let ids = matching(w, &[filter]);
    let gone: Vec<Value> = w
        .book
        .metadata
        .iter()
        .filter(|m| ids.contains(&m.id))
        .map(metadata_json)
        .collect();
    w.book.metadata.retain(|m| !ids.contains(&m.id));
    let reply = if gone.is_empty() {
        json!({})
    } else {
        json!({"deletedDeveloperMetadata": gone})
    };
    Ok(json!({"deleteDeveloperMetadata": reply}))
}

pub(super) fn set_filter(w: &mut Work<'_>) -> Answer<()> {
    let asked = w.need("filter")?.clone();
    let range = filter_range(w, &asked)?;
    let mut filter = normalise(&asked);
    if let Some(map) = filter.as_object_mut() {
        map.insert("range".into(), range.json());
    }
    both_criteria(&mut filter);
    w.sheet(range.sheet)?.filter = Some(filter);
    Ok(())
}

pub(super) fn clear_filter(w: &mut Work<'_>) -> Answer<()> {
    let id = w.int("sheetId").unwrap_or(0);
    w.sheet(id)?.filter = None;
    Ok(())
}

pub(super) fn add_banding(w: &mut Work<'_>) -> Answer {
    let asked = w.need("bandedRange")?.clone();
    let id = check_free(
        w,
        asked.get("bandedRangeId").and_then(number_of),
        "A banded range",
    )?;
    let range = GridRange::from_json(asked.get("range").unwrap_or(&Value::Null));
    let rect = w.book.rect(&range)?;
    let sheet = w.book.sheet(range.sheet)?;
    let meets = sheet.banded.iter().any(|b| {
        let other = GridRange::from_json(b.get("range").unwrap_or(&Value::Null));
        other.bound(sheet.rows(), sheet.cols()).meets(&rect)
    });
    if meets {
        return Err(ApiError::invalid(
            "You cannot add alternating background colors to a range that already has \
             alternating background colors.",
        ));
    }
    let banded = with_id("bandedRangeId", id, normalise(&asked));
    w.sheet(range.sheet)?.banded.push(banded.clone());
    Ok(json!({"addBanding": {"bandedRange": banded}}))
}

pub(super) fn update_banding(w: &mut Work<'_>) -> Answer<()> {
    let mask = w.mask()?;
    let asked = w.need("bandedRange")?.clone();
    let id = asked.get("bandedRangeId").and_then(number_of).unwrap_or(0);
    let (sheet, at) = locate(w.book, |s| &s.banded, "bandedRangeId", id)
        .ok_or_else(|| ApiError::invalid(format!("No banded range with id: {id}")))?;
    if let Some(stored) = w.sheet(sheet)?.banded.get_mut(at) {
        merge_object(&mask, stored, &normalise(&asked));
    }
    Ok(())
}

pub(super) fn delete_banding(w: &mut Work<'_>) -> Answer<()> {
    let id = w.int("bandedRangeId").unwrap_or(0);
    let (sheet, at) = locate(w.book, |s| &s.banded, "bandedRangeId", id)
        .ok_or_else(|| ApiError::invalid(format!("No banded range with id: {id}")))?;
    w.sheet(sheet)?.banded.remove(at);
    Ok(())
}
