//! (room to be filled: daemon)
