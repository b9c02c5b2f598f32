//! Ctrl-C in the middle of a scenario: its namespace and its Argo CD objects go all the same.

use harness::kubectl::Kubectl;

use crate::argocd::TAKE_HOOK_FINALIZERS;
use crate::scenarios::Setup;
use crate::site::RUN_LABEL;

/// For each call: a cluster that has gone away must not hold up a Ctrl-C.
const LIMIT: &str = "--request-timeout=10s";

/// Removes what is left of a run. What fails is not told, because nobody is there any more.
pub async fn remove(setup: &Setup) {
    let kubectl = Kubectl::new(&setup.kubectl, "default");
    let how = ["--wait=false", "--ignore-not-found", LIMIT];
    // Applications first: they would put back what goes with the namespace. The cluster does the rest by itself.
    let argocd = "applicationsets.argoproj.io,applications.argoproj.io,appprojects.argoproj.io";
    let label = format!("--selector={RUN_LABEL}={}", setup.run);
    let all = ["delete", argocd, "--all-namespaces", &label];
    let _ = kubectl.run(&[&all[..], &how].concat()).await;
    // By name: Argo CD has taken the label off the namespace that it manages.
    let namespaces = ["get", "namespaces", "--output=name", LIMIT];
    let namespaces = kubectl.run(&namespaces).await.unwrap_or_default();
    let suffix = format!("-{}", setup.run);
    for namespace in namespaces.lines().filter(|it| it.ends_with(&suffix)) {
        let _ = kubectl
            .run(&[&["delete", namespace], &how[..]].concat())
            .await;
        let kubectl = kubectl.of(namespace.trim_start_matches("namespace/"));
        let jobs = ["get", "jobs", "--output=name", LIMIT];
        for job in kubectl.run(&jobs).await.unwrap_or_default().lines() {
            let patch = [&["patch", job, LIMIT], &TAKE_HOOK_FINALIZERS[..]].concat();
            let _ = kubectl.run(&patch).await;
        }
    }
}
