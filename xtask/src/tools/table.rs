//! Every tool, declared once.

use super::version::Version;

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
    /// `go build` inside the folder of a downloaded module: for modules that `go install` refuses.
    GoProgramOfModule {
        module: &'static str,
        package: &'static str,
        tags: &'static str,
        stamps: &'static [&'static str],
    },
    /// `go build` of a module of this workspace.
    GoProgramHere { folder: &'static str },
    /// Just the download of a module.
    GoSources { module: &'static str },
    /// The system's package manager.
    SystemPackage { package: &'static str },
    /// Jars by Maven.
    MavenJars { artifacts: &'static [&'static str] },
    /// `pip install` into an environment of its own.
    PythonPackage { package: &'static str },
    /// Nothing that a command of ours should do.
    ByHand,
}

const DAPR: &str = "github.com/dapr/dapr";

/// How Helm is asked, whatever its generation.
const HELM_VERSION: &[&str] = &["version", "--template", "{{.Version}}"];

/// The whole table, in the order of [`Tool`].
pub(crate) const TABLE: [Declaration; 22] = [
    Declaration {
        tool: Tool::Helm,
        name: "helm",
        version: "3.22.0",
        find: Find::Program {
            ask: HELM_VERSION,
            accepts: |version| version.is_some_and(|version| version.at_least(3, 14)),
        },
        install: Install::GoProgram {
            package: "helm.sh/helm/v3/cmd/helm",
        },
        takes: "about 2 minutes",
        by_hand: "put Helm 3.14 or newer on PATH",
    },
    Declaration {
        tool: Tool::Kubeconform,
        name: "kubeconform",
        version: "0.8.0",
        // Built by `go install` it does not know its own version.
        find: Find::Program {
            ask: &["-v"],
            accepts: |_| true,
        },
        install: Install::GoProgram {
            package: "github.com/yannh/kubeconform/cmd/kubeconform",
        },
        takes: "seconds",
        by_hand: "put kubeconform on PATH",
    },
    Declaration {
        tool: Tool::Daprd,
        name: "daprd",
        version: "1.18.2",
        // Before 1.18 hot reload is off by default, and resources are read differently.
        find: Find::Program {
            ask: &["--version"],
            accepts: |version| version.is_some_and(|version| version.at_least(1, 18)),
        },
        install: Install::GoProgramOfModule {
            module: DAPR,
            package: "./cmd/daprd",
            tags: "allcomponents",
            stamps: &[
                "github.com/dapr/dapr/pkg/buildinfo.version",
                "github.com/dapr/kit/logger.DaprVersion",
            ],
        },
        takes: "about 6 minutes",
        by_hand: "install Dapr 1.18 or newer with its own installer (`dapr init --slim`), or put daprd on PATH",
    },
    Declaration {
        tool: Tool::Redis,
        name: "redis-server",
        version: "6.2 or newer",
        find: Find::Program {
            ask: &["--version"],
            accepts: |version| version.is_some_and(|version| version.at_least(6, 2)),
        },
        install: Install::SystemPackage {
            package: "redis-server",
        },
        takes: "seconds",
        by_hand: "install Redis: `apt-get install redis-server`, `dnf install redis` or `brew install redis`",
    },
    Declaration {
        tool: Tool::Java,
        name: "java",
        version: "17 or newer",
        find: Find::Program {
            ask: &["-version"],
            accepts: |version| version.is_some_and(|version| version.at_least(17, 0)),
        },
        install: Install::ByHand,
        takes: "",
        by_hand: "install a Java runtime, version 17 or newer, and have it on PATH or in JAVA_HOME",
    },
    Declaration {
        tool: Tool::Kafka,
        name: "kafka",
        version: "4.1.0",
        find: Find::CachedFolder,
        install: Install::MavenJars {
            // The second prints Kafka's log to stderr; it must be of the version of slf4j that Kafka brings along.
            artifacts: &[
                "org.apache.kafka:kafka_2.13:4.1.0",
                "org.slf4j:slf4j-simple:1.7.36",
            ],
        },
        takes: "about a minute",
        by_hand: "install Maven (`mvn`), which fetches Kafka's jars",
    },
    Declaration {
        tool: Tool::RabbitMq,
        name: "rabbitmqctl",
        version: "3.10 or newer",
        find: Find::Program {
            ask: &["version"],
            accepts: |version| version.is_some_and(|version| version.at_least(3, 10)),
        },
        install: Install::SystemPackage {
            package: "rabbitmq-server",
        },
        takes: "about a minute",
        by_hand: "install RabbitMQ: `apt-get install rabbitmq-server`, `dnf install rabbitmq-server` or `brew install rabbitmq`",
    },
    Declaration {
        tool: Tool::NatsServer,
        name: "nats-server",
        version: "2.15.2",
        find: Find::Program {
            ask: &["--version"],
            accepts: |version| version.is_some_and(|version| version.at_least(2, 10)),
        },
        install: Install::GoProgram {
            package: "github.com/nats-io/nats-server/v2",
        },
        takes: "about a minute",
        by_hand: "put nats-server 2.10 or newer on PATH",
    },
    Declaration {
        tool: Tool::Moto,
        name: "moto",
        version: "5.2.5",
        // Not its own start script: that names the folder in which it was installed.
        find: Find::CachedProgram { path: "bin/python" },
        install: Install::PythonPackage {
            package: "moto[server]",
        },
        takes: "about a minute",
        by_hand: "install Python 3 with venv and pip (`apt-get install python3-venv`), which fetches moto",
    },
    Declaration {
        tool: Tool::PubSubEmulator,
        name: "pubsub-emulator",
        // That of its library, as in its go.mod.
        version: "1.52.0",
        find: Find::CachedProgram {
            path: "pubsub-emulator",
        },
        install: Install::GoProgramHere {
            folder: "tests/e2e/emulators/pstest",
        },
        takes: "about a minute",
        by_hand: "install Go, which builds it",
    },
    Declaration {
        tool: Tool::DaprModule,
        name: "dapr-module",
        version: "1.18.2",
        find: Find::GoModule,
        install: Install::GoSources { module: DAPR },
        takes: "seconds",
        by_hand: "install Go, which fetches Dapr's sources",
    },
    Declaration {
        tool: Tool::KubernetesModule,
        name: "kubernetes-module",
        version: "1.33.13",
        find: Find::GoModule,
        install: Install::GoSources {
            module: "k8s.io/kubernetes",
        },
        takes: "seconds",
        by_hand: "install Go, which fetches Kubernetes' sources",
    },
    Declaration {
        tool: Tool::ArgoCdModule,
        name: "argo-cd-module",
        version: "3.2.11",
        find: Find::GoModule,
        install: Install::GoSources {
            module: "github.com/argoproj/argo-cd/v3",
        },
        takes: "seconds",
        by_hand: "install Go, which fetches Argo CD's sources",
    },
    Declaration {
        tool: Tool::Buildah,
        name: "buildah",
        version: "1.28 or newer",
        find: Find::Program {
            ask: &["--version"],
            accepts: |version| version.is_some_and(|version| version.at_least(1, 28)),
        },
        install: Install::SystemPackage { package: "buildah" },
        takes: "about a minute",
        by_hand: "install buildah: `apt-get install buildah`, `dnf install buildah`; or use Docker: services/Dockerfile says how",
    },
    Declaration {
        tool: Tool::KedaModule,
        name: "keda-module",
        version: "2.20.1",
        find: Find::GoModule,
        install: Install::GoSources {
            module: "github.com/kedacore/keda/v2",
        },
        takes: "seconds",
        by_hand: "install Go, which fetches KEDA's sources",
    },
    Declaration {
        tool: Tool::PrometheusOperatorModule,
        name: "prometheus-operator-module",
        version: "0.85.0",
        find: Find::GoModule,
        install: Install::GoSources {
            module: "github.com/prometheus-operator/prometheus-operator",
        },
        takes: "seconds",
        by_hand: "install Go, which fetches Prometheus Operator's sources",
    },
    Declaration {
        tool: Tool::Helm3,
        name: "helm",
        version: "3.22.0",
        find: Find::Program {
            ask: HELM_VERSION,
            accepts: |version| version.is_some_and(|it| it.at_least(3, 14) && !it.at_least(4, 0)),
        },
        install: Install::GoProgram {
            package: "helm.sh/helm/v3/cmd/helm",
        },
        takes: "about 2 minutes",
        by_hand: "put Helm 3.14 or a newer 3 on PATH",
    },
    Declaration {
        tool: Tool::Helm4,
        name: "helm",
        version: "4.3.1",
        find: Find::Program {
            ask: HELM_VERSION,
            accepts: |version| version.is_some_and(|it| it.at_least(4, 0)),
        },
        install: Install::GoProgram {
            package: "helm.sh/helm/v4/cmd/helm",
        },
        takes: "about 2 minutes",
        by_hand: "put Helm 4 on PATH",
    },
    Declaration {
        tool: Tool::HelmUnittest,
        name: "helm-unittest",
        version: "1.1.2",
        // As a program of its own it does not know its version.
        find: Find::Program {
            ask: &["--help"],
            accepts: |_| true,
        },
        install: Install::GoProgramOfModule {
            module: "github.com/helm-unittest/helm-unittest",
            package: "./cmd/helm-unittest",
            tags: "",
            stamps: &[],
        },
        takes: "about a minute",
        by_hand: "put helm-unittest on PATH as a program of that name",
    },
    Declaration {
        tool: Tool::KubeScore,
        name: "kube-score",
        version: "1.20.0",
        // Built by `go install` it does not know its own version.
        find: Find::Program {
            ask: &["version"],
            accepts: |_| true,
        },
        install: Install::GoProgram {
            package: "github.com/zegl/kube-score/cmd/kube-score",
        },
        takes: "seconds",
        by_hand: "put kube-score on PATH",
    },
    Declaration {
        tool: Tool::ComponentsModule,
        name: "components-module",
        // What daprd 1.18.2 is built from.
        version: "1.18.3",
        find: Find::GoModule,
        install: Install::GoSources {
            module: "github.com/dapr/components-contrib",
        },
        takes: "seconds",
        by_hand: "install Go, which fetches the sources of Dapr's components",
    },
    Declaration {
        tool: Tool::HelmDocs,
        name: "helm-docs",
        version: "1.14.2",
        // Its output is compared letter by letter, so only this version will do, and `go install` stamps none.
        find: Find::CachedProgram { path: "helm-docs" },
        install: Install::GoProgram {
            package: "github.com/norwoodj/helm-docs/cmd/helm-docs",
        },
        takes: "seconds",
        by_hand: "install Go, which builds it",
    },
];

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
        let module = e2e::local::workspace().join(folder).join("go.mod");
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
