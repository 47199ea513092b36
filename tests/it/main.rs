//! Integration tests, one binary: the program against simulators and against single faults.

mod google;
