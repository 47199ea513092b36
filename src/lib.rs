//! planfact keeps a Bitrix24 CRM and a company's Google Sheets true to each other.
//!
//! The modules stand in the order in which data flows: the portal is read (`bitrix24`), records
//! are kept (`store`), the business meaning is computed (`domain`), laid out as tables (`sheet`)
//! and published (`google`); `sync` conducts one pass, `daemon` says when and for whom.

pub mod bitrix24;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod export;
pub mod google;
pub mod private_file;
pub mod retry;
pub mod sheet;
pub mod store;
pub mod sync;
pub mod telemetry;
