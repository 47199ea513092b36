//! (room to be filled: clock)
