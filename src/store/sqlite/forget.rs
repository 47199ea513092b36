//! Forgetting a company: every row of it, and every trace of those rows in the file.

use rusqlite::{Connection, TransactionBehavior};

use super::records;

/// Every table whose rows name their company in a column; blocks of records are found by their keys
/// and a version's cells by their version. A test holds this list against the schema.
pub(super) const TABLES: &[&str] = &[
    "symbol",
    "reject",
    "cursor",
    "user",
    "department",
    "status",
    "category",
    "currency",
    "binding",
    "plan_cell",
    "pass",
    "note",
    "call",
    "activity",
    "invoice",
    "task",
    "move",
    "product_row",
    "field",
    "field_value",
    "membership",
    "rate",
    "cost",
    "product",
    "payment",
    "payment_read",
    "plan_change",
    "plan_version",
];

/// Deletes all rows of a company in one transaction, then rewrites the file without them. A crash
/// between the two leaves the rows deleted and the file to be rewritten by the next forgetting.
pub(super) fn company(connection: &mut Connection, number: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    records::forget(&transaction, number)?;
    transaction.execute(
        "DELETE FROM plan_version_cell
         WHERE version IN (SELECT id FROM plan_version WHERE company = ?1)",
        [number],
    )?;
    for table in TABLES {
        transaction.execute(&format!("DELETE FROM {table} WHERE company = ?1"), [number])?;
    }
    transaction.execute("DELETE FROM company WHERE id = ?1", [number])?;
    transaction.commit()?;
    connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")
}
