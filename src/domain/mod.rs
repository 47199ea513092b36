//! What the business means: calendar, money, the names of numbers, CRM records, facts and plans.
//!
//! This room is pure. It does no I/O, reads no clock, knows no vendor and no spreadsheet, so all
//! of it can be tested by tables of cases.

pub mod calendar;
pub mod crm;
pub mod fact;
pub mod forecast;
pub mod money;
pub mod plan;
pub mod slot;
