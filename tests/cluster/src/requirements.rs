//! What a cluster must have before anything is tried on it: one sentence for each thing that is missing.

use anyhow::{Context as _, Result, bail, ensure};

use harness::{chart::text, kubectl::Kubectl};

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
    ensure!(
        will_do,
        "this cluster has Dapr {dapr}; 1.18.3 or newer is needed"
    );
    let applications = "get crd applicationsets.argoproj.io";
    if argocd && kubectl.run(applications).await.is_err() {
        bail!(
            "there is no Argo CD on this cluster; install it, or leave its part out with --skip argocd"
        );
    }
    Ok(())
}
