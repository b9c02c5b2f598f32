//! Every tool, declared once.

mod pinned;
mod rows;

use super::version::Version;

pub(crate) use rows::TABLE;

/// A tool of the local stack. The order is that of the list, and of installing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Tool {
    /// Renders the chart.
    Helm,
    /// Checks rendered objects against their schemas.
    Kubeconform,
    /// The sidecar.
    Daprd,
    /// Broker and state store.
    Redis,
    /// Runs Kafka.
    Java,
    /// Kafka's jars.
    Kafka,
    /// RabbitMQ: its command line tool, beside which its server is.
    RabbitMq,
    /// NATS with JetStream.
    NatsServer,
    /// Plays SNS and SQS.
    Moto,
    /// Plays Google Pub/Sub.
    PubSubEmulator,
    /// The source folder of Dapr, for its CRDs.
    DaprModule,
    /// The source folder of Kubernetes, for its API description.
    KubernetesModule,
    /// The source folder of Argo CD, for its CRDs.
    ArgoCdModule,
    /// Makes container images without Docker.
    Buildah,
    /// The source folder of KEDA, for its CRDs and for what its scalers read.
    KedaModule,
    /// The source folder of Prometheus Operator, for its CRDs.
    PrometheusOperatorModule,
    /// A Helm of the third generation, where the one on PATH may be of the fourth.
    Helm3,
    /// Helm of the fourth generation, which Argo CD renders with.
    Helm4,
    /// Runs the chart's unit tests.
    HelmUnittest,
    /// Judges rendered workloads.
    KubeScore,
    /// The source folder of Dapr's components, for what they say of their metadata.
    ComponentsModule,
    /// Writes the chart's README.
    HelmDocs,
    /// Compiles for any Linux without its libraries, and links: zig behind cargo.
    Zigbuild,
    /// Writes the list of a binary's crates into the binary.
    CargoAuditable,
    /// Talks to registries, and plays one.
    Crane,
    /// Signs and verifies.
    Cosign,
    /// Lists what is in an image.
    Syft,
    /// Reads JSON in scripts.
    Jq,
    /// Judges dependencies: licences, sources, bans, advisories.
    CargoDeny,
    /// Finds misspelt words.
    Typos,
    /// Checks workflows.
    Actionlint,
    /// Checks the security of workflows.
    Zizmor,
    /// Checks scripts, and for actionlint the scripts in workflows.
    Shellcheck,
    /// Changes values of YAML and leaves its comments.
    Yq,
    /// Reads a version's section of the changelog.
    ParseChangelog,
    /// Compares the library's public API with that of the last release.
    CargoSemverChecks,
}

/// What is known of a tool.
#[derive(Debug)]
pub(crate) struct Declaration {
    pub(crate) tool: Tool,
    /// Name of the program, or of the thing.
    pub(crate) name: &'static str,
    /// What is installed when it is missing; for what a system brings along, what is asked of it.
    pub(crate) version: &'static str,
    pub(crate) find: Find,
    pub(crate) install: Install,
    /// Roughly how long installing takes.
    pub(crate) takes: &'static str,
    /// What to do where installing is not possible.
    pub(crate) by_hand: &'static str,
}

/// How a tool is recognised.
#[derive(Debug)]
pub(crate) enum Find {
    /// A program that is asked for its version.
    Program {
        ask: &'static [&'static str],
        accepts: fn(Option<Version>) -> bool,
    },
    /// A folder in the cache, complete by construction.
    CachedFolder,
    /// A program in its folder in the cache; one of that name elsewhere is something else.
    CachedProgram { path: &'static str },
    /// A folder of Go's own cache; Go knows whether it is there.
    GoModule,
}

/// How a tool is installed.
#[derive(Debug)]
pub(crate) enum Install {
    /// `go install <package>@v<version>`.
    GoProgram { package: &'static str },
    /// `go build` inside the folder of a downloaded module, or in a copy with other libraries: for modules that `go install`
    /// refuses.
    GoProgramOfModule {
        module: &'static str,
        package: &'static str,
        tags: &'static str,
        stamps: &'static [&'static str],
        libraries: Option<&'static Libraries>,
    },
    /// `go build` of a module of this workspace.
    GoProgramHere { folder: &'static str },
    /// Just the download of a module.
    GoSources { module: &'static str },
    /// The system's package manager.
    SystemPackage { package: &'static str },
    /// Jars by Maven: `group:artifact` and version of each.
    MavenJars {
        artifacts: &'static [(&'static str, &'static str)],
    },
    /// `pip install` of packages and their versions into an environment of its own, where the program is then.
    PythonPackages {
        packages: &'static [(&'static str, &'static str)],
        program: &'static str,
    },
    /// `cargo install --locked`.
    Crate,
    /// Nothing that a command of ours should do.
    ByHand,
}

/// Files of another version of a module, for one that does not build as it is.
#[derive(Debug)]
pub(crate) struct Libraries {
    pub(crate) version: &'static str,
    pub(crate) files: &'static [&'static str],
}

impl Tool {
    /// What is known of it.
    pub(crate) fn declaration(self) -> &'static Declaration {
        &TABLE[self as usize]
    }
}

impl Declaration {
    /// `helm 3.22.0`.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// The name of its folder in the cache.
    pub(crate) fn folder(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_emulator_has_the_version_of_its_library() {
        let declaration = Tool::PubSubEmulator.declaration();
        let Install::GoProgramHere { folder } = declaration.install else {
            panic!("it is built from a folder of this workspace");
        };
        let module = harness::workspace().join(folder).join("go.mod");
        let required = format!("cloud.google.com/go/pubsub v{}\n", declaration.version);
        assert!(std::fs::read_to_string(module).unwrap().contains(&required));
    }

    #[test]
    fn the_table_is_in_the_order_of_the_tools() {
        for declaration in &TABLE {
            assert_eq!(declaration.tool.declaration().name, declaration.name);
        }
    }
}
