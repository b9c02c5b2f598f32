//! A run: what a cluster must have before anything is tried on it, and what is removed when it was interrupted.

use anyhow::{Context as _, Result, bail, ensure};
use harness::{Kubectl, chart::text};

use crate::argocd::release_hooks;
use crate::{RUN_LABEL, Setup};

/// Fails with what is missing, and what to do. `argocd`: whether the part with Argo CD is wanted.
pub(crate) async fn check(kubectl: &Kubectl, argocd: bool) -> Result<()> {
    let injectors = "deployments --all-namespaces --selector=app=dapr-sidecar-injector";
    let injectors = kubectl.list(injectors).await.context(
        "the cluster that KUBECONFIG names does not answer; is it up, and may this user ask it?",
    )?;
    let injector = injectors.first().context("there is no Dapr on this cluster: install it with its Helm chart, argocd/dapr.yaml has the values")?;
    let image = text(&injector["spec"]["template"]["spec"]["containers"][0]["image"]);
    let dapr = image.rsplit_once(':').map_or("unknown", |(_, tag)| tag);
    let numbers = dapr.split(['.', '-']).map_while(|it| it.parse().ok());
    let numbers: Vec<u32> = numbers.collect();
    let will_do = numbers.is_empty() || numbers >= vec![1, 18, 3];
    ensure!(will_do, "Dapr {dapr} is too old: 1.18.3 or newer is needed");
    let applications = "get crd applicationsets.argoproj.io";
    if argocd && kubectl.run(applications).await.is_err() {
        bail!(
            "there is no Argo CD on this cluster; install it, or leave its part out with --skip argocd"
        );
    }
    Ok(())
}

/// Removes what is left of a run after Ctrl-C in the middle of a scenario: its namespace and its Argo CD objects. What fails is not told,
/// because nobody is there any more.
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
