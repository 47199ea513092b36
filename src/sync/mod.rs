//! (room to be filled: sync)
