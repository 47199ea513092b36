//! (room to be filled: telemetry)
