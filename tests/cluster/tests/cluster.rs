//! The promises of GUARANTEES.md on the cluster that `KUBECONFIG` names. `cargo xtask e2e` prepares what they need.

fn main() -> std::process::ExitCode {
    cluster_tests::main()
}
