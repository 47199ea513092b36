//! (to be filled: diff)
