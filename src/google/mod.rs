//! (room to be filled: google)
