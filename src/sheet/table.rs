//! (to be filled: table)
