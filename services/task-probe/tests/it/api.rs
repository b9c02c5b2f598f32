//! `smoke` against an API of the test's own, that answers what it is told.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;

use super::probe;

const ID: &str = "a383f0b2-1104-5859-85d3-d05b74e1493e";

struct Request {
    content_type: String,
    key: String,
    body: String,
}

struct Answer {
    status: u16,
    headers: &'static str,
    body: String,
}

/// An HTTP/1.1 server with one connection per request; ends with the process.
fn serve(mut answer: impl FnMut(&Request) -> Answer + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut content_type, mut key, mut length) = (String::new(), String::new(), 0);
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some((name, value)) = line.trim().split_once(": ") {
                    match name {
                        "content-type" => value.clone_into(&mut content_type),
                        "idempotency-key" => value.clone_into(&mut key),
                        "content-length" => length = value.parse().unwrap(),
                        _ => {}
                    }
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body = String::from_utf8(body).unwrap();
            let Answer {
                status,
                headers,
                body,
            } = answer(&Request {
                content_type,
                key,
                body,
            });
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

fn created(title: &str) -> Answer {
    let body = json!({"id": ID, "title": title, "event": "published"}).to_string();
    Answer {
        status: 200,
        headers: "content-type: application/json\r\n",
        body,
    }
}

/// What the real API answers to a wrong request; the real one is in the scenario `smoke`.
fn refused(status: u16, field: Option<&str>) -> Answer {
    let mut body = json!({"type": "/problems/x", "title": "t", "status": status, "detail": "d"});
    if let Some(field) = field {
        body["field"] = field.into();
    }
    Answer {
        status,
        headers: "content-type: application/problem+json\r\n",
        body: body.to_string(),
    }
}

fn obedient(request: &Request) -> Answer {
    if request.content_type != "application/json" {
        return refused(415, None);
    }
    match serde_json::from_str::<serde_json::Value>(&request.body) {
        Err(_) => refused(400, None),
        Ok(body) => match body["title"].as_str() {
            None | Some("") => refused(422, Some("title")),
            Some(title) => created(title),
        },
    }
}

/// Exit code and log.
fn smoke(api: SocketAddr, deadline: &str) -> (Option<i32>, String) {
    let url = format!("http://{api}");
    let output = probe(
        "smoke",
        &[
            ("API_URL", &url),
            ("STATE_STORE", ""),
            ("PROBE_DEADLINE", deadline),
        ],
    );
    let log = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), log)
}

#[test]
fn an_api_that_does_as_documented_passes() {
    let (code, log) = smoke(serve(obedient), "10s");
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("5 wrong requests were refused"), "{log}");
    assert!(log.contains("without a state store"), "{log}");
}

#[test]
fn an_api_that_asks_to_come_again_is_asked_again_under_the_same_key() {
    let keys = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&keys);
    let api = serve(move |request| {
        let mut seen = seen.lock().unwrap();
        seen.push(request.key.clone());
        if seen.len() == 1 {
            return Answer {
                status: 503,
                headers: "retry-after: 1\r\n",
                body: String::new(),
            };
        }
        obedient(request)
    });
    let (code, log) = smoke(api, "10s");
    assert_eq!(code, Some(0), "{log}");
    let keys = keys.lock().unwrap();
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[1], keys[2]);
}

#[test]
fn what_is_not_as_documented_fails_and_is_quoted() {
    // Taken although it is wrong.
    let (code, log) = smoke(serve(|_| created("task-pubsub smoke test")), "10s");
    assert_eq!(code, Some(1), "{log}");
    assert!(
        log.contains("not JSON as application/json: answered 200"),
        "{log}"
    );

    let (code, log) = smoke(serve(|_| refused(500, None)), "10s");
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("was answered 500"), "{log}");

    // Refused, but without a word about what is wrong.
    let mute = |request: &Request| {
        let mut answer = obedient(request);
        if answer.status != 200 {
            answer.headers = "content-type: text/html\r\n";
        }
        answer
    };
    let (code, log) = smoke(serve(mute), "10s");
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("its content type is `text/html`"), "{log}");
}

#[test]
fn an_api_that_is_away_fails_by_the_deadline() {
    let unused = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (code, log) = smoke(unused, "2s");
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("no answer but refusals for 2s"), "{log}");
}
