//! What a workbook is: addresses, the model of a spreadsheet, keyed tables, templates, edits.
//!
//! Pure: nothing here knows Google, does I/O or reads a clock. The same [`workbook::Workbook`] is
//! what a template renders to, what the Google adapter publishes and reads back, and what the
//! .xlsx export writes.

pub mod a1;
pub mod audit;
pub mod diff;
pub mod edit;
pub mod grow;
pub mod table;
pub mod template;
pub mod upgrade;
pub mod workbook;
