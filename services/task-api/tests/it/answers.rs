//! Every error is a problem document that says what to do.

use std::time::{Duration, Instant};

use crate::server::{Answer, Server, get, get_kept_alive};

const JSON: &str = "application/json";

fn problem(answer: &Answer, status: u16) -> serde_json::Value {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert!(
        answer
            .head
            .contains("content-type: application/problem+json"),
        "{}",
        answer.head
    );
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["status"], status);
    for member in ["type", "title", "detail"] {
        assert!(
            problem[member]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{member}: {problem}"
        );
    }
    problem
}

#[tokio::test]
async fn bad_input_is_answered_with_the_documented_problem() {
    let server = Server::start();
    let long = format!(r#"{{"title": "{}"}}"#, "x".repeat(1001));
    let megabyte = format!(r#"{{"title": "{}"}}"#, "x".repeat(1 << 20));
    let cases: [(u16, &str, &str); 15] = [
        (400, JSON, "not JSON"),
        (400, JSON, ""),
        (400, JSON, r#"{"title": "cut off"#),
        (400, JSON, r#"{"title": "one"} {"title": "two"}"#),
        (415, "text/plain", r#"{"title": "Learn"}"#),
        (415, "application/x-www-form-urlencoded", "title=Learn"),
        (400, JSON, "\u{feff}{\"title\": \"Learn\"}"),
        (422, JSON, "[]"),
        (422, JSON, r#"["I am no object"]"#),
        (422, JSON, r#"{"title": "\u0000\u00a0\u3000"}"#),
        (422, JSON, r#"{"title": 5}"#),
        (422, JSON, "{}"),
        (422, JSON, r#"{"title": ""}"#),
        (422, JSON, &long),
        (413, JSON, &megabyte),
    ];
    for (status, content_type, body) in cases {
        let answer = server.post(content_type, "", body.as_bytes()).await;
        problem(&answer, status);
    }
    for body in [
        "{}",
        r#"{"title": ""}"#,
        r#"{"title": 5}"#,
        r#"{"title": ["Learn"]}"#,
    ] {
        let named = problem(&server.post(JSON, "", body.as_bytes()).await, 422);
        assert_eq!(named["field"], "title", "{body}: {named}");
        assert!(
            named["detail"].as_str().unwrap().contains("`title`"),
            "{body}: {named}"
        );
    }
}

#[tokio::test]
async fn an_unusable_idempotency_key_is_refused() {
    let server = Server::start();
    let fit = "8e03978e-40d5-43dd";
    let header = |key: &str| format!("Idempotency-Key: {key}\r\n");
    for headers in [
        header(""),
        header("1"),
        header(&fit[..15]),
        header(&"x".repeat(256)),
        header("8e03978e 40d5-43dd"),
        header("8e03978e-40d5-43d\u{fc}"),
        format!("{}{}", header(fit), header(fit)),
    ] {
        let answer = server.post(JSON, &headers, br#"{"title": "Learn"}"#).await;
        assert!(
            problem(&answer, 400)["detail"]
                .as_str()
                .unwrap()
                .contains("Idempotency-Key")
        );
    }
    for key in [&fit[..16], &"x".repeat(255)] {
        let answer = server
            .post(JSON, &header(key), br#"{"title": "Learn"}"#)
            .await;
        problem(&answer, 503);
    }
}

#[tokio::test]
async fn other_paths_and_methods_are_problems_too() {
    let server = Server::start();
    problem(&get(server.api, "/nothing").await, 404);
    let method = get(server.api, "/tasks").await;
    problem(&method, 405);
    assert!(method.head.contains("allow: post"), "{}", method.head);
}

#[tokio::test]
async fn without_a_sidecar_publishing_fails_within_its_deadline_and_says_when_to_come_back() {
    let server = Server::start();
    let started = Instant::now();
    let answer = server.post(JSON, "", br#"{"title": "Learn"}"#).await;
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "the deadline is 400 ms"
    );
    problem(&answer, 503);
    assert!(answer.head.contains("retry-after: 2"), "{}", answer.head);
}

#[tokio::test]
async fn readiness_says_what_is_missing_and_liveness_does_not_care() {
    let server = Server::start();
    assert_eq!(get(server.admin, "/livez").await.status, 200);
    assert_eq!(get(server.admin, "/startupz").await.status, 200);
    let ready = get(server.admin, "/readyz").await;
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("sidecar"), "{}", ready.body);
    assert_eq!(get(server.admin, "/metrics").await.status, 200);
}

#[tokio::test]
async fn while_draining_clients_are_sent_elsewhere() {
    let server = Server::start_with(&["--shutdown-delay=10s"]);
    assert!(
        !get_kept_alive(server.api)
            .await
            .contains("connection: close")
    );
    let drain = server.shutdown.begin(std::future::pending());
    let look = async {
        server.shutdown.draining().await;
        assert_eq!(get(server.admin, "/readyz").await.status, 503);
        get_kept_alive(server.api).await
    };
    tokio::select! {
        () = drain => panic!("requests on their way would be refused"),
        head = look => assert!(head.contains("connection: close"), "{head}"),
    }
}

#[tokio::test]
async fn a_shutdown_ends() {
    let mut server = Server::start();
    server.shutdown.begin(std::future::pending()).await;
    let ended = tokio::time::timeout(Duration::from_secs(3), server.running.join_next()).await;
    ended
        .expect("ends within its deadline")
        .unwrap()
        .unwrap()
        .unwrap();
}
