//! (to be filled: audit)
