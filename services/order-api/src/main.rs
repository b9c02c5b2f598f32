//! Boots `order-api`.

use std::process::ExitCode;

use service_kit::boot;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    boot::service("order-api", order_api::run)
}
