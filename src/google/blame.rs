//! Why a batch was refused: which of its targets somebody protected or deleted.
//!
//! Google refuses a batch over a protected cell with HTTP 400 and a localised sentence, and one over
//! a deleted tab with another; neither carries a word of its own. So the spreadsheet is looked at
//! once more, and what stands in the batch's way is named: the tab, the cells, the protection.

use google_sheets4::api as wire;

use super::error::{Cause, GoogleError, Kind};
use super::{Google, from_wire};
use crate::sheet::a1;
use crate::sheet::edit::Edit;
use crate::sheet::workbook::{Area, Rect};

/// What has to be known of a spreadsheet in order to say what stands in the way.
const OBSTACLES: &str = "sheets(properties(sheetId,title,gridProperties(rowCount,columnCount)),\
    protectedRanges(range,description,warningOnly,requestingUserCanEdit,unprotectedRanges))";

/// A protection that does not let us write.
struct Wall {
    area: Area,
    free: Vec<Area>,
    description: String,
}

impl Google {
    /// The same error, naming what stands in the way of the edits, if that can be seen.
    pub(super) async fn blame(
        &self,
        file: &str,
        edits: &[Edit],
        mut error: GoogleError,
    ) -> GoogleError {
        let may_be_seen = matches!(error.kind, Kind::Invalid | Kind::NeedsHuman) && error.refused;
        if !may_be_seen {
            return error;
        }
        let doing = format!("looking why spreadsheet {file} refuses");
        let now = match self.get(file, &[], OBSTACLES, &doing).await {
            Ok(now) => now,
            Err(unseen) => {
                tracing::debug!(%unseen, "what stands in the way stays unknown");
                return error;
            }
        };
        if let Some((kind, cause, message)) = obstacle(&now, edits) {
            error.kind = kind;
            error.message = message;
            error.cause = Some(cause);
        }
        error
    }
}

/// The first target that is gone or walled.
fn obstacle(now: &wire::Spreadsheet, edits: &[Edit]) -> Option<(Kind, Cause, String)> {
    let tabs = from_wire::tabs(now);
    let title = |tab: i64| {
        tabs.iter()
            .find(|have| have.id == tab)
            .map(|have| &have.title)
    };
    let walls = walls(now);
    for target in edits.iter().filter_map(target) {
        let Some(title) = title(target.tab) else {
            let message = format!(
                "the tab with the id {} is gone: somebody deleted it",
                target.tab
            );
            return Some((Kind::Invalid, Cause::TabGone, message));
        };
        if let Some(wall) = walls.iter().find(|wall| wall.stops(&target)) {
            let described = match wall.description.as_str() {
                "" => String::new(),
                text => format!(" («{text}»)"),
            };
            let message = format!(
                "«{title}»!{} is protected{described}, and the daemon's account is not among its \
                 editors",
                a1::range(wall.area.rect)
            );
            return Some((Kind::NeedsHuman, Cause::Protected, message));
        }
    }
    None
}

impl Wall {
    fn stops(&self, target: &Area) -> bool {
        let inside = |free: &Area| free.tab == target.tab && free.rect.covers(&target.rect);
        self.area.tab == target.tab
            && self.area.rect.intersects(&target.rect)
            && !self.free.iter().any(inside)
    }
}

/// The protections that hold us off. What only warns holds nobody off; `requestingUserCanEdit` is
/// left out of an answer where it is false.
fn walls(now: &wire::Spreadsheet) -> Vec<Wall> {
    let protections = now
        .sheets
        .iter()
        .flatten()
        .flat_map(|sheet| sheet.protected_ranges.iter().flatten());
    let stands = |one: &&wire::ProtectedRange| {
        one.warning_only != Some(true) && one.requesting_user_can_edit != Some(true)
    };
    protections
        .filter(stands)
        .filter_map(|one| {
            Some(Wall {
                area: from_wire::area_of(one.range.as_ref()?, now),
                free: one
                    .unprotected_ranges
                    .iter()
                    .flatten()
                    .map(|free| from_wire::area_of(free, now))
                    .collect(),
                description: one.description.clone().unwrap_or_default(),
            })
        })
        .collect()
}

/// The cells that an edit changes, if it changes cells of a tab that stands already.
fn target(edit: &Edit) -> Option<Area> {
    let lines = |tab: i64, row: u32, count: u32| Area {
        tab,
        rect: Rect {
            row_start: row,
            row_end: row.saturating_add(count),
            column_start: 0,
            column_end: u32::MAX,
        },
    };
    Some(match edit {
        Edit::Write {
            tab,
            row,
            column,
            values,
        } => {
            let width = values.iter().map(Vec::len).max().unwrap_or(0);
            let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            Area {
                tab: *tab,
                rect: Rect {
                    row_start: *row,
                    row_end: row.saturating_add(size(values.len())),
                    column_start: *column,
                    column_end: column.saturating_add(size(width)),
                },
            }
        }
        Edit::SetNote { at, .. } => *at,
        Edit::InsertRows { tab, row, .. } => lines(*tab, *row, 1),
        Edit::DeleteRows { tab, row, count } => lines(*tab, *row, *count),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sheet::workbook::Value;

    fn now() -> wire::Spreadsheet {
        let grid = json!({"rowCount": 100, "columnCount": 20});
        let protection = |from: u32, to: u32, more: &serde_json::Value| {
            let mut one = json!({"range": {"sheetId": 7, "startRowIndex": from, "endRowIndex": to},
                "description": "Бюджет"});
            for (key, value) in more.as_object().unwrap() {
                one[key] = value.clone();
            }
            one
        };
        let free = json!([{"sheetId": 7, "startRowIndex": 44, "endRowIndex": 46,
            "startColumnIndex": 0, "endColumnIndex": 20}]);
        serde_json::from_value(json!({"sheets": [
            {"properties": {"sheetId": 7, "title": "План", "gridProperties": grid},
             "protectedRanges": [
                protection(10, 12, &json!({"requestingUserCanEdit": true})),
                protection(20, 22, &json!({"warningOnly": true})),
                protection(30, 32, &json!({})),
                protection(40, 50, &json!({"unprotectedRanges": free}))]},
            {"properties": {"title": "Первый", "gridProperties": grid}}]}))
        .unwrap()
    }

    fn write(tab: i64, row: u32) -> Edit {
        Edit::Write {
            tab,
            row,
            column: 2,
            values: vec![vec![Value::Number(1.0); 3]],
        }
    }

    #[test]
    fn what_stands_in_the_way_is_named() {
        let gone = "id 9 is gone";
        let walled = "«План»!A31:T32 is protected («Бюджет»)";
        let cases = [
            (vec![write(7, 0)], None),
            (vec![write(7, 11)], None),
            (vec![write(7, 21)], None),
            (vec![write(7, 31)], Some(walled)),
            (vec![write(7, 45)], None),
            (vec![write(7, 46)], Some("A41:T50")),
            (vec![write(0, 31)], None),
            (vec![write(0, 0), write(9, 0), write(7, 31)], Some(gone)),
            (
                vec![Edit::DeleteRows {
                    tab: 7,
                    row: 25,
                    count: 10,
                }],
                Some(walled),
            ),
        ];
        for (edits, wanted) in cases {
            let found = obstacle(&now(), &edits);
            match wanted {
                None => assert_eq!(found, None, "{edits:?}"),
                Some(text) => {
                    let (_, _, message) = found.unwrap();
                    assert!(message.contains(text), "{message}");
                }
            }
        }
    }
}
