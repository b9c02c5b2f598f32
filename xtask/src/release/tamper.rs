//! What somebody could do to a release, or what could go wrong with a registry: each must end the verification, or the publishing,
//! with a sentence.

mod halfway;

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use super::dry_run::pair;
use super::front::Fault;
use super::publish::Publication;
use super::record::{Image, Record};
use super::registry::{Crane, Local};
use super::signer::{Identity, Signer, Statement};
use super::verify::{Claim, Trust};
use crate::tools::{Tool, Tools};
use harness::console::{Step, dim};

/// Until a registry that hangs is given up; long for loopback.
const PATIENCE: Duration = Duration::from_secs(5);

/// A tag for what is put away.
const HIDDEN: &str = "hidden";

/// A published release, and all that is needed to spoil it.
#[derive(Debug)]
pub(super) struct Victim<'a> {
    pub(super) tools: &'a Tools,
    pub(super) registry: &'a Local,
    pub(super) record: &'a Record,
    pub(super) claim: &'a Claim<'a>,
    pub(super) publication: &'a Publication<'a>,
    /// The folder of the release's key pair.
    pub(super) key: &'a Path,
}

/// Spoils it in every way and expects the sentence. Each way is undone before the next. Says how many there were.
pub(super) async fn all(victim: &Victim<'_>) -> Result<usize> {
    let ways = [
        victim.other_key().await?,
        victim.moved_tag().await?,
        victim.altered_layers().await?,
        victim.missing_signature().await?,
        victim.foreign_provenance().await?,
        victim.missing_version().await?,
        victim.hanging().await?,
        victim.halfway().await?,
    ];
    // At the end it is what it was.
    victim.claim.verify_quietly().await?;
    Ok(ways.into_iter().sum())
}

impl Victim<'_> {
    /// Somebody else's key.
    async fn other_key(&self) -> Result<usize> {
        let other = self.key.join("other");
        fs::create_dir_all(&other)?;
        pair(self.tools, &other).await?;
        let claim = Claim {
            trust: Trust::Key(other.join("cosign.pub")),
            ..self.claim.clone()
        };
        self.refused("another key", &claim, "verify $TRUST").await
    }

    /// The tag of an image is another image's, which is signed, too.
    async fn moved_tag(&self) -> Result<usize> {
        let [one, other, ..] = &self.record.images[..] else {
            bail!("a release of one image");
        };
        let crane = self.crane()?;
        let (one_at, version) = (self.at(&one.service), &self.record.version);
        let from = format!("{}@{}", self.at(&other.service), other.digest);
        crane.copy(&from, &format!("{one_at}:{version}")).await?;
        let refused = self.refused("a tag of another image", self.claim, &one.digest);
        let refused = refused.await?;
        crane
            .tag(&format!("{one_at}@{}", one.digest), version)
            .await?;
        Ok(refused)
    }

    /// One bit of a layer, on its way from the registry; for each processor.
    async fn altered_layers(&self) -> Result<usize> {
        let image = &self.record.images[0];
        for platform in &image.platforms {
            let manifest = format!("{}@{}", self.at(&image.service), platform.digest);
            let layer = self.crane()?.layer(&manifest).await?;
            self.registry.set(Some(Fault::Altered(layer)));
            let what = format!("an altered layer, {}", platform.architecture);
            self.refused(&what, self.claim, "crane validate").await?;
            self.registry.set(None);
        }
        Ok(image.platforms.len())
    }

    /// The signatures of an image are gone.
    async fn missing_signature(&self) -> Result<usize> {
        let image = &self.record.images[0];
        self.without_signatures(image).await?;
        let refused = self.refused("a missing signature", self.claim, "no signatures found");
        let refused = refused.await?;
        self.with_signatures(image).await?;
        Ok(refused)
    }

    /// Provenance that somebody else has signed, in the place of ours.
    async fn foreign_provenance(&self) -> Result<usize> {
        let image = &self.record.images[0];
        self.without_signatures(image).await?;
        let reference = format!("{}@{}", self.at(&image.service), image.digest);
        let cosign = self.tools.path(Tool::Cosign)?;
        let signer = |key: &str| Signer::new(cosign, Identity::Key(self.key.join(key)));
        signer("cosign.key").sign(&reference).await?;
        let provenance = self.publication.folder.join("provenance.json");
        signer("other/cosign.key")
            .attest(&reference, Statement::Provenance, &provenance)
            .await?;
        let refused = self.refused("provenance by somebody else", self.claim, "Provenance");
        let refused = refused.await?;
        self.with_signatures(image).await?;
        Ok(refused)
    }

    /// Hides them. Where a registry has no referrers API, the list of what refers to a digest is under a tag made of it.
    async fn without_signatures(&self, image: &Image) -> Result<()> {
        let list = format!("{}:{}", self.at(&image.service), list_of(image));
        self.crane()?.tag(&list, HIDDEN).await?;
        self.crane()?.delete(&list).await
    }

    async fn with_signatures(&self, image: &Image) -> Result<()> {
        let hidden = format!("{}:{HIDDEN}", self.at(&image.service));
        self.crane()?.tag(&hidden, &list_of(image)).await
    }

    async fn missing_version(&self) -> Result<usize> {
        let claim = Claim {
            version: "0.0.0".to_owned(),
            ..self.claim.clone()
        };
        let what = "a version that is not there";
        self.refused(what, &claim, "MANIFEST_UNKNOWN").await
    }

    async fn hanging(&self) -> Result<usize> {
        let claim = Claim {
            patience: PATIENCE,
            ..self.claim.clone()
        };
        self.registry.set(Some(Fault::Hangs));
        let refused = self.refused("a registry that hangs", &claim, "does the registry answer?");
        let refused = refused.await?;
        self.registry.set(None);
        Ok(refused)
    }

    /// The verification must fail, and its sentence must have this word in it.
    async fn refused(&self, what: &str, claim: &Claim<'_>, word: &str) -> Result<usize> {
        let step = Step::start(what);
        let Err(error) = claim.verify_quietly().await else {
            bail!("{what}: verified all the same");
        };
        let said = format!("{error:#}");
        ensure!(
            said.contains(word),
            "{what}: nothing about `{word}` in: {said}"
        );
        step.done(&dim(&said));
        Ok(1)
    }

    fn at(&self, service: &str) -> String {
        format!("{}/{service}", self.record.registry)
    }

    fn crane(&self) -> Result<Crane> {
        Ok(Crane::new(self.tools.path(Tool::Crane)?).within(PATIENCE))
    }
}

fn list_of(image: &Image) -> String {
    image.digest.replace(':', "-")
}

/// Whether a command failed with this word in its sentence, which it gives.
fn failed<T>(what: &str, ended: Result<T>, word: &str) -> Result<String> {
    let Err(error) = ended else {
        bail!("{what}: it went through all the same");
    };
    let said = format!("{error:#}");
    ensure!(
        said.contains(word),
        "{what}: nothing about `{word}` in: {said}"
    );
    Ok(said)
}
