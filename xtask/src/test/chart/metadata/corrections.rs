//! Where `metadata.yaml` is not what the code beside it does, each with the file that says otherwise.
//!
//! A correction that upstream no longer needs, or that nothing of ours uses, fails the check.

use std::path::Path;

use anyhow::{Result, ensure};

use super::upstream::{Description, Field, Profile};

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// The code reads it, as a value of this kind, and the description does not have it.
    Missing { kind: &'static str },
    /// The description has it, and the code reads something else: nobody may set it.
    Ignored,
    /// It is marked as a secret, and what we put there is none.
    NotSecret,
    /// One more value is understood: one more way to log in.
    Allows(&'static str),
}

/// One correction.
#[derive(Debug)]
pub(super) struct Correction {
    pub(super) component: &'static str,
    pub(super) name: &'static str,
    pub(super) wrong: Wrong,
    /// Below the module of components-contrib, or of Dapr itself: it must have the word `says`.
    file: &'static str,
    says: &'static str,
}

const fn correction(
    component: &'static str,
    name: &'static str,
    wrong: Wrong,
    file: &'static str,
    says: &'static str,
) -> Correction {
    Correction {
        component,
        name,
        wrong,
        file,
        says,
    }
}

const TEXT: Wrong = Wrong::Missing { kind: "string" };
/// Fields of logins that several components share are described in a file that the module's archive does not have.
const AWS: &str = "common/aws/auth/auth.go";
const AZURE: &str = "common/authentication/azure/metadata-properties.go";
const GCP: &str = "pubsub/gcp/pubsub/metadata.go";
const BUS: &str = "pubsub.azure.servicebus.topics";
const KEY_PREFIX: &str = "pkg/components/state/state_config.go";

pub(super) const CORRECTIONS: &[Correction] = &[
    // The runtime sets it for every broker, and these name queues and subscriptions after it.
    correction(
        "pubsub.rabbitmq",
        "consumerID",
        TEXT,
        "pubsub/rabbitmq/metadata.go",
        "consumerID",
    ),
    correction(
        "pubsub.aws.snssqs",
        "consumerID",
        TEXT,
        "pubsub/aws/snssqs/metadata.go",
        "consumerID",
    ),
    correction("pubsub.gcp.pubsub", "consumerID", TEXT, GCP, "consumerID"),
    // The mode is looked up under this name, whatever the description and the field's own tag say.
    correction(
        "pubsub.rabbitmq",
        "concurrencyMode",
        TEXT,
        "pubsub/concurrency.go",
        "concurrencyMode",
    ),
    correction(
        "pubsub.rabbitmq",
        "concurrency",
        Wrong::Ignored,
        "pubsub/concurrency.go",
        "concurrencyMode",
    ),
    correction(
        "pubsub.jetstream",
        "concurrencyMode",
        TEXT,
        "pubsub/concurrency.go",
        "concurrencyMode",
    ),
    correction(
        "pubsub.jetstream",
        "concurrency",
        Wrong::Ignored,
        "pubsub/concurrency.go",
        "concurrencyMode",
    ),
    correction(
        "pubsub.aws.snssqs",
        "accountID",
        TEXT,
        "pubsub/aws/snssqs/metadata.go",
        "accountID",
    ),
    correction(
        "pubsub.aws.snssqs",
        "accountId",
        Wrong::Ignored,
        "pubsub/aws/snssqs/metadata.go",
        "accountID",
    ),
    correction(
        "pubsub.aws.snssqs",
        "partition",
        TEXT,
        "pubsub/aws/snssqs/metadata.go",
        "partition",
    ),
    correction("pubsub.aws.snssqs", "region", TEXT, AWS, "region"),
    correction("pubsub.aws.snssqs", "accessKey", TEXT, AWS, "accessKey"),
    correction("pubsub.aws.snssqs", "secretKey", TEXT, AWS, "secretKey"),
    correction(
        "pubsub.aws.snssqs",
        "sessionToken",
        TEXT,
        AWS,
        "sessionToken",
    ),
    correction("pubsub.gcp.pubsub", "projectID", TEXT, GCP, "projectID"),
    correction(
        "pubsub.gcp.pubsub",
        "identityProjectID",
        TEXT,
        GCP,
        "identityProjectID",
    ),
    correction(
        "pubsub.gcp.pubsub",
        "privateKeyID",
        TEXT,
        GCP,
        "privateKeyID",
    ),
    correction("pubsub.gcp.pubsub", "privateKey", TEXT, GCP, "privateKey"),
    correction("pubsub.gcp.pubsub", "clientEmail", TEXT, GCP, "clientEmail"),
    correction("pubsub.gcp.pubsub", "tokenURI", TEXT, GCP, "tokenURI"),
    correction(BUS, "azureTenantId", TEXT, AZURE, "azureTenantId"),
    correction(BUS, "azureClientId", TEXT, AZURE, "azureClientId"),
    correction(BUS, "azureClientSecret", TEXT, AZURE, "azureClientSecret"),
    correction(BUS, "azureEnvironment", TEXT, AZURE, "azureEnvironment"),
    // An address. A login does not fit into it.
    correction(
        "pubsub.pulsar",
        "host",
        Wrong::NotSecret,
        "pubsub/pulsar/metadata.go",
        "host",
    ),
    correction(
        "pubsub.kafka",
        "authType",
        Wrong::Allows("certificate"),
        "common/component/kafka/metadata.go",
        "certificate",
    ),
    // The prefix is the runtime's own business, the same for every store.
    correction("state.redis", "keyPrefix", TEXT, KEY_PREFIX, "keyPrefix"),
    correction(
        "state.postgresql",
        "keyPrefix",
        TEXT,
        KEY_PREFIX,
        "keyPrefix",
    ),
    // Ours holds host, database and TLS; the login is in `user` and `password`, which the code puts into it.
    correction(
        "state.postgresql",
        "connectionString",
        Wrong::NotSecret,
        "common/authentication/postgresql/metadata.go",
        "url.UserPassword",
    ),
];

impl Correction {
    /// Whether the sources still are as the correction says, and the description still is not.
    pub(super) fn verify(&self, description: &Description, modules: [&Path; 2]) -> Result<()> {
        let Self {
            component, name, ..
        } = self;
        let mut sources = modules.iter().map(|module| module.join(self.file));
        let source = sources.find_map(|file| std::fs::read_to_string(file).ok());
        ensure!(
            source.is_some_and(|text| text.to_lowercase().contains(&self.says.to_lowercase())),
            "the correction of {component} `{name}` leans on {}, which says nothing of `{}`",
            self.file,
            self.says
        );
        let named = description.named(name);
        let needed = match self.wrong {
            Wrong::Missing { .. } => named.is_empty(),
            Wrong::Ignored => !named.is_empty(),
            Wrong::NotSecret => named.iter().any(|field| field.sensitive),
            Wrong::Allows(value) => !named.iter().any(|field| field.misfit(value).is_none()),
        };
        ensure!(
            needed,
            "the correction of {component} `{name}` is not needed any more"
        );
        Ok(())
    }

    /// The description as it should have been.
    pub(super) fn apply(&self, description: &mut Description) {
        let common = description.metadata.get_or_insert_default();
        let profiles = description.authentication_profiles.get_or_insert_default();
        match self.wrong {
            Wrong::Missing { kind } => common.push(Field {
                name: self.name.to_owned(),
                kind: Some(kind.to_owned()),
                ..Field::default()
            }),
            Wrong::Ignored => common.retain(|field| field.name != self.name),
            Wrong::NotSecret => {
                let builtin = description.builtin_authentication_profiles.iter_mut();
                let profiles = profiles.iter_mut().chain(builtin.flatten());
                let fields = profiles.filter_map(|profile| profile.metadata.as_mut());
                for field in fields.chain([common]).flatten() {
                    field.sensitive &= field.name != self.name;
                }
            }
            Wrong::Allows(value) => profiles.push(Profile {
                metadata: Some(vec![Field {
                    name: self.name.to_owned(),
                    required: true,
                    allowed_values: Some(vec![value.into()]),
                    ..Field::default()
                }]),
            }),
        }
    }
}
