//! Ends, beginnings and a group's offsets.

use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::{
    BrokerId, FetchRequest, FindCoordinatorRequest, GroupId, ListOffsetsRequest, OffsetFetchRequest,
};
use kafka_protocol::protocol::StrBytes;

use super::client::{Cluster, name};
use super::{Partitions, batch};
use crate::clock;

/// Timestamps that mean the end and the beginning.
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;

/// The head of a batch is enough.
const FETCHED: i32 = 4096;
/// A cluster that has no group yet makes the topic for offsets when it is first asked.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

impl Cluster<'_> {
    /// Where each partition ends.
    pub(super) fn latest(&mut self, topic: &str) -> Result<Partitions<i64>, String> {
        self.offsets(topic, LATEST)
    }

    /// Where each partition begins.
    pub(super) fn earliest(&mut self, topic: &str) -> Result<Partitions<i64>, String> {
        self.offsets(topic, EARLIEST)
    }

    fn offsets(&mut self, topic: &str, timestamp: i64) -> Result<Partitions<i64>, String> {
        let mut offsets = Partitions::new();
        for (leader, partitions) in self.led(topic) {
            let partitions = partitions.into_iter().map(|partition| {
                ListOffsetsPartition::default()
                    .with_partition_index(partition)
                    .with_timestamp(timestamp)
            });
            let request = ListOffsetsRequest::default()
                .with_replica_id(BrokerId(-1))
                .with_topics(vec![
                    ListOffsetsTopic::default()
                        .with_name(name(topic))
                        .with_partitions(partitions.collect()),
                ]);
            let response = self.broker(leader)?.call(&request)?;
            for partition in response
                .topics
                .into_iter()
                .flat_map(|topic| topic.partitions)
            {
                refuse(partition.error_code, || {
                    format!("partition {} of {topic}", partition.partition_index)
                })?;
                offsets.insert(partition.partition_index, partition.offset);
            }
        }
        Ok(offsets)
    }

    /// What a group has committed, -1 where nothing.
    pub(super) fn committed(
        &mut self,
        topic: &str,
        group: &str,
        partitions: &[i32],
    ) -> Result<Partitions<i64>, String> {
        let request = OffsetFetchRequest::default()
            .with_group_id(GroupId(StrBytes::from_string(group.to_owned())))
            .with_topics(Some(vec![
                OffsetFetchRequestTopic::default()
                    .with_name(name(topic))
                    .with_partition_indexes(partitions.to_vec()),
            ]));
        let of = || format!("the group {group}");
        for _ in 1..TRIES {
            let coordinator = self.coordinator(group)?;
            let response = self.broker(coordinator)?.call(&request)?;
            if is_coming(response.error_code) {
                clock::pause(BETWEEN_TRIES);
                continue;
            }
            refuse(response.error_code, of)?;
            let mut offsets = Partitions::new();
            for partition in response
                .topics
                .into_iter()
                .flat_map(|topic| topic.partitions)
            {
                refuse(partition.error_code, of)?;
                offsets.insert(partition.partition_index, partition.committed_offset);
            }
            return Ok(offsets);
        }
        Err(format!("{} has no coordinator that is ready", of()))
    }

    fn coordinator(&mut self, group: &str) -> Result<BrokerId, String> {
        let request =
            FindCoordinatorRequest::default().with_key(StrBytes::from_string(group.to_owned()));
        for _ in 1..TRIES {
            let found = self.any().call(&request)?;
            if is_coming(found.error_code) {
                clock::pause(BETWEEN_TRIES);
                continue;
            }
            refuse(found.error_code, || format!("the group {group}"))?;
            self.learn(
                found.node_id,
                format!("{}:{}", found.host.as_str(), found.port),
            );
            return Ok(found.node_id);
        }
        Err(format!(
            "the group {group} has no coordinator that is ready"
        ))
    }

    /// When the oldest of the events at these offsets was made.
    pub(super) fn first_timestamp(
        &mut self,
        topic: &str,
        offsets: &Partitions<i64>,
    ) -> Result<Option<u64>, String> {
        let mut oldest: Option<u64> = None;
        for (leader, partitions) in self.led(topic) {
            let partitions: Vec<_> = partitions
                .into_iter()
                .filter_map(|partition| {
                    let offset = offsets.get(&partition)?;
                    Some(
                        FetchPartition::default()
                            .with_partition(partition)
                            .with_fetch_offset(*offset)
                            .with_partition_max_bytes(FETCHED),
                    )
                })
                .collect();
            if partitions.is_empty() {
                continue;
            }
            let request = FetchRequest::default()
                .with_replica_id(BrokerId(-1))
                .with_max_wait_ms(100)
                .with_min_bytes(1)
                .with_max_bytes(
                    FETCHED.saturating_mul(i32::try_from(partitions.len()).unwrap_or(i32::MAX)),
                )
                .with_topics(vec![
                    FetchTopic::default()
                        .with_topic(name(topic))
                        .with_partitions(partitions),
                ]);
            let response = self.broker(leader)?.call(&request)?;
            let records = response
                .responses
                .iter()
                .flat_map(|topic| &topic.partitions)
                .filter_map(|partition| partition.records.as_ref());
            oldest = records
                .filter_map(|records| batch::timestamp(records))
                .chain(oldest)
                .min();
        }
        Ok(oldest)
    }
}

/// Whether an error passes by itself, as while a coordinator moves.
fn is_coming(code: i16) -> bool {
    matches!(
        ResponseError::try_from_code(code),
        Some(
            ResponseError::CoordinatorNotAvailable
                | ResponseError::CoordinatorLoadInProgress
                | ResponseError::NotCoordinator
        )
    )
}

fn refuse(code: i16, of: impl Fn() -> String) -> Result<(), String> {
    match ResponseError::try_from_code(code) {
        None => Ok(()),
        Some(error) => Err(format!("Kafka says of {}: {error}", of())),
    }
}
