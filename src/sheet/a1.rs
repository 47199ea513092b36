//! (to be filled: a1)
