//! The W3C's own test suite for trace context, as a table: <https://github.com/w3c/trace-context>, `test/test.py` at `acab820`. Its
//! harness has a service call back and looks at the headers; here the service says which context a call of its own would carry.

use axum::Router;
use axum::routing::post;
use opentelemetry::trace::TraceContextExt as _;
use service_kit::request::observed;
use service_kit::server::Protocols;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::observed::install;
use crate::site::{Site, status};

const TRACE: &str = "12345678901234567890123456789012";
const SPAN: &str = "1234567890123456";

/// `trace id, span id, tracestate` as they would go out.
async fn outgoing() -> String {
    let context = tracing::Span::current().context();
    let context = context.span().span_context().clone();
    assert!(context.is_valid(), "every request is in a trace");
    let state = context.trace_state().header();
    format!("{} {} {state}", context.trace_id(), context.span_id())
}

fn site() -> Site {
    install();
    let router = Router::new().route("/", post(outgoing));
    Site::start(Protocols::Http1, observed(router))
}

/// The tracestate with which the trace goes on; `None` where a new one began.
async fn sent(site: &Site, headers: &[(&str, &str)]) -> Option<String> {
    let mut request = String::from("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.extend([*name, ": ", *value, "\r\n"]);
    }
    let answer = site.send(request + "\r\n").await;
    assert_eq!(status(&answer), 200, "{headers:?}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let [trace, span, state] = body.splitn(3, ' ').collect::<Vec<_>>()[..] else {
        panic!("{answer}");
    };
    assert_ne!(span, SPAN, "a span of its own");
    (trace == TRACE).then(|| state.to_owned())
}

#[tokio::test]
async fn a_traceparent_counts_only_if_it_is_valid() {
    let site = site();
    let valid = format!("00-{TRACE}-{SPAN}-01");
    for name in ["traceparent", "TraceParent", "TrAcEpArEnT", "TRACEPARENT"] {
        assert!(sent(&site, &[(name, &valid)]).await.is_some(), "{name}");
    }
    for name in ["trace-parent", "trace.parent"] {
        assert!(sent(&site, &[(name, &valid)]).await.is_none(), "{name}");
    }
    assert!(sent(&site, &[]).await.is_none());
    let other = format!("00-{}-{SPAN}-01", TRACE.replace('9', "8"));
    for two in [[&valid, &other], [&other, &valid], [&valid, &valid]] {
        let two = two.map(|value| ("traceparent", value.as_str()));
        assert!(sent(&site, &two).await.is_none(), "{two:?}");
    }

    for good in [
        format!("cc-{TRACE}-{SPAN}-01"),
        format!("cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like"),
        format!("00-{TRACE}-{SPAN}-ff"),
        format!(" {valid}"),
        format!("\t{valid}"),
        format!("{valid} "),
        format!("{valid}\t"),
        format!("\t {valid} \t"),
    ] {
        let continued = sent(&site, &[("traceparent", &good)]).await;
        assert!(continued.is_some(), "{good:?}");
    }
    for bad in [
        format!("{valid}."),
        format!("{valid}-what-the-future-will-be-like"),
        format!("cc-{TRACE}-{SPAN}-01.what-the-future-will-be-like"),
        format!("ff-{TRACE}-{SPAN}-01"),
        format!(".0-{TRACE}-{SPAN}-01"),
        format!("0.-{TRACE}-{SPAN}-01"),
        format!("000-{TRACE}-{SPAN}-01"),
        format!("0000-{TRACE}-{SPAN}-01"),
        format!("0-{TRACE}-{SPAN}-01"),
        format!("00-{}-{SPAN}-01", "0".repeat(32)),
        format!("00-.{}-{SPAN}-01", &TRACE[1..]),
        format!("00-{}.-{SPAN}-01", &TRACE[1..]),
        format!("00-{TRACE}3-{SPAN}-01"),
        format!("00-{}-{SPAN}-01", &TRACE[1..]),
        format!("00-{TRACE}-0000000000000000-01"),
        format!("00-{TRACE}-.{}-01", &SPAN[1..]),
        format!("00-{TRACE}-{}.-01", &SPAN[1..]),
        format!("00-{TRACE}-{SPAN}7-01"),
        format!("00-{TRACE}-{}-01", &SPAN[1..]),
        format!("00-{TRACE}-{SPAN}-.0"),
        format!("00-{TRACE}-{SPAN}-0."),
        format!("00-{TRACE}-{SPAN}-001"),
        format!("00-{TRACE}-{SPAN}-1"),
        "00-1-2-1".to_owned(),
        String::new(),
    ] {
        let continued = sent(&site, &[("traceparent", &bad)]).await;
        assert!(continued.is_none(), "{bad:?}");
    }
    assert!(sent(&site, &[("tracestate", "foo=1")]).await.is_none());
}

#[tokio::test]
async fn a_tracestate_is_one_list_in_any_number_of_headers() {
    let site = site();
    let parent = format!("00-{TRACE}-{SPAN}-00");
    let (site, parent) = (&site, parent.as_str());
    let state = async |name: &str, values: &[&str]| {
        let mut headers = vec![("traceparent", parent)];
        headers.extend(values.iter().map(|value| (name, *value)));
        sent(site, &headers).await.expect("the trace goes on")
    };
    for name in ["tracestate", "TraceState", "TrAcEsTaTe", "TRACESTATE"] {
        assert_eq!(state(name, &["foo=1"]).await, "foo=1");
    }
    for name in ["trace-state", "trace.state"] {
        assert_eq!(state(name, &["foo=1"]).await, "");
    }
    let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
    let value: String = (' '..='~').filter(|char| !",=".contains(*char)).collect();
    let all = format!("{key}={value}");
    let bars = |numbers: std::ops::RangeInclusive<u8>| {
        let bars: Vec<_> = numbers.map(|n| format!("bar{n:02}={n:02}")).collect();
        bars.join(",")
    };
    let (ten, twenty, thirty) = (bars(1..=10), bars(11..=20), bars(21..=30));
    let (tens, all_32) = ([&*ten, &*twenty, &*thirty], bars(1..=32));
    let long = |length: usize| format!("{}=1", "z".repeat(length));

    let cases: [(&[&str], &str); 26] = [
        (&["foo=1,bar=2"], "foo=1,bar=2"),
        (&[""], ""),
        (&["foo=1", ""], "foo=1"),
        (&["", "foo=1"], "foo=1"),
        (
            &["foo=1,bar=2", "rojo=1,congo=2", "baz=3"],
            "foo=1,bar=2,rojo=1,congo=2,baz=3",
        ),
        (&["foo=1,foo=1"], "foo=1"),
        (&["foo=1", "foo=2"], "foo=1"),
        (&[&all], &all),
        (&["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
        (&["foo=1\t \t,\t \tbar=2,\t \tbaz=3"], "foo=1,bar=2,baz=3"),
        (&[" foo=1"], "foo=1"),
        (&["\tfoo=1"], "foo=1"),
        (&["foo=1 "], "foo=1"),
        (&["foo=1\t"], "foo=1"),
        (&["\t foo=1 \t"], "foo=1"),
        (&["foo@=1,bar=2"], "foo@=1,bar=2"),
        // What is wrong in one member discards the list, and nothing else.
        (&["foo =1"], ""),
        (&["FOO=1"], ""),
        (&["foo.bar=1"], ""),
        (&["@foo=1,bar=2"], ""),
        (&["foo=bar=baz"], ""),
        (&["foo==1"], ""),
        (&["foo=,bar=3"], ""),
        (&["foo=1", &long(257)], ""),
        (&["foo=1", &long(256)], &format!("foo=1,{}", long(256))),
        (&[tens[0], tens[1], tens[2], "bar31=31,bar32=32"], &all_32),
    ];
    for (values, expected) in cases {
        assert_eq!(state("tracestate", values).await, expected, "{values:?}");
    }
    let members_33 = [tens[0], tens[1], tens[2], "bar31=31,bar32=32,bar33=33"];
    assert_eq!(state("tracestate", &members_33).await, "");
}

/// What is taken from a client becomes metadata of an event, and a header of every delivery.
#[tokio::test]
async fn a_large_tracestate_is_cut() {
    let site = site();
    let parent = format!("00-{TRACE}-{SPAN}-01");
    let member = |number: usize| format!("key{number:02}={}", "x".repeat(200));
    let list: Vec<_> = (0..30).map(member).collect();
    let headers: Vec<_> = std::iter::once(("traceparent", parent.as_str()))
        .chain(list.iter().map(|value| ("tracestate", value.as_str())))
        .collect();
    let state = sent(&site, &headers).await.unwrap();
    assert_eq!(state, [member(0), member(1)].join(","));
}
