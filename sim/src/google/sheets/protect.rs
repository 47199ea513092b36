//! Who may edit what: protected ranges against the caller.

use serde_json::Value;

use super::a1::{GridRange, Rect};
use super::book::{Book, Sheet};
use crate::google::http::{Answer, ApiError};

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) email: String,
    /// Owner of the file, or organizer of its shared drive: no protection stops them.
    pub(crate) owner: bool,
}

/// Whether a protection lets the caller edit.
pub(crate) fn can_edit(protection: &Value, caller: &Caller) -> bool {
    if caller.owner || protection.get("warningOnly").and_then(Value::as_bool) == Some(true) {
        return true;
    }
    protection
        .pointer("/editors/users")
        .and_then(Value::as_array)
        .is_some_and(|users| {
            users
                .iter()
                .filter_map(Value::as_str)
                .any(|u| u.eq_ignore_ascii_case(&caller.email))
        })
}

/// The block that a protection covers, and the holes in it.
fn coverage(book: &Book, sheet: &Sheet, protection: &Value) -> (Rect, Vec<Rect>) {
    let bound = |v: &Value| GridRange::from_json(v).bound(sheet.rows(), sheet.cols());
    let named = protection
        .get("namedRangeId")
        .and_then(Value::as_str)
        .and_then(|id| book.named.iter().find(|n| n.id == id))
        .map(|n| n.range.bound(sheet.rows(), sheet.cols()));
    let own = protection.get("range").map_or_else(|| sheet.whole(), bound);
    let holes = protection
        .get("unprotectedRanges")
        .and_then(Value::as_array)
        .map(|list| list.iter().map(bound).collect())
        .unwrap_or_default();
    (named.unwrap_or(own), holes)
}

/// # Errors
/// A protection keeps the caller from editing some cell of the block.
pub(crate) fn check(book: &Book, sheet_id: i64, rect: &Rect, caller: &Caller) -> Answer<()> {
    let sheet = book.sheet(sheet_id)?;
    for protection in &sheet.protected {
        if can_edit(protection, caller) {
            continue;
        }
        let (area, holes) = coverage(book, sheet, protection);
        if area.meets(rect) && !holes.iter().any(|h| h.covers(rect)) {
            return Err(ApiError::protected());
        }
    }
    Ok(())
}

/// # Errors
/// The tab has a protection that the caller may not edit.
pub(crate) fn check_tab(book: &Book, sheet_id: i64, caller: &Caller) -> Answer<()> {
    let sheet = book.sheet(sheet_id)?;
    if sheet.protected.iter().all(|p| can_edit(p, caller)) {
        Ok(())
    } else {
        Err(ApiError::protected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn caller(email: &str) -> Caller {
        Caller {
            email: email.into(),
            owner: false,
        }
    }

    #[test]
    fn editors_pass_and_others_do_not_except_in_holes() {
        let mut book = Book::new("b", "t", "en_US", "Etc/GMT");
        book.sheet_mut(0).unwrap().protected.push(json!({
            "protectedRangeId": 1, "range": {},
            "unprotectedRanges": [{"startRowIndex": 2, "endRowIndex": 4,
                "startColumnIndex": 0, "endColumnIndex": 2}],
            "editors": {"users": ["a@x"]},
        }));
        let cell = |r, c| Rect {
            r0: r,
            c0: c,
            r1: r + 1,
            c1: c + 1,
        };
        let cases = [
            ("a@x", 0, 0, true),
            ("b@x", 0, 0, false),
            ("b@x", 3, 1, true),
        ];
        for (who, r, c, want) in cases {
            assert_eq!(
                check(&book, 0, &cell(r, c), &caller(who)).is_ok(),
                want,
                "{who} {r} {c}"
            );
        }
        let owner = Caller {
            email: "o@x".into(),
            owner: true,
        };
        assert!(check(&book, 0, &cell(0, 0), &owner).is_ok());
        assert_eq!(
            check(&book, 0, &cell(0, 0), &caller("b@x"))
                .unwrap_err()
                .code,
            400
        );
    }
}
