//! (room to be filled: retry)
