//! Boots `order-worker`.

use std::process::ExitCode;

use order_worker::LogOrder;
use service_kit::boot;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    boot::service("order-worker", async |config, listeners, shutdown| {
        order_worker::run(config, listeners, LogOrder, shutdown).await
    })
}
