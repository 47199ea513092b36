//! Searches, permissions and changes as Drive writes them.

use super::*;

#[test]
fn searches_quote_what_people_name() {
    assert_eq!(
        query(&[("planfact", "it's"), ("a\\b", "c")], Some("F1")),
        "trashed = false and appProperties has { key='planfact' and value='it\\'s' } and \
         appProperties has { key='a\\\\b' and value='c' } and 'F1' in parents"
    );
    assert_eq!(query(&[], None), "trashed = false");
}

#[test]
fn the_last_editor_is_a_person_and_not_the_daemon() {
    let told = |user: serde_json::Value| {
        let file = serde_json::json!({ "lastModifyingUser": user });
        let file: File = serde_json::from_value(file).unwrap();
        editor(file, Some("robot@x.com")).map(|editor| editor.to_string())
    };
    let cases = [
        (
            serde_json::json!({"displayName": "Anna", "emailAddress": "a@x.com"}),
            Some("Anna <a@x.com>"),
        ),
        (serde_json::json!({"displayName": "Anna"}), Some("Anna")),
        (
            serde_json::json!({"emailAddress": "a@x.com", "me": false}),
            Some("a@x.com"),
        ),
        (
            serde_json::json!({"emailAddress": "a@x.com", "me": true}),
            None,
        ),
        (
            serde_json::json!({"displayName": "R", "emailAddress": "Robot@x.com"}),
            None,
        ),
        (serde_json::json!({}), None),
    ];
    for (user, expected) in cases {
        assert_eq!(told(user.clone()).as_deref(), expected, "{user}");
    }
    assert_eq!(editor(File::default(), None), None);
}

#[test]
fn the_last_change_of_a_file_counts() {
    let change = |id: &str, version| ChangedFile {
        id: id.to_string(),
        removed: false,
        modified: None,
        by_me: false,
        version: Some(version),
    };
    let kept = last_of_each(vec![change("a", 1), change("b", 2), change("a", 3)]);
    assert_eq!(kept, vec![change("b", 2), change("a", 3)]);
}

#[test]
fn changes_are_read_as_drive_writes_them() {
    let change: Change = serde_json::from_value(serde_json::json!({
        "changeType": "file", "fileId": "f", "removed": false,
        "time": "2026-11-22T10:00:00.000Z",
        "file": {"id": "f", "version": "17", "modifiedTime": "2026-11-22T09:59:59.000Z",
            "lastModifyingUser": {"me": true, "emailAddress": "a@b.c"}}}))
    .unwrap();
    let read = changed_file(change, None).unwrap();
    assert!(read.by_me && !read.removed);
    assert_eq!(read.version, Some(17));
    assert_eq!(
        read.modified.unwrap().to_rfc3339(),
        "2026-11-22T09:59:59+00:00"
    );
    let gone: Change =
        serde_json::from_value(serde_json::json!({"fileId": "g", "removed": true})).unwrap();
    assert!(changed_file(gone, Some("a@b.c")).unwrap().removed);
}

#[test]
fn more_than_asked_for_is_enough() {
    let permission = |email: &str, role: &str| Permission {
        type_: Some("user".to_string()),
        email_address: Some(email.to_string()),
        role: Some(role.to_string()),
        ..Permission::default()
    };
    let held = held_roles(&[
        permission("A@B.c", "reader"),
        permission("a@b.c", "organizer"),
    ]);
    assert_eq!(held.get("a@b.c"), Some(&rank("organizer")));
    assert!(rank("writer") > rank("commenter") && rank("commenter") > rank("reader"));
}
