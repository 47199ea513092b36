//! (room to be filled: export)
