//! Requests about filter views and slicers.

use serde_json::{Map, Value, json};

use super::Work;
use super::charts::overlay_position;
use super::objects::{check_free, locate, merge_object, with_id};
use crate::google::http::{Answer, ApiError};
use crate::google::sheets::a1::{GridRange, number_of};
use crate::google::sheets::book::normalise;

/// Answers carry a filter's criteria in both forms: the list, and the older map by column.
pub(super) fn both_criteria(filter: &mut Value) {
    let Some(map) = filter.as_object_mut() else {
        return;
    };
    let listed = map.get("filterSpecs").and_then(Value::as_array).cloned();
    let specs: Vec<Value> = match (listed, map.get("criteria").and_then(Value::as_object)) {
        (Some(list), _) => list,
        (None, Some(by_column)) => by_column
            .iter()
            .filter_map(|(column, criteria)| {
                let index: i64 = column.parse().ok()?;
                Some(json!({"filterCriteria": criteria, "columnIndex": index}))
            })
            .collect(),
        (None, None) => return,
    };
    let criteria: Map<String, Value> = specs
        .iter()
        .map(|spec| {
            let column = spec.get("columnIndex").and_then(number_of).unwrap_or(0);
            let inner = spec.get("filterCriteria").cloned();
            (column.to_string(), inner.unwrap_or_else(|| json!({})))
        })
        .collect();
    if specs.is_empty() {
        map.remove("filterSpecs");
        map.remove("criteria");
    } else {
        map.insert("criteria".into(), Value::Object(criteria));
        map.insert("filterSpecs".into(), specs.into());
    }
}

/// The range of a filter: its own, that of a named range, or that of a table.
pub(super) fn filter_range(w: &Work<'_>, filter: &Value) -> Answer<GridRange> {
    let text = |key: &str| filter.get(key).and_then(Value::as_str);
    let given = ["range", "namedRangeId", "tableId"]
        .iter()
        .filter(|key| filter.get(**key).is_some_and(|v| !v.is_null()))
        .count();
    if given > 1 {
        return Err(ApiError::invalid(
            "Only one of range, namedRangeId or tableId may be set.",
        ));
    }
    let range = if let Some(id) = text("namedRangeId") {
        let named = w.book.named.iter().find(|n| n.id == id);
        named
            .map(|n| n.range)
            .ok_or_else(|| ApiError::invalid(format!("No named range with id: {id}")))?
    } else if let Some(id) = text("tableId") {
        super::tables::range_of(w.book, id)?
    } else {
        GridRange::from_json(filter.get("range").unwrap_or(&Value::Null))
    };
    w.book.rect(&range)?;
    Ok(range)
}

fn no_view(id: i64) -> ApiError {
    ApiError::invalid(format!("No filter view with id: {id}"))
}

/// A title that no other view of the spreadsheet has: `Filter 1` and so on.
fn free_title(w: &Work<'_>) -> String {
    let taken = |title: &str| {
        w.book
            .sheets
            .iter()
            .flat_map(|s| &s.filter_views)
            .any(|v| v.get("title").and_then(Value::as_str) == Some(title))
    };
    let mut n = 1;
    while taken(&format!("Filter {n}")) {
        n += 1;
    }
    format!("Filter {n}")
}

pub(super) fn add(w: &mut Work<'_>) -> Answer {
    let asked = w.need("filter")?.clone();
    let id = check_free(
        w,
        asked.get("filterViewId").and_then(number_of),
        "A filter view",
    )?;
    let range = filter_range(w, &asked)?;
    let mut view = with_id("filterViewId", id, normalise(&asked));
    let title = asked.get("title").and_then(Value::as_str).unwrap_or("");
    let title = if title.is_empty() {
        free_title(w)
    } else {
        title.to_owned()
    };
    if let Some(map) = view.as_object_mut() {
        map.insert("title".into(), title.into());
        map.insert("range".into(), range.json());
    }
    both_criteria(&mut view);
    w.sheet(range.sheet)?.filter_views.push(view.clone());
    Ok(json!({"addFilterView": {"filter": view}}))
}

pub(super) fn update(w: &mut Work<'_>) -> Answer<()> {
    let mask = w.mask()?;
    let asked = w.need("filter")?.clone();
    let id = asked.get("filterViewId").and_then(number_of).unwrap_or(0);
    let (sheet, at) =
        locate(w.book, |s| &s.filter_views, "filterViewId", id).ok_or_else(|| no_view(id))?;
    if mask.wants("range") && asked.get("range").is_some() {
        filter_range(w, &asked)?;
    }
    if let Some(view) = w.sheet(sheet)?.filter_views.get_mut(at) {
        let title = view.get("title").cloned();
        // The older form must not outlive the newer one.
        let (specs, criteria) = (mask.wants("filterSpecs"), mask.wants("criteria"));
        if let Some(map) = view.as_object_mut().filter(|_| specs || criteria) {
            map.remove("criteria");
            map.remove("filterSpecs");
        }
        merge_object(&mask, view, &normalise(&asked));
        if let Some(map) = view.as_object_mut() {
            map.insert("filterViewId".into(), id.into());
            if let Some(title) = title.filter(|_| !map.contains_key("title")) {
                map.insert("title".into(), title);
            }
        }
        both_criteria(view);
    }
    Ok(())
}

pub(super) fn delete(w: &mut Work<'_>) -> Answer<()> {
    let id = w.int("filterId").unwrap_or(0);
    let (sheet, at) =
        locate(w.book, |s| &s.filter_views, "filterViewId", id).ok_or_else(|| no_view(id))?;
    w.sheet(sheet)?.filter_views.remove(at);
    Ok(())
}

pub(super) fn duplicate(w: &mut Work<'_>) -> Answer {
    let id = w.int("filterId").unwrap_or(0);
    let (sheet, at) =
        locate(w.book, |s| &s.filter_views, "filterViewId", id).ok_or_else(|| no_view(id))?;
    let original = w.book.sheet(sheet)?.filter_views.get(at).cloned();
    let original = original.ok_or_else(|| no_view(id))?;
    let fresh = w.book.fresh_id();
    let mut copy = with_id("filterViewId", fresh, original);
    if let Some(map) = copy.as_object_mut() {
        let title = map.get("title").and_then(Value::as_str).unwrap_or("");
        let title = format!("Copy of {title}");
        map.insert("title".into(), title.into());
    }
    w.sheet(sheet)?.filter_views.push(copy.clone());
    Ok(json!({"duplicateFilterView": {"filter": copy}}))
}

pub(super) fn add_slicer(w: &mut Work<'_>) -> Answer {
    let asked = w.need("slicer")?.clone();
    let id = check_free(w, asked.get("slicerId").and_then(number_of), "A slicer")?;
    let spec = asked.get("spec").cloned().unwrap_or_else(|| json!({}));
    let range = GridRange::from_json(spec.get("dataRange").unwrap_or(&Value::Null));
    w.book.rect(&range)?;
    if asked.pointer("/position/newSheet").and_then(Value::as_bool) == Some(true) {
        return Err(ApiError::invalid(
            "A slicer can be positioned only on an existing sheet.",
        ));
    }
    let (sheet, position) = overlay_position(w, asked.get("position"))?;
    let mut spec = normalise(&spec);
    if let Some(map) = spec.as_object_mut() {
        // Unset means true; a false is kept, and answered by its absence.
        map.entry("horizontalAlignment")
            .or_insert_with(|| "LEFT".into());
        let pivots = asked.pointer("/spec/applyToPivotTables");
        if pivots.and_then(Value::as_bool) != Some(false) {
            map.insert("applyToPivotTables".into(), true.into());
        }
    }
    let slicer = json!({"slicerId": id, "spec": spec, "position": position});
    w.sheet(sheet)?.slicers.push(slicer.clone());
    Ok(json!({"addSlicer": {"slicer": slicer}}))
}

pub(super) fn update_slicer(w: &mut Work<'_>) -> Answer<()> {
    let mask = w.mask()?;
    let id = w.int("slicerId").unwrap_or(0);
    let (sheet, at) = locate(w.book, |s| &s.slicers, "slicerId", id)
        .ok_or_else(|| ApiError::invalid(format!("No slicer with id: {id}")))?;
    let spec = normalise(w.need("spec")?);
    if let Some(range) = spec.get("dataRange") {
        w.book.rect(&GridRange::from_json(range))?;
    }
    if let Some(slicer) = w.sheet(sheet)?.slicers.get_mut(at)
        && let Some(map) = slicer.as_object_mut()
    {
        let own = map.entry("spec").or_insert_with(|| json!({}));
        merge_object(&mask, own, &spec);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn criteria_are_told_in_both_forms() {
        let condition = json!({"hiddenValues": ["x"]});
        let both = json!({
            "criteria": {"2": condition},
            "filterSpecs": [{"filterCriteria": condition, "columnIndex": 2}],
        });
        let cases = [
            (json!({"criteria": {"2": condition}}), both.clone()),
            (
                json!({"filterSpecs": [{"filterCriteria": condition, "columnIndex": 2}]}),
                both.clone(),
            ),
            (json!({"title": "t"}), json!({"title": "t"})),
            (json!({"criteria": {"9": {}}, "filterSpecs": []}), json!({})),
        ];
        for (mut given, want) in cases {
            both_criteria(&mut given);
            assert_eq!(given, want);
        }
    }
}
