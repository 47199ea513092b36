//! Drive v3: files, folders, permissions, changes, revisions of a shared drive and of My Drives.

mod feed;
mod list;
mod methods;
pub(crate) mod query;
mod route;
mod shared;
mod sharing;
mod talk;
pub(crate) mod upload;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

pub(crate) use self::methods::{Call, Effect, answer};
pub(crate) use self::route::{Route, route};
use super::auth::random_hex;
use super::http::{Answer, ApiError};
use crate::clock::rfc3339_ms;

/// MIME type of a spreadsheet.
pub(crate) const SHEET: &str = "application/vnd.google-apps.spreadsheet";
/// MIME type of a folder.
pub(crate) const FOLDER: &str = "application/vnd.google-apps.folder";
/// MIME type of a shortcut to another file.
pub(crate) const SHORTCUT: &str = "application/vnd.google-apps.shortcut";

/// A permission on a file or on the shared drive.
#[derive(Clone, Debug)]
pub(crate) struct Permission {
    pub(crate) id: String,
    /// `user`, `group`, `domain`, `anyone`.
    pub(crate) kind: String,
    pub(crate) role: String,
    pub(crate) email: Option<String>,
    pub(crate) domain: Option<String>,
    /// Whether the file is offered to this person, who has not taken it yet.
    pub(crate) pending: bool,
}

/// One remembered state of a file.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    pub(crate) id: u64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) user: String,
    pub(crate) keep: bool,
}

/// A shared drive.
#[derive(Clone, Debug)]
pub(crate) struct SharedDrive {
    pub(crate) name: String,
    pub(crate) members: Vec<Permission>,
    pub(crate) created: DateTime<Utc>,
    /// Who hid it from their list.
    pub(crate) hidden_from: Vec<String>,
}

/// A file or a folder.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) parents: Vec<String>,
    /// Owner, when the file is in somebody's My Drive.
    pub(crate) owner: Option<String>,
    /// The shared drive, when it is there.
    pub(crate) drive: Option<String>,
    pub(crate) app_properties: BTreeMap<String, String>,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) description: Option<String>,
    pub(crate) trashed: bool,
    pub(crate) starred: bool,
    pub(crate) created: DateTime<Utc>,
    pub(crate) modified: DateTime<Utc>,
    pub(crate) last_user: String,
    pub(crate) version: u64,
    pub(crate) permissions: Vec<Permission>,
    pub(crate) revisions: Vec<Revision>,
    /// Bytes of a file that is no spreadsheet and no folder.
    pub(crate) content: Option<Arc<Vec<u8>>>,
    /// Comments as they are answered, with who wrote them in `by`.
    pub(crate) comments: Vec<Value>,
    /// What a shortcut leads to.
    pub(crate) shortcut: Option<String>,
    /// Callers that lost every right, whatever else lets them in.
    pub(crate) denied: Vec<String>,
}

impl File {
    pub(crate) fn new(id: &str, name: &str, mime: &str, now: DateTime<Utc>) -> File {
        File {
            id: id.to_owned(),
            name: name.to_owned(),
            mime: mime.to_owned(),
            parents: Vec::new(),
            owner: None,
            drive: None,
            app_properties: BTreeMap::new(),
            properties: BTreeMap::new(),
            description: None,
            trashed: false,
            starred: false,
            created: now,
            modified: now,
            last_user: String::new(),
            version: 1,
            permissions: Vec::new(),
            revisions: Vec::new(),
            content: None,
            comments: Vec::new(),
            shortcut: None,
            denied: Vec::new(),
        }
    }

    pub(crate) fn has_role(&self, email: &str, roles: &[&str]) -> bool {
        self.permissions.iter().any(|p| {
            p.email
                .as_deref()
                .is_some_and(|e| e.eq_ignore_ascii_case(email))
                && roles.contains(&p.role.as_str())
        })
    }
}

/// How much a caller may do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Access {
    None,
    Read,
    Write,
    /// May move, share and delete.
    Organize,
    Own,
}

fn access_of(role: &str) -> Access {
    match role {
        "owner" => Access::Own,
        "organizer" | "fileOrganizer" => Access::Organize,
        "writer" => Access::Write,
        "reader" | "commenter" => Access::Read,
        _ => Access::None,
    }
}

/// An entry of the change log.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) file: String,
    pub(crate) at: DateTime<Utc>,
    /// The shared drive that the file is or was in.
    pub(crate) drive: Option<String>,
    /// Who could see the file, when it is gone.
    pub(crate) seen_by: Vec<String>,
}

/// All files, and the shared drives.
#[derive(Debug)]
pub(crate) struct Drive {
    pub(crate) files: BTreeMap<String, File>,
    pub(crate) changes: Vec<Change>,
    /// Id of the first shared drive, which is its root folder's too.
    pub(crate) shared: String,
    pub(crate) drives: BTreeMap<String, SharedDrive>,
    /// The account that owns no storage.
    pub(crate) robot: String,
    /// Address of the pages, for links.
    pub(crate) endpoint: String,
}

/// An id as Drive makes them.
pub(crate) fn new_id(prefix: &str, length: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bytes = random_hex(length);
    let digits: Vec<u32> = bytes.chars().filter_map(|c| c.to_digit(16)).collect();
    let mut out = prefix.to_owned();
    for pair in digits.chunks(2) {
        let n = pair.iter().fold(0, |n, d| n * 16 + d) as usize % LETTERS.len();
        out.push(LETTERS.get(n).map_or('A', |b| char::from(*b)));
    }
    out
}

/// The permission id of an e-mail address: digits, the same each time.
pub(crate) fn permission_id(email: &str) -> String {
    let hash = email
        .to_lowercase()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{hash:020}")
}

/// A user as told to `me`; the account that is no person is named by its address.
pub(crate) fn user_json(robot: &str, email: &str, me: &str) -> Value {
    let name = email.split('@').next().unwrap_or(email);
    json!({
        "kind": "drive#user",
        "displayName": if email == robot { email } else { name },
        "me": email.eq_ignore_ascii_case(me),
        "permissionId": permission_id(email),
        "emailAddress": email,
    })
}

impl Drive {
    /// A drive whose members may write: the robot and the people.
    pub(crate) fn new(robot: &str, people: &[String], endpoint: &str, now: DateTime<Utc>) -> Drive {
        let member = |email: &str, role: &str| Permission {
            id: permission_id(email),
            kind: "user".to_owned(),
            role: role.to_owned(),
            email: Some(email.to_owned()),
            domain: None,
            pending: false,
        };
        let mut members: Vec<Permission> = people.iter().map(|p| member(p, "organizer")).collect();
        members.push(member(robot, "fileOrganizer"));
        let shared = new_id("0A", 17);
        let first = SharedDrive {
            name: "planfact".to_owned(),
            members,
            created: now,
            hidden_from: Vec::new(),
        };
        Drive {
            files: BTreeMap::new(),
            changes: Vec::new(),
            drives: BTreeMap::from([(shared.clone(), first)]),
            shared,
            robot: robot.to_owned(),
            endpoint: endpoint.to_owned(),
        }
    }

    /// The id of a user's root folder.
    pub(crate) fn root_of(email: &str) -> String {
        format!("0A{}PVA", permission_id(email))
    }

    /// Gives the first shared drive another id.
    pub(crate) fn rename_shared(&mut self, id: &str) {
        if let Some(first) = self.drives.remove(&self.shared) {
            self.drives.insert(id.to_owned(), first);
        }
        id.clone_into(&mut self.shared);
    }

    /// How much a caller may do as a member of a shared drive.
    pub(crate) fn member(&self, drive: &str, email: &str) -> Access {
        self.drives
            .get(drive)
            .into_iter()
            .flat_map(|d| &d.members)
            .filter(|p| {
                p.email
                    .as_deref()
                    .is_some_and(|e| e.eq_ignore_ascii_case(email))
            })
            .map(|p| access_of(&p.role))
            .max()
            .unwrap_or(Access::None)
    }

    /// How much a caller may do with a file: its own permissions, those of the folders above it,
    /// and the shared drive's.
    pub(crate) fn access(&self, file: &File, email: &str) -> Access {
        self.rights(file, email, true)
    }

    /// Whether lists name the file to a caller: what is open to anyone with its link is not found
    /// without the link.
    pub(crate) fn is_listed(&self, file: &File, email: &str) -> bool {
        self.rights(file, email, false) >= Access::Read
    }

    /// What a caller may do, by the rights of anyone with the link or without them.
    fn rights(&self, file: &File, email: &str, by_link: bool) -> Access {
        if file.denied.iter().any(|e| e.eq_ignore_ascii_case(email)) {
            return Access::None;
        }
        let mut best = match &file.drive {
            Some(id) => self.member(id, email),
            None => Access::None,
        };
        let mut seen = 0;
        let mut at = Some(file);
        // Folders are nested at most a hundred deep in Drive.
        while let Some(one) = at.filter(|_| seen < 100) {
            for p in &one.permissions {
                let mine = (p.kind == "anyone" && by_link)
                    || p.email
                        .as_deref()
                        .is_some_and(|e| e.eq_ignore_ascii_case(email))
                    || (p.kind == "domain"
                        && p.domain
                            .as_deref()
                            .is_some_and(|d| email.ends_with(&format!("@{d}"))));
                if mine {
                    best = best.max(access_of(&p.role));
                }
            }
            seen += 1;
            at = one.parents.first().and_then(|p| self.files.get(p));
        }
        best
    }

    /// # Errors
    /// The file does not exist or the caller may not see it.
    pub(crate) fn visible(&self, id: &str, email: &str) -> Answer<&File> {
        self.files
            .get(id)
            .filter(|f| self.access(f, email) >= Access::Read)
            .ok_or_else(|| ApiError::file_not_found(id))
    }

    /// Notes an edit of a file's content or metadata.
    pub(crate) fn touch(&mut self, id: &str, email: &str, now: DateTime<Utc>) {
        let Some(file) = self.files.get_mut(id) else {
            return;
        };
        // Two edits in one millisecond still are two instants.
        let step = chrono::TimeDelta::milliseconds(1);
        file.modified = if now > file.modified {
            now
        } else {
            file.modified + step
        };
        file.version += 1;
        file.last_user = email.to_owned();
        let revision = file.revisions.last().map_or(1, |r| r.id + 1);
        file.revisions.push(Revision {
            id: revision,
            at: file.modified,
            user: email.to_owned(),
            keep: false,
        });
        if file.revisions.len() > 200 {
            file.revisions.remove(0);
        }
        self.note(id, now);
    }

    /// Writes the change log.
    pub(crate) fn note(&mut self, id: &str, now: DateTime<Utc>) {
        let (drive, seen_by) = self.files.get(id).map_or((None, Vec::new()), |f| {
            let mails = f
                .permissions
                .iter()
                .filter_map(|p| p.email.clone())
                .collect();
            (f.drive.clone(), mails)
        });
        self.changes.push(Change {
            file: id.to_owned(),
            at: now,
            drive,
            seen_by,
        });
    }

    pub(crate) fn user_json(&self, email: &str, me: &str) -> Value {
        user_json(&self.robot, email, me)
    }

    pub(crate) fn permission_json(p: &Permission) -> Value {
        let mut out = Map::new();
        out.insert("kind".into(), "drive#permission".into());
        out.insert("id".into(), p.id.clone().into());
        out.insert("type".into(), p.kind.clone().into());
        out.insert("role".into(), p.role.clone().into());
        if let Some(email) = &p.email {
            out.insert("emailAddress".into(), email.clone().into());
            let name = email.split('@').next().unwrap_or(email);
            out.insert("displayName".into(), name.into());
            out.insert("deleted".into(), false.into());
            out.insert("pendingOwner".into(), p.pending.into());
        }
        if let Some(domain) = &p.domain {
            out.insert("domain".into(), domain.clone().into());
        }
        if p.kind == "anyone" || p.kind == "domain" {
            out.insert("allowFileDiscovery".into(), false.into());
        }
        Value::Object(out)
    }

    fn link(&self, file: &File) -> String {
        match file.mime.as_str() {
            SHEET => format!("{}/spreadsheets/d/{}/edit", self.endpoint, file.id),
            FOLDER => format!("{}/drive/folders/{}", self.endpoint, file.id),
            _ => format!("{}/file/d/{}/view", self.endpoint, file.id),
        }
    }

    /// A file with every field that is kept.
    pub(crate) fn file_json(&self, file: &File, me: &str) -> Value {
        let access = self.access(file, me);
        let size = file.content.as_ref().map_or(1024, |c| c.len());
        let mut out = json!({
            "kind": "drive#file",
            "id": file.id,
            "name": file.name,
            "mimeType": file.mime,
            "starred": file.starred,
            "trashed": file.trashed,
            "explicitlyTrashed": file.trashed,
            "parents": file.parents,
            "spaces": ["drive"],
            "version": file.version.to_string(),
            "webViewLink": self.link(file),
            "createdTime": rfc3339_ms(file.created),
            "modifiedTime": rfc3339_ms(file.modified),
            "lastModifyingUser": self.user_json(&file.last_user, me),
            "modifiedByMe": file.last_user.eq_ignore_ascii_case(me),
            "ownedByMe": file.owner.as_deref() == Some(me),
            "shared": file.drive.is_some() || file.permissions.len() > 1,
            "viewersCanCopyContent": true,
            "copyRequiresWriterPermission": false,
            "writersCanShare": true,
            "isAppAuthorized": true,
            "quotaBytesUsed": size.to_string(),
            "capabilities": {
                "canEdit": access >= Access::Write,
                "canCopy": access >= Access::Read,
                "canDelete": access >= Access::Organize,
                "canTrash": access >= Access::Organize,
                "canShare": access >= Access::Write,
                "canRename": access >= Access::Write,
                "canAddChildren": file.mime == FOLDER && access >= Access::Write,
                "canListChildren": file.mime == FOLDER,
                "canDownload": access >= Access::Read,
            },
        });
        if let Some(map) = out.as_object_mut() {
            self.add_optional(map, file, me, access);
        }
        out
    }

    /// The fields that not every file has.
    fn add_optional(&self, map: &mut Map<String, Value>, file: &File, me: &str, access: Access) {
        if let Some(drive) = &file.drive {
            map.insert("driveId".into(), drive.clone().into());
            map.insert("teamDriveId".into(), drive.clone().into());
            map.insert("hasAugmentedPermissions".into(), false.into());
        }
        if let Some(owner) = &file.owner {
            map.insert("owners".into(), json!([self.user_json(owner, me)]));
        }
        if let Some(text) = &file.description {
            map.insert("description".into(), text.clone().into());
        }
        for (key, props) in [
            ("appProperties", &file.app_properties),
            ("properties", &file.properties),
        ] {
            if !props.is_empty() {
                map.insert(key.into(), json!(props));
            }
        }
        if file.mime == SHEET {
            map.insert("size".into(), "1024".into());
        }
        if let Some(to) = &file.shortcut {
            let mut details = json!({ "targetId": to });
            if let Some(target) = self.files.get(to) {
                details["targetMimeType"] = target.mime.clone().into();
            }
            map.insert("shortcutDetails".into(), details);
        }
        if let Some(content) = &file.content {
            map.insert("size".into(), content.len().to_string().into());
            map.insert("originalFilename".into(), file.name.clone().into());
            let extension = file.name.rsplit_once('.').map_or("", |(_, e)| e);
            map.insert("fileExtension".into(), extension.into());
            map.insert("fullFileExtension".into(), extension.into());
            let link = format!("{}/uc?id={}&export=download", self.endpoint, file.id);
            map.insert("webContentLink".into(), link.into());
            let head = file.revisions.last().map_or(1, |r| r.id);
            map.insert("headRevisionId".into(), head.to_string().into());
        }
        let ids: Vec<&str> = file.permissions.iter().map(|p| p.id.as_str()).collect();
        map.insert("permissionIds".into(), json!(ids));
        if file.drive.is_none() && access >= Access::Write {
            let all: Vec<Value> = file.permissions.iter().map(Self::permission_json).collect();
            map.insert("permissions".into(), all.into());
        }
        if file.mime == SHEET {
            let export = |mime: &str| {
                format!(
                    "{}/drive/v3/files/{}/export?mimeType={mime}",
                    self.endpoint, file.id
                )
            };
            let links: Map<String, Value> = crate::google::sheets::FORMATS
                .iter()
                .map(|(_, mime)| ((*mime).to_owned(), export(mime).into()))
                .collect();
            map.insert("exportLinks".into(), Value::Object(links));
        }
    }
}
