//! Jars, with all that they need, by Maven.

use std::{fmt::Write as _, fs, path::PathBuf};

use anyhow::{Context as _, Result};

use super::{LIMIT, needs};
use crate::{
    console::Step,
    tools::{cache::Lock, command::Work, table::Declaration},
};

/// Copies `artifacts` (`group:artifact` and version) and their run-time dependencies into one folder.
pub(super) async fn install(
    declaration: &Declaration,
    artifacts: &[(&str, &str)],
    lock: &Lock,
    step: &Step,
) -> Result<PathBuf> {
    needs("mvn", "Maven")?;
    let draft = lock.draft(declaration)?;
    let jars = draft.join("jars");
    fs::write(draft.join("pom.xml"), pom(artifacts)?).context("cannot write the pom")?;
    let output = format!("-DoutputDirectory={}", jars.display());
    let line = [
        "mvn",
        "-B",
        "-q",
        "dependency:copy-dependencies",
        "-DincludeScope=runtime",
        &output,
    ];
    Work::new(&draft, &line)
        .run(&lock.log(declaration)?, LIMIT, step)
        .await?;
    lock.publish(&jars, declaration)
}

/// The smallest project that depends on them.
fn pom(artifacts: &[(&str, &str)]) -> Result<String> {
    let mut dependencies = String::new();
    for (artifact, version) in artifacts {
        let (group, name) = artifact
            .split_once(':')
            .with_context(|| format!("{artifact} is not group:artifact"))?;
        write!(
            dependencies,
            "<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        )?;
    }
    Ok(format!(
        "<project><modelVersion>4.0.0</modelVersion>\
         <groupId>local</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>\
         <dependencies>{dependencies}</dependencies></project>\n"
    ))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_pom_names_every_artifact() {
        let pom = super::pom(&[("a:b", "1"), ("c:d", "2")]).unwrap();
        assert!(pom.contains("<groupId>c</groupId><artifactId>d</artifactId><version>2</version>"));
        assert!(super::pom(&[("a", "1")]).is_err());
    }
}
