//! Ctrl-C in the middle of a scenario: its namespace and its Argo CD objects go all the same.

use harness::kubectl::Kubectl;

use crate::argocd::release_hooks;
use crate::scenarios::Setup;
use crate::site::RUN_LABEL;

/// Removes what is left of a run. What fails is not told, because nobody is there any more.
pub(crate) async fn remove(setup: &Setup) {
    let kubectl = Kubectl::new(&setup.kubectl, "default");
    // A cluster that has gone away must not hold up a Ctrl-C.
    let (limit, run) = ("--request-timeout=10s", &setup.run);
    let delete = format!("delete --wait=false --ignore-not-found {limit}");
    // Applications first: they would put back what goes with the namespace. The cluster does the rest by itself.
    let argocd = "applicationsets.argoproj.io,applications.argoproj.io,appprojects.argoproj.io";
    let all = format!("{delete} {argocd} --all-namespaces --selector={RUN_LABEL}={run}");
    let _ = kubectl.run(&all).await;
    // By name: Argo CD has taken the label off the namespace that it manages.
    let namespaces = format!("get namespaces --output=name {limit}");
    let namespaces = kubectl.run(&namespaces).await.unwrap_or_default();
    let suffix = format!("-{run}");
    for namespace in namespaces.lines().filter(|it| it.ends_with(&suffix)) {
        let _ = kubectl.run(&format!("{delete} {namespace}")).await;
        let _ = release_hooks(&kubectl.of(namespace.trim_start_matches("namespace/"))).await;
    }
}
