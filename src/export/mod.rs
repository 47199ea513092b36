//! Files for people who want the report outside of Google: `.xlsx` workbooks with native charts,
//! and one plain CSV a data table.

mod csv;
mod xlsx;

pub use csv::{csv_text, write_csv};
pub use xlsx::write_xlsx;

use std::path::PathBuf;

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The workbook could not be built or saved.
    #[error(
        "cannot write the workbook {path}: {source}; check that the folder exists, is writable and the file is not open elsewhere"
    )]
    Xlsx {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: rust_xlsxwriter::XlsxError,
    },
    /// The CSV could not be saved.
    #[error(
        "cannot write the table {path}: {source}; check that the folder exists and is writable"
    )]
    Csv {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}
