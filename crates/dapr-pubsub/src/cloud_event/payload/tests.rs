use dapr::dapr::proto::runtime::v1::TopicEventRequest;
use serde::Deserialize;

use crate::{Binary, Envelope};

#[derive(Debug, PartialEq, Deserialize)]
struct Task {
    title: String,
}

fn with(attribute: &str) -> Vec<u8> {
    format!(r#"{{"specversion":"1.0","id":"1","source":"s","type":"t",{attribute}}}"#).into_bytes()
}

fn callback() -> TopicEventRequest {
    TopicEventRequest {
        id: "1".to_owned(),
        source: "s".to_owned(),
        r#type: "t".to_owned(),
        spec_version: "1.0".to_owned(),
        ..TopicEventRequest::default()
    }
}

#[test]
fn text_is_tried_as_json_where_the_handler_takes_none() {
    // Go's and Python's SDK publish JSON so, unless they are told its type; and some encode it twice.
    for content_type in ["text/plain", "application/json"] {
        let members = format!(r#""datacontenttype":"{content_type}","data":"{{\"title\":\"a\"}}""#);
        let body = with(&members);
        let envelope = Envelope::parse(&body).unwrap();
        assert_eq!(envelope.decode::<Task>().unwrap().data.title, "a");
        let text = envelope.decode::<String>().unwrap().data;
        assert_eq!(text, r#"{"title":"a"}"#);
        let message = TopicEventRequest {
            data_content_type: content_type.to_owned(),
            data: match content_type {
                "text/plain" => text.clone().into_bytes(),
                _ => serde_json::to_vec(&text).unwrap(),
            },
            ..callback()
        };
        let envelope = Envelope::of_callback(&message).unwrap();
        assert_eq!(envelope.decode::<Task>().unwrap().data.title, "a");
        assert_eq!(envelope.decode::<String>().unwrap().data, text);
    }
    let prose = with(r#""datacontenttype":"text/plain","data":"buy milk""#);
    let error = Envelope::parse(&prose)
        .unwrap()
        .decode::<Task>()
        .unwrap_err();
    assert!(error.to_string().contains("datacontenttype `text/plain`"));
    let other = with(r#""data":"{\"headline\":\"a\"}""#);
    let error = Envelope::parse(&other)
        .unwrap()
        .decode::<Task>()
        .unwrap_err();
    assert!(
        error.to_string().contains("missing field `title`"),
        "{error}"
    );
}

#[test]
fn bytes_fit_every_type_that_is_made_of_bytes() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Picture(Binary);

    // 00 01 ff
    let body = with(r#""data_base64":"AAH/""#);
    let message = TopicEventRequest {
        data_content_type: "application/octet-stream".to_owned(),
        data: vec![0, 1, 0xff],
        ..callback()
    };
    for envelope in [
        Envelope::parse(&body).unwrap(),
        Envelope::of_callback(&message).unwrap(),
    ] {
        let binary = Binary(vec![0, 1, 0xff].into());
        assert_eq!(
            envelope.decode::<Vec<u8>>().unwrap().data,
            [0, 1, 0xff].to_vec()
        );
        assert_eq!(
            envelope.decode::<Option<Binary>>().unwrap().data,
            Some(binary.clone())
        );
        assert_eq!(envelope.decode::<Picture>().unwrap().data, Picture(binary));
        envelope.decode::<()>().unwrap();
        // The first error, not that of an attempt to read them as JSON.
        let error = envelope.decode::<Task>().unwrap_err().to_string();
        assert!(
            error.contains("byte array, expected struct Task"),
            "{error}"
        );
    }
    // A list of numbers is JSON all the same.
    let numbers = with(r#""data_base64":"WzEsMzAwXQ==""#);
    let numbers = Envelope::parse(&numbers).unwrap();
    assert_eq!(numbers.decode::<Vec<u64>>().unwrap().data, [1, 300]);
}

#[test]
fn structs_are_read_from_objects_only() {
    #[derive(Debug, Deserialize)]
    struct Order {
        #[allow(dead_code)]
        lines: Vec<Task>,
    }

    #[derive(Debug, Deserialize)]
    enum Change {
        Renamed { title: String },
    }

    let decoded = |data: &str| {
        let body = with(&format!(r#""data":{data}"#));
        let envelope = Envelope::parse(&body).unwrap();
        let order = envelope.decode::<Order>().map(|_| ());
        let task = envelope.decode::<Task>().map(|_| ());
        let change = envelope.decode::<Change>().map(|event| match event.data {
            Change::Renamed { title } => assert_eq!(title, "a"),
        });
        [order, task, change].map(|it| it.map_err(|error| error.to_string()))
    };
    let [order, task, change] = decoded(r#"["buy milk"]"#);
    for refused in [order.unwrap_err(), task.unwrap_err(), change.unwrap_err()] {
        assert!(!refused.contains("milk"), "{refused}");
    }
    let [order, ..] = decoded(r#"{"lines":[{"title":"a"},["b"]]}"#);
    let order = order.unwrap_err();
    assert!(
        order.contains("`lines[1]`: invalid type: sequence"),
        "{order}"
    );
    assert_eq!(decoded(r#"{"lines":[{"title":"a"}]}"#)[0], Ok(()));
    assert_eq!(decoded(r#"{"Renamed":{"title":"a"}}"#)[2], Ok(()));
    assert!(decoded(r#"{"Renamed":["a"]}"#)[2].is_err());
}

/// Not a byte of it in what is logged, however it is wrong.
#[test]
fn no_error_quotes_the_data() {
    let secret = "s3cret".repeat(1000);
    let bodies = [
        format!(r#""{secret}""#),
        format!("[{secret}]"),
        format!(
            r#"{{"specversion":"1.0","id":"1","source":"s","type":"t","data":{{"title":["{secret}"]}}}}"#
        ),
        format!(r#"{{"specversion":"1.0","id":"1","source":"s","type":"t","data":"{secret}"}}"#),
        format!(
            r#"{{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"{secret}*"}}"#
        ),
    ];
    for body in &bodies {
        let decoded = Envelope::parse(body.as_bytes()).and_then(|it| it.decode::<Task>());
        let error = decoded.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
    }
}

/// `serde_json`'s limit protects the stack; what a type does not ask for is skipped without it.
#[test]
fn deeply_nested_data_is_read_as_far_as_it_is_asked_for() {
    let deep = "[".repeat(500) + &"]".repeat(500);
    let body = with(&format!(r#""data":{{"title":"a","rest":{deep}}}"#));
    let envelope = Envelope::parse(&body).unwrap();
    assert_eq!(envelope.decode::<Task>().unwrap().data.title, "a");
    let error = envelope.decode::<serde_json::Value>().unwrap_err();
    assert!(error.to_string().contains("recursion limit"), "{error}");
}
