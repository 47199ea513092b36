//! (room to be filled: config)
