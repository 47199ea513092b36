//! The methods of Drive v3, recognised in verb and path.

use crate::google::http::decode_segment;

/// A Drive method, recognised in verb and path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// The method's id in the discovery document.
    pub(crate) id: &'static str,
    pub(crate) file: String,
    /// Permission, revision, comment or drive id.
    pub(crate) arg: String,
    /// Reply id.
    pub(crate) sub: String,
    pub(crate) reads: bool,
}

/// Recognises a path below `/drive/v3` or an upload path.
pub(crate) fn route(verb: &str, path: &str) -> Option<Route> {
    let make = |id, file: &str, arg: &str, reads| {
        Some(Route {
            id,
            file: decode_segment(file),
            arg: decode_segment(arg),
            sub: String::new(),
            reads,
        })
    };
    for (prefix, id) in [
        ("/upload/drive/v3/files/", "drive.files.update"),
        ("/upload/drive/v2/files/", "drive.v2.files.update"),
    ] {
        if let Some(file) = path.strip_prefix(prefix) {
            return matches!(verb, "PUT" | "PATCH")
                .then(|| make(id, file, "", false))
                .flatten();
        }
    }
    if path == "/upload/drive/v3/files" {
        return matches!(verb, "POST" | "PUT")
            .then(|| make("drive.files.create", "", "", false))
            .flatten();
    }
    let rest = path.strip_prefix("/drive/v3/")?.trim_end_matches('/');
    let parts: Vec<&str> = rest.split('/').collect();
    match (verb, parts.as_slice()) {
        ("GET", ["about"]) => make("drive.about.get", "", "", true),
        ("GET", ["files"]) => make("drive.files.list", "", "", true),
        ("POST", ["files"]) => make("drive.files.create", "", "", false),
        ("GET", ["files", "generateIds"]) => make("drive.files.generateIds", "", "", true),
        ("DELETE", ["files", "trash"]) => make("drive.files.emptyTrash", "", "", false),
        ("GET", ["files", id]) => make("drive.files.get", id, "", true),
        ("PATCH", ["files", id]) => make("drive.files.update", id, "", false),
        ("DELETE", ["files", id]) => make("drive.files.delete", id, "", false),
        ("POST", ["files", id, "copy"]) => make("drive.files.copy", id, "", false),
        ("POST", ["files", id, "watch"]) => make("drive.files.watch", id, "", true),
        ("GET", ["files", id, "export"]) => make("drive.files.export", id, "", true),
        ("GET", ["files", id, "listLabels"]) => make("drive.files.listLabels", id, "", true),
        ("POST", ["files", id, "modifyLabels"]) => make("drive.files.modifyLabels", id, "", false),
        ("GET", ["files", id, "accessproposals"]) => {
            make("drive.accessproposals.list", id, "", true)
        }
        ("GET", ["files", id, "approvals"]) => make("drive.approvals.list", id, "", true),
        ("GET", ["changes", "startPageToken"]) => {
            make("drive.changes.getStartPageToken", "", "", true)
        }
        ("GET", ["changes"]) => make("drive.changes.list", "", "", true),
        ("POST", ["changes", "watch"]) => make("drive.changes.watch", "", "", true),
        ("POST", ["channels", "stop"]) => make("drive.channels.stop", "", "", true),
        ("GET", ["apps"]) => make("drive.apps.list", "", "", true),
        ("GET", ["drives"]) => make("drive.drives.list", "", "", true),
        ("POST", ["drives"]) => make("drive.drives.create", "", "", false),
        ("GET", ["drives", id]) => make("drive.drives.get", "", id, true),
        ("PATCH", ["drives", id]) => make("drive.drives.update", "", id, false),
        ("DELETE", ["drives", id]) => make("drive.drives.delete", "", id, false),
        ("POST", ["drives", id, "hide"]) => make("drive.drives.hide", "", id, false),
        ("POST", ["drives", id, "unhide"]) => make("drive.drives.unhide", "", id, false),
        (_, ["files", file, rest @ ..]) => below_file(verb, file, rest),
        _ => None,
    }
}

/// Permissions, revisions, comments and replies of a file.
fn below_file(verb: &str, file: &str, rest: &[&str]) -> Option<Route> {
    let make = |id, arg: &str, sub: &str, reads| {
        Some(Route {
            id,
            file: decode_segment(file),
            arg: decode_segment(arg),
            sub: decode_segment(sub),
            reads,
        })
    };
    match (verb, rest) {
        ("GET", ["permissions"]) => make("drive.permissions.list", "", "", true),
        ("POST", ["permissions"]) => make("drive.permissions.create", "", "", false),
        ("GET", ["permissions", p]) => make("drive.permissions.get", p, "", true),
        ("PATCH", ["permissions", p]) => make("drive.permissions.update", p, "", false),
        ("DELETE", ["permissions", p]) => make("drive.permissions.delete", p, "", false),
        ("GET", ["revisions"]) => make("drive.revisions.list", "", "", true),
        ("GET", ["revisions", r]) => make("drive.revisions.get", r, "", true),
        ("PATCH", ["revisions", r]) => make("drive.revisions.update", r, "", false),
        ("DELETE", ["revisions", r]) => make("drive.revisions.delete", r, "", false),
        ("GET", ["comments"]) => make("drive.comments.list", "", "", true),
        ("POST", ["comments"]) => make("drive.comments.create", "", "", false),
        ("GET", ["comments", c]) => make("drive.comments.get", c, "", true),
        ("PATCH", ["comments", c]) => make("drive.comments.update", c, "", false),
        ("DELETE", ["comments", c]) => make("drive.comments.delete", c, "", false),
        ("GET", ["comments", c, "replies"]) => make("drive.replies.list", c, "", true),
        ("POST", ["comments", c, "replies"]) => make("drive.replies.create", c, "", false),
        ("GET", ["comments", c, "replies", r]) => make("drive.replies.get", c, r, true),
        ("PATCH", ["comments", c, "replies", r]) => make("drive.replies.update", c, r, false),
        ("DELETE", ["comments", c, "replies", r]) => make("drive.replies.delete", c, r, false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes() {
        let cases = [
            ("GET", "/drive/v3/files/F", "drive.files.get", "F", "", ""),
            (
                "DELETE",
                "/drive/v3/files/F/",
                "drive.files.delete",
                "F",
                "",
                "",
            ),
            (
                "DELETE",
                "/drive/v3/files/trash",
                "drive.files.emptyTrash",
                "",
                "",
                "",
            ),
            (
                "PATCH",
                "/drive/v3/files/F/comments/C/replies/R",
                "drive.replies.update",
                "F",
                "C",
                "R",
            ),
            (
                "POST",
                "/drive/v3/drives/D/hide",
                "drive.drives.hide",
                "",
                "D",
                "",
            ),
            (
                "PUT",
                "/upload/drive/v3/files",
                "drive.files.create",
                "",
                "",
                "",
            ),
        ];
        for (verb, path, id, file, arg, sub) in cases {
            let found = route(verb, path).unwrap_or_else(|| panic!("{verb} {path}"));
            assert_eq!(
                (found.id, &*found.file, &*found.arg, &*found.sub),
                (id, file, arg, sub)
            );
        }
        assert_eq!(route("PUT", "/drive/v3/files/F"), None);
    }
}
