//! Who built what from what: SLSA provenance 1.0 (<https://slsa.dev/spec/v1.0/provenance>).

use std::env;

use serde_json::{Value, json};

use super::set::Set;
use crate::image::source::Source;
use crate::pins::pin;

/// What the words in `externalParameters` mean; also says what the build does.
const BUILD_TYPE: &str = "/blob/main/.github/RELEASING.md#what-a-release-is-made-of";

/// Where this runs, as far as somebody else can check it.
struct Place {
    builder: String,
    invocation: String,
    repository: String,
    reference: String,
}

/// The predicate about images and chart alike: they come from one commit and one run.
pub(super) fn predicate(source: &Source, set: &Set) -> Value {
    let place = Place::found(source);
    json!({
        "buildDefinition": {
            "buildType": format!("{}{BUILD_TYPE}", place.repository),
            "externalParameters": {
                "repository": place.repository,
                "ref": place.reference,
                "version": source.version,
                "architectures": set.parts.iter().map(|it| it.architecture).collect::<Vec<_>>(),
            },
            "resolvedDependencies": [
                {
                    "uri": format!("git+{}@{}", place.repository, place.reference),
                    "digest": {"gitCommit": source.revision},
                },
                {"name": "rust", "uri": format!("https://github.com/rust-lang/rust/releases/tag/{}", pin("rust"))},
                {"name": "zig", "uri": format!("pkg:pypi/ziglang@{}", pin("zig"))},
            ],
        },
        "runDetails": {
            "builder": {"id": place.builder},
            "metadata": {"invocationId": place.invocation},
        },
    })
}

impl Place {
    /// GitHub Actions says where it is (<https://docs.github.com/en/actions/reference/workflows-and-actions/variables>); anything else
    /// is a machine that nobody vouches for.
    fn found(source: &Source) -> Self {
        let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let actions = || {
            let server = set("GITHUB_SERVER_URL")?;
            let repository = format!("{server}/{}", set("GITHUB_REPOSITORY")?);
            Some(Self {
                builder: format!("{server}/{}", set("GITHUB_WORKFLOW_REF")?),
                invocation: format!(
                    "{repository}/actions/runs/{}/attempts/{}",
                    set("GITHUB_RUN_ID")?,
                    set("GITHUB_RUN_ATTEMPT")?
                ),
                reference: set("GITHUB_REF")?,
                repository,
            })
        };
        actions().unwrap_or_else(|| Self {
            builder: "urn:task-pubsub:unattested-machine".to_owned(),
            invocation: "cargo xtask release".to_owned(),
            repository: match source.url.as_str() {
                "" => "https://git.example.com/platform/task-pubsub".to_owned(),
                url => url.to_owned(),
            },
            reference: format!("refs/tags/v{}", source.version),
        })
    }
}
