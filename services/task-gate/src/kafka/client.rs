//! Connections to the brokers of a cluster, each made when it is needed.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    BrokerId, DescribeConfigsRequest, MetadataRequest, RequestHeader, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable as _, Encodable as _, HeaderVersion as _, StrBytes};
use rustls::ClientConfig;

use super::requests::Ask;
use super::settings::Settings;
use super::{Partitions, sasl};
use crate::wire::{Wire, first};

/// What a broker's setting is asked by.
const MAKES_TOPICS: &str = "auto.create.topics.enable";
const A_BROKER: i8 = 4;

/// The longest answer: far more than any of these questions has.
const LONGEST: usize = 64 << 20;

/// A cluster: the connections that there are, and where everything is.
#[derive(Debug)]
pub(super) struct Cluster<'a> {
    settings: &'a Settings,
    tls: Option<Arc<ClientConfig>>,
    timeout: Duration,
    bootstrap: Broker,
    brokers: BTreeMap<BrokerId, Broker>,
    addresses: BTreeMap<BrokerId, String>,
    leaders: BTreeMap<String, Partitions<BrokerId>>,
}

/// A connection to one broker.
#[derive(Debug)]
pub(super) struct Broker {
    wire: Wire,
    correlation: i32,
}

impl<'a> Cluster<'a> {
    /// Connects to the first broker of the list that takes us.
    ///
    /// # Errors
    /// The last one's refusal.
    pub(super) fn connect(settings: &'a Settings, timeout: Duration) -> Result<Self, String> {
        let tls = settings
            .tls
            .as_ref()
            .map(crate::tls::Tls::config)
            .transpose()?;
        let bootstrap = first("brokers", &settings.brokers, |address| {
            Broker::open(address, settings, tls.as_ref(), timeout)
        })?;
        Ok(Self {
            settings,
            tls,
            timeout,
            bootstrap,
            brokers: BTreeMap::new(),
            addresses: BTreeMap::new(),
            leaders: BTreeMap::new(),
        })
    }

    /// Finds the leaders of a topic's partitions. A topic that is not there has none, and is not made by asking.
    pub(super) fn look_up(&mut self, topic: &str) -> Result<(), String> {
        let request = MetadataRequest::default()
            .with_allow_auto_topic_creation(false)
            .with_topics(Some(vec![
                MetadataRequestTopic::default().with_name(Some(name(topic))),
            ]));
        let response = self.bootstrap.call(&request)?;
        for broker in response.brokers {
            self.addresses.insert(
                broker.node_id,
                format!("{}:{}", broker.host.as_str(), broker.port),
            );
        }
        let leaders = self.leaders.entry(topic.to_owned()).or_default();
        for found in response.topics {
            match ResponseError::try_from_code(found.error_code) {
                None => {}
                Some(ResponseError::UnknownTopicOrPartition) => continue,
                Some(error) => return Err(format!("Kafka says of the topic {topic}: {error}")),
            }
            for partition in found.partitions {
                let index = partition.partition_index;
                if partition.leader_id < BrokerId(0) {
                    return Err(format!("partition {index} of {topic} has no leader"));
                }
                leaders.insert(index, partition.leader_id);
            }
        }
        Ok(())
    }

    /// Whether somebody who publishes to a topic that is not there makes it; also where that may not be known.
    pub(super) fn makes_topics(&mut self) -> Result<bool, String> {
        let Some(id) = self.addresses.keys().next() else {
            return Ok(true);
        };
        let broker = DescribeConfigsResource::default()
            .with_resource_type(A_BROKER)
            .with_resource_name(StrBytes::from_string(id.0.to_string()))
            .with_configuration_keys(Some(vec![StrBytes::from_static_str(MAKES_TOPICS)]));
        let request = DescribeConfigsRequest::default().with_resources(vec![broker]);
        let response = self.bootstrap.call(&request)?;
        let mut configs = response.results.into_iter().flat_map(|it| it.configs);
        Ok(!configs.any(|it| &*it.name == MAKES_TOPICS && it.value.as_deref() == Some("false")))
    }

    /// The partitions of a topic, by the broker that leads them.
    pub(super) fn led(&self, topic: &str) -> BTreeMap<BrokerId, Vec<i32>> {
        let mut led: BTreeMap<BrokerId, Vec<i32>> = BTreeMap::new();
        for (partition, leader) in self.leaders.get(topic).into_iter().flatten() {
            led.entry(*leader).or_default().push(*partition);
        }
        led
    }

    /// The connection to any broker.
    pub(super) const fn any(&mut self) -> &mut Broker {
        &mut self.bootstrap
    }

    /// The connection to one broker.
    pub(super) fn broker(&mut self, id: BrokerId) -> Result<&mut Broker, String> {
        if !self.brokers.contains_key(&id) {
            let address = self
                .addresses
                .get(&id)
                .ok_or_else(|| format!("Kafka does not say where its broker {} is", id.0))?;
            let broker = Broker::open(address, self.settings, self.tls.as_ref(), self.timeout)?;
            self.brokers.insert(id, broker);
        }
        self.brokers
            .get_mut(&id)
            .ok_or_else(|| "no connection".to_owned())
    }

    /// Learns where a broker is.
    pub(super) fn learn(&mut self, id: BrokerId, address: String) {
        self.addresses.insert(id, address);
    }
}

impl Broker {
    fn open(
        address: &str,
        settings: &Settings,
        tls: Option<&Arc<ClientConfig>>,
        timeout: Duration,
    ) -> Result<Self, String> {
        let wire = Wire::dial(address, tls, timeout)?;
        let mut broker = Self {
            wire,
            correlation: 0,
        };
        if let Some(login) = &settings.login {
            sasl::log_in(&mut broker, login)?;
        }
        Ok(broker)
    }

    pub(super) fn address(&self) -> &str {
        self.wire.address()
    }

    /// One request and its response.
    pub(super) fn call<R: Ask>(&mut self, request: &R) -> Result<R::Answer, String> {
        let version = R::VERSION;
        self.correlation += 1;
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY as i16)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation)
            .with_client_id(Some(StrBytes::from_static_str("task-gate")));
        let mut body = BytesMut::new();
        header
            .encode(&mut body, R::header_version(version))
            .and_then(|()| request.encode(&mut body, version))
            .map_err(|error| error.to_string())?;
        let mut answer = self
            .exchange(&body)
            .map_err(|error| self.wire.describe(&error))?;
        let strange = |error| {
            format!(
                "{} answers with something strange: {error}",
                self.wire.address()
            )
        };
        let header = ResponseHeader::decode(&mut answer, R::Answer::header_version(version))
            .map_err(strange)?;
        if header.correlation_id != self.correlation {
            return Err(format!("{} answers another question", self.wire.address()));
        }
        R::Answer::decode(&mut answer, version).map_err(strange)
    }

    fn exchange(&mut self, body: &[u8]) -> std::io::Result<Bytes> {
        self.wire.begin();
        let length = u32::try_from(body.len()).map_err(std::io::Error::other)?;
        let framed = [&length.to_be_bytes()[..], body].concat();
        self.wire.write_all(&framed)?;
        self.wire.flush()?;
        let mut length = [0; 4];
        self.wire.read_exact(&mut length)?;
        let length = (&length[..]).get_u32() as usize;
        if length > LONGEST {
            return Err(std::io::Error::other(
                "the answer is no Kafka's; is this the right port, and is TLS as the component says?",
            ));
        }
        let mut answer = vec![0; length];
        self.wire.read_exact(&mut answer)?;
        Ok(answer.into())
    }
}

/// A topic's name for a request.
pub(super) fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}
