//! The questions that Kafka is asked, each in one version: the oldest that has all that is needed, which every broker from 1.0 to
//! 4.1 speaks.

use kafka_protocol::messages::{
    ApiKey, DescribeConfigsRequest, DescribeConfigsResponse, FetchRequest, FetchResponse,
    FindCoordinatorRequest, FindCoordinatorResponse, ListOffsetsRequest, ListOffsetsResponse,
    MetadataRequest, MetadataResponse, OffsetFetchRequest, OffsetFetchResponse,
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};

/// A request and what answers it. The crate's own trait is there only for programs that are brokers as well.
pub(super) trait Ask: Encodable + HeaderVersion {
    const KEY: ApiKey;
    const VERSION: i16;
    type Answer: Decodable + HeaderVersion;
}

macro_rules! ask {
    ($($request:ident => $answer:ident, $key:ident, $version:literal;)*) => {$(
        impl Ask for $request {
            const KEY: ApiKey = ApiKey::$key;
            const VERSION: i16 = $version;
            type Answer = $answer;
        }
    )*};
}

ask! {
    MetadataRequest => MetadataResponse, Metadata, 4;
    ListOffsetsRequest => ListOffsetsResponse, ListOffsets, 2;
    FindCoordinatorRequest => FindCoordinatorResponse, FindCoordinator, 1;
    OffsetFetchRequest => OffsetFetchResponse, OffsetFetch, 3;
    FetchRequest => FetchResponse, Fetch, 4;
    DescribeConfigsRequest => DescribeConfigsResponse, DescribeConfigs, 1;
    SaslHandshakeRequest => SaslHandshakeResponse, SaslHandshake, 1;
    SaslAuthenticateRequest => SaslAuthenticateResponse, SaslAuthenticate, 0;
}
