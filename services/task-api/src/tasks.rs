//! `/tasks`.

pub(crate) mod create;
