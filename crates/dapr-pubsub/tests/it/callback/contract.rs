//! What daprd is told beside the answers to events.

use axum::Router;
use dapr::dapr::proto::common::v1::InvokeRequest;
use dapr::dapr::proto::runtime::v1::app_callback_client::AppCallbackClient;
use dapr::dapr::proto::runtime::v1::app_callback_health_check_client::AppCallbackHealthCheckClient;
use dapr::dapr::proto::runtime::v1::{BindingEventRequest, JobEventRequest};
use dapr_pubsub::{Mode, Secret, Subscriptions};
use tonic::Code;
use tower::ServiceExt as _;

use super::{ROUTE, call, event, obedient, obey, subscription, word};

#[tokio::test]
async fn daprd_is_told_what_it_is_told_by_http() {
    let declared = || {
        Subscriptions::new().on(
            subscription()
                .pubsubs(["p"])
                .dead_letter_topic("dead")
                .metadata("queueType", "quorum"),
            obey,
        )
    };
    let with_rule = || {
        let late = subscription().pubsubs(["p"]).dead_letter_topic("dead");
        let late = late.metadata("queueType", "quorum");
        declared().on(late.when("event.data.late", "/events/late"), obey)
    };
    let list = async |router: Router| {
        let answer = AppCallbackClient::new(router)
            .list_topic_subscriptions(())
            .await;
        answer.unwrap().into_inner().subscriptions
    };
    assert!(list(declared().into_router()).await.is_empty());
    let listed = list(declared().mode(Mode::Programmatic).into_router()).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].pubsub_name.as_str(), listed[0].topic.as_str()),
        ("p", "task-events")
    );
    assert_eq!(listed[0].routes.as_ref().unwrap().default, ROUTE);
    assert_eq!(listed[0].dead_letter_topic, "dead");
    assert_eq!(listed[0].metadata["queueType"], "quorum");

    let listed = list(with_rule().mode(Mode::Programmatic).into_router()).await;
    assert_eq!(listed.len(), 1);
    let routes = listed[0].routes.as_ref().unwrap();
    let rule = routes.rules.last().unwrap();
    assert_eq!(
        (&*rule.r#match, &*rule.path),
        ("event.data.late", "/events/late")
    );
    assert_eq!((routes.rules.len(), &*routes.default), (2, ROUTE));
}

#[tokio::test]
async fn only_events_need_the_token() {
    let router = obedient()
        .app_token(Some(Secret::from("right".to_owned())))
        .into_router();
    assert_eq!(
        call(&router, event("x")).await.unwrap_err().code(),
        Code::Unauthenticated
    );
    let mut request = tonic::Request::new(event("x"));
    request
        .metadata_mut()
        .insert("dapr-api-token", "right".parse().unwrap());
    let mut client = AppCallbackClient::new(router.clone());
    assert_eq!(
        word(client.on_topic_event(request).await.unwrap().into_inner()),
        "SUCCESS"
    );
    client.list_topic_subscriptions(()).await.unwrap();
    client.list_input_bindings(()).await.unwrap();
    AppCallbackHealthCheckClient::new(router)
        .health_check(())
        .await
        .unwrap();
}

#[tokio::test]
async fn nothing_is_ever_unimplemented() {
    let router = obedient().into_router();
    let mut client = AppCallbackClient::new(router.clone());
    let refusals = [
        client
            .on_invoke(InvokeRequest::default())
            .await
            .unwrap_err(),
        client
            .on_binding_event(BindingEventRequest::default())
            .await
            .unwrap_err(),
        client
            .on_job_event(JobEventRequest::default())
            .await
            .unwrap_err(),
    ];
    for refusal in refusals {
        assert_ne!(refusal.code(), Code::Unimplemented);
    }
    // What no client of today's Dapr calls, a compressed message, and what is no message at all.
    for (path, encoding, body) in [
        (
            "/dapr.proto.runtime.v1.AppCallback/OnSomethingNew",
            "identity",
            vec![0; 5],
        ),
        (
            "/dapr.proto.runtime.v1.AppCallbackAlpha/OnSomethingNew",
            "identity",
            vec![0; 5],
        ),
        (
            "/dapr.proto.runtime.v1.AppCallbackHealthCheck/Other",
            "identity",
            vec![0; 5],
        ),
        (
            "/dapr.proto.runtime.v2.AppCallback/OnTopicEvent",
            "identity",
            vec![0; 5],
        ),
        ("/anything", "identity", vec![]),
        (
            "/dapr.proto.runtime.v1.AppCallback/OnTopicEvent",
            "gzip",
            vec![1, 0, 0, 0, 1, 7],
        ),
        (
            "/dapr.proto.runtime.v1.AppCallback/OnTopicEvent",
            "identity",
            vec![0, 0, 0, 0, 9, 1],
        ),
        (
            "/dapr.proto.runtime.v1.AppCallback/OnTopicEvent",
            "identity",
            vec![],
        ),
    ] {
        let request = http::Request::post(path)
            .header("content-type", "application/grpc")
            .header("grpc-encoding", encoding)
            .body(axum::body::Body::from(body))
            .unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let code = &answer.headers()["grpc-status"];
        assert!(code != "12" && code != "0", "{path} {encoding}: {code:?}");
    }
}
