//! Opening: one process at a time, the schema brought up to date, foreign files refused.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{StoreError, failed};

/// Schema changes in order; the position counted from 1 is the version that each leads to. A
/// released file is never edited: what follows is a new file.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_plan_history.sql"),
    include_str!("../migrations/0003_trail.sql"),
    include_str!("../migrations/0004_rates.sql"),
    include_str!("../migrations/0005_costs.sql"),
    include_str!("../migrations/0006_payments.sql"),
];

/// Marks the file as ours (`PLNF`), in SQLite's field for that purpose.
const APPLICATION_ID: i32 = 0x504C_4E46;

/// How long a call waits for someone who looks into the file with another tool.
const BUSY_MAX: Duration = Duration::from_secs(10);

/// Opens for the only process that may write.
pub(super) fn exclusive(path: &Path) -> Result<(Connection, File), StoreError> {
    let doing = format!("opening {}", path.display());
    let resolved = create(path).map_err(failed(&doing))?;
    let lock = lock(&resolved, path)?;
    let mut connection =
        Connection::open_with_flags(&resolved, flags(OpenFlags::SQLITE_OPEN_READ_WRITE))
            .map_err(failed(&doing))?;
    prepare(&mut connection, path).map_err(|error| told_apart(error, path, &doing))??;
    Ok((connection, lock))
}

/// Opens beside another process.
pub(super) fn read_only(path: &Path) -> Result<Connection, StoreError> {
    let doing = format!("opening {} to read", path.display());
    let connection = Connection::open_with_flags(path, flags(OpenFlags::SQLITE_OPEN_READ_ONLY))
        .map_err(failed(&doing))?;
    connection.busy_timeout(BUSY_MAX).map_err(failed(&doing))?;
    let found = check_version(&connection, path).map_err(|e| told_apart(e, path, &doing))??;
    if found < known_version() {
        let remedy = "its schema is older than this program; run `planfact refresh` once";
        return Err(failed(doing)(remedy));
    }
    Ok(connection)
}

/// Opens in memory.
pub(super) fn in_memory() -> Result<Connection, StoreError> {
    let doing = "opening a store in memory";
    let mut connection = Connection::open_in_memory().map_err(failed(doing))?;
    prepare(&mut connection, Path::new(":memory:")).map_err(failed(doing))??;
    Ok(connection)
}

/// One connection behind one mutex needs none of SQLite's own; a path is a path, never a URI.
fn flags(access: OpenFlags) -> OpenFlags {
    access | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// Makes the folder and the file when they are absent, readable by their owner only, and follows
/// links, so that two spellings of one file meet at one lock.
fn create(path: &Path) -> std::io::Result<PathBuf> {
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    private_file(path)?;
    path.canonicalize()
}

fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Takes the lock `<file>.lock`. It belongs to the open file, so it is gone with the process, even
/// after kill -9; the empty file stays behind and means nothing.
fn lock(resolved: &Path, given: &Path) -> Result<File, StoreError> {
    let mut name = resolved.as_os_str().to_owned();
    name.push(".lock");
    let doing = format!("locking {}", given.display());
    let file = private_file(Path::new(&name)).map_err(failed(&doing))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            path: given.display().to_string(),
        }),
        Err(TryLockError::Error(error)) => Err(failed(doing)(error)),
    }
}

fn prepare(connection: &mut Connection, path: &Path) -> rusqlite::Result<Result<(), StoreError>> {
    connection.busy_timeout(BUSY_MAX)?;
    let found = match check_version(connection, path)? {
        Ok(found) => found,
        Err(error) => return Ok(Err(error)),
    };
    if found == 0 {
        // Before the first table only: fewer, fuller pages for tables that are read whole.
        connection.pragma_update(None, "page_size", 8192)?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    migrate(connection, found)?;
    Ok(Ok(()))
}

fn known_version() -> u32 {
    // A handful of files; the count fits.
    MIGRATIONS.len() as u32
}

/// The schema version found: 0 for an empty file, else one that is ours and not newer than us.
fn check_version(
    connection: &Connection,
    path: &Path,
) -> rusqlite::Result<Result<u32, StoreError>> {
    let path = path.display().to_string();
    let application: i32 = connection.pragma_query_value(None, "application_id", |r| r.get(0))?;
    let found: u32 = connection.pragma_query_value(None, "user_version", |r| r.get(0))?;
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let known = known_version();
    if application != APPLICATION_ID && (application != 0 || found != 0 || objects != 0) {
        return Ok(Err(StoreError::NotAStore { path }));
    }
    if found > known {
        return Ok(Err(StoreError::TooNew { path, found, known }));
    }
    Ok(Ok(found))
}

/// Applies what is missing, each step in its own transaction together with its version.
fn migrate(connection: &mut Connection, found: u32) -> rusqlite::Result<()> {
    for (version, sql) in (1_u32..).zip(MIGRATIONS).skip(found as usize) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
        tracing::debug!(version, "the store's schema was brought up to date");
    }
    Ok(())
}

/// A file that SQLite does not recognise is not ours; all else is a failure of the database.
fn told_apart(error: rusqlite::Error, path: &Path, doing: &str) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::NotAStore {
            path: path.display().to_string(),
        },
        _ => failed(doing)(error),
    }
}
