//! (room to be filled: cli)
