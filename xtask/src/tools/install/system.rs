//! Packages of the operating system: only where no password would be asked for.

use anyhow::{Result, ensure};

use super::{LIMIT, needs};
use crate::{
    console::Step,
    tools::{cache::Lock, command::Work, table::Declaration},
};

/// `apt-get install`, as root only, and without starting the service that the package brings along.
pub(super) async fn install(
    declaration: &Declaration,
    package: &str,
    lock: &Lock,
    step: &Step,
) -> Result<()> {
    needs("apt-get", "apt")?;
    ensure!(
        nix::unistd::geteuid().is_root(),
        "only root may install packages"
    );
    let log = lock.log(declaration)?;
    let install = || {
        apt(lock, &["install", "-y", "--no-install-recommends", package])
            // Makes systemctl believe that it runs in an image being built, and the older scripts that the machine is
            // in single-user mode. Both then leave the service alone.
            .env("SYSTEMD_OFFLINE", "1")
            .env("RUNLEVEL", "1")
            .env("PREVLEVEL", "N")
    };
    if install().run(&log, LIMIT, step).await.is_ok() {
        return Ok(());
    }
    // On a fresh machine there are no package lists yet.
    apt(lock, &["update"]).run(&log, LIMIT, step).await?;
    install().run(&log, LIMIT, step).await
}

fn apt(lock: &Lock, args: &[&str]) -> Work {
    let line = [&["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"], args].concat();
    Work::new(lock.root(), &line).env("DEBIAN_FRONTEND", "noninteractive")
}
