//! The packed chart, as a repository would hand it out: only what users need is in it, and a parent chart can depend on it.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use harness::chart::{Chart, Rendered};
use harness::workspace;
use serde_json::{Value, json};
use tokio::process::Command;

use super::{folder, output};
use crate::tools;

/// What may be in it, apart from templates.
const CONTENTS: [&str; 5] = [
    ".helmignore",
    "Chart.yaml",
    "README.md",
    "values.schema.json",
    "values.yaml",
];

/// A chart that depends on ours under a condition, as the documentation of Helm has it.
const PARENT: &str = "\
apiVersion: v2
name: parent
version: 1.0.0
dependencies:
  - {name: task-pubsub, version: '*', condition: task-pubsub.enabled}
";

/// Not one of ours: an image without it comes from somewhere else than the parent said.
const REGISTRY: &str = "mirror.example.com";

pub(super) async fn check() -> Result<String> {
    let helm = tools::helm().await?;
    let parent = workspace().join("target/package/parent");
    let _ = std::fs::remove_dir_all(&parent);
    let charts = parent.join("charts");
    std::fs::create_dir_all(&charts)?;
    std::fs::write(parent.join("Chart.yaml"), PARENT)?;
    output(
        Command::new(&helm)
            .arg("package")
            .arg(folder())
            .arg("--destination")
            .arg(&charts),
    )
    .await?;
    let files = contents(&charts).await?;
    for file in &files {
        ensure!(
            CONTENTS.contains(&file.as_str()) || file.starts_with("templates/"),
            "{file} is packed; .helmignore should leave it out"
        );
    }
    let missing: Vec<_> = CONTENTS
        .iter()
        .filter(|it| !files.iter().any(|file| file == *it))
        .collect();
    ensure!(missing.is_empty(), "{missing:?} are not packed");

    let parent = Chart::new(&helm, parent, "parent");
    let given = json!({
        "global": {"imageRegistry": REGISTRY},
        "task-pubsub": {"enabled": true, "broker": {"active": "kafka"}},
    });
    let rendered = parent.render(&given).await.context("as a dependency")?;
    as_the_parent_says(&rendered)?;
    let off = json!({"task-pubsub": {"enabled": false}});
    let nothing = parent.render(&off).await.context("switched off")?;
    ensure!(
        nothing.objects().next().is_none(),
        "`enabled: false` renders objects all the same"
    );
    Ok(format!("{} files, and a parent chart", files.len()))
}

/// The files in the only archive of a folder, without the chart's own folder.
async fn contents(folder: &Path) -> Result<Vec<String>> {
    let archive = std::fs::read_dir(folder)?
        .next()
        .context("helm packed nothing")??;
    let listed = Command::new("tar")
        .arg("-tzf")
        .arg(archive.path())
        .kill_on_drop(true)
        .output()
        .await
        .context("cannot start tar")?;
    let listed = String::from_utf8(listed.stdout)?;
    let files = listed.lines().filter_map(|line| line.split_once('/'));
    Ok(files.map(|(_, file)| file.to_owned()).collect())
}

fn as_the_parent_says(rendered: &Rendered) -> Result<()> {
    ensure!(
        rendered
            .of_kind("Component")
            .any(|component| component.name == "pubsub-kafka"),
        "the parent's values do not arrive"
    );
    let deployments: Vec<_> = rendered.of_kind("Deployment").collect();
    ensure!(
        !deployments.is_empty(),
        "a dependency renders no Deployment"
    );
    for deployment in deployments {
        let containers = deployment.object.pointer("/spec/template/spec/containers");
        for container in containers.and_then(Value::as_array).into_iter().flatten() {
            let image = container["image"].as_str().unwrap_or_default();
            ensure!(
                image.starts_with(REGISTRY),
                "{}: {image} is not from global.imageRegistry",
                deployment.name
            );
        }
    }
    Ok(())
}
