//! Files that hold secrets: keys, tokens, settings with a webhook's address.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Rights of such a file: its owner may read and write it, nobody else anything.
#[cfg(unix)]
const OWNER_ONLY: u32 = 0o600;

/// Puts a text into the place of a file: written beside it, flushed to the disk, then renamed, so that
/// a crash leaves the old text or the new one and never half of one. Only its owner may read the file,
/// whoever could read the one that stood there. Where a link stands, what it leads to is replaced.
///
/// # Errors
/// When the folder or the file cannot be written.
pub fn put(path: &Path, text: &str) -> std::io::Result<()> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    // One that a crash left may have other rights: made anew.
    if let Err(error) = std::fs::remove_file(&beside)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, OWNER_ONLY);
    let mut file = options.open(&beside)?;
    file.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        file.write_all(b"\n")?;
    }
    file.sync_all()?;
    std::fs::rename(&beside, &path)?;
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn whoever_could_read_the_file_before_only_its_owner_can_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let (file, left, link) = ["key", "key.new", "link"]
            .map(|n| folder.path().join(n))
            .into();
        for path in [&file, &left] {
            std::fs::write(path, "old").unwrap();
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o644)).unwrap();
        }
        put(&file, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new\n");
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, OWNER_ONLY);
        assert!(!left.exists());
        symlink(&file, &link).unwrap();
        put(&link, "newer\n").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "newer\n");
    }

    #[test]
    fn what_stood_there_stays_when_the_new_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        put(&file, "old").unwrap();
        // A folder where the new file would be written.
        std::fs::create_dir_all(folder.path().join("key.new/full")).unwrap();
        put(&file, "new").unwrap_err();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "old\n");
    }
}
