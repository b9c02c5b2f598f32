//! Boots `__name__`.

use std::process::ExitCode;

use service_kit::boot;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    boot::service("__name__", __crate__::run)
}
