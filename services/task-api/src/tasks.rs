//! `/tasks`.

pub(crate) mod create;
mod title;
