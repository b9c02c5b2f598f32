//! Ctrl-C in the middle of a scenario: its namespace and its Argo CD objects go all the same.

use harness::kubectl::Kubectl;

use crate::argocd::release_hooks;
use crate::scenarios::Setup;
use crate::site::RUN_LABEL;

/// A cluster that has gone away must not hold up a Ctrl-C.
const LIMIT: &str = "--request-timeout=10s";

/// Removes what is left of a run. What fails is not told, because nobody is there any more.
pub(crate) async fn remove(setup: &Setup) {
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
        let delete = [&["delete", namespace], &how[..]].concat();
        let _ = kubectl.run(&delete).await;
        let _ = release_hooks(&kubectl.of(namespace.trim_start_matches("namespace/"))).await;
    }
}
