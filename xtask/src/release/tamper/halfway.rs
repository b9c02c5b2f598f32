//! Publishing that does not come to its end: nothing that it has left is found by anybody who looks for the version. And publishing
//! that has been done already.

use anyhow::{Context as _, Result, ensure};

use super::{PATIENCE, Victim, failed};
use crate::release::front::Fault;
use crate::release::publish::Publication;
use crate::release::set::Set;
use crate::release::signer::{Identity, Signer};
use crate::tools::Tool;
use harness::console::{Step, dim};

impl Victim<'_> {
    /// All the ways. Each publishes to a place of its own.
    pub(super) async fn halfway(&self) -> Result<usize> {
        let missing = Identity::Key(self.key.join("missing.key"));
        let keyless = Signer::new(self.tools.path(Tool::Cosign)?, missing);
        let mut other = self.publication.set.clone();
        mix_up(&mut other)?;
        let ours = self.publication;
        // What is made on the way must not take the place of what was released.
        let folder = ours.folder.join("halfway");
        std::fs::create_dir_all(&folder)?;
        let publication = |signer, set| Publication {
            signer,
            set,
            folder: &folder,
            patience: PATIENCE,
            aloud: false,
            ..*ours
        };
        let ways = [
            (
                "the key is missing",
                None,
                "missing.key",
                publication(&keyless, ours.set),
            ),
            (
                "the registry refuses the chart",
                Some(Fault::ReadOnly("/charts/")),
                "403",
                publication(ours.signer, ours.set),
            ),
            (
                "the registry refuses everything",
                Some(Fault::ReadOnly("/")),
                "403",
                publication(ours.signer, ours.set),
            ),
            (
                "the registry hangs",
                Some(Fault::Hangs),
                "does not come back",
                publication(ours.signer, ours.set),
            ),
            (
                "a digest is not the image's",
                None,
                "holds another image",
                publication(ours.signer, &other),
            ),
        ];
        let count = ways.len() + 2;
        for (number, (what, fault, word, publication)) in ways.into_iter().enumerate() {
            let step = Step::start(what);
            let registry = format!("{}/halfway-{number}", self.registry.address());
            let publication = Publication {
                registry: &registry,
                ..publication
            };
            self.registry.set(fault);
            let said = failed(what, publication.run().await, word);
            self.registry.set(None);
            self.nothing_at(&registry).await?;
            step.done(&dim(&format!("no tag was set: {}", said?)));
        }
        self.other_contents(publication(ours.signer, ours.set))
            .await?;
        Ok(count)
    }

    /// The version is there, and is something else.
    async fn other_contents(&self, publication: Publication<'_>) -> Result<()> {
        let what = "another release of that version";
        let step = Step::start(what);
        let registry = format!("{}/taken", self.registry.address());
        let chart = format!("{registry}/charts/task-pubsub:{}", self.record.version);
        let image = self.record.images.first().context("no image")?;
        let from = format!("{}@{}", self.at(&image.service), image.digest);
        self.crane()?.copy(&from, &chart).await?;
        let publication = Publication {
            registry: &registry,
            ..publication
        };
        let said = failed(what, publication.run().await, "published already")?;
        let there = self.crane()?.digest(&chart).await?;
        ensure!(
            there.as_ref() == Some(&image.digest),
            "{chart} was replaced"
        );
        step.done(&dim(&said));
        Ok(())
    }

    /// No artifact has the version's tag, and none is called `latest`.
    async fn nothing_at(&self, registry: &str) -> Result<()> {
        for name in [
            "task-api",
            "task-worker",
            "task-probe",
            "charts/task-pubsub",
        ] {
            for tag in [self.record.version.as_str(), "latest"] {
                let tagged = format!("{registry}/{name}:{tag}");
                let there = self.crane()?.digest(&tagged).await?;
                ensure!(
                    there.is_none(),
                    "{tagged} is there, though publishing failed"
                );
            }
        }
        Ok(())
    }
}

/// Says of one image that it is another.
fn mix_up(set: &mut Set) -> Result<()> {
    let part = set.parts.first_mut().context("no part")?;
    let [one, other, ..] = &mut part.images[..] else {
        anyhow::bail!("one image");
    };
    std::mem::swap(&mut one.packed.digest, &mut other.packed.digest);
    Ok(())
}
