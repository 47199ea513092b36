//! (to be filled: template)
