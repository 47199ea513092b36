//! (room to be filled: bitrix24)
