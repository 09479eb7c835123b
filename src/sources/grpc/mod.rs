//! The coordinator's and the API's gRPC services: polled, and called.

pub mod calls;
pub mod channel;
pub mod poll;
pub mod raw;
pub mod tail;
