
#[tokio::test]
async fn what_follows_is_published_once_and_before_the_event_is_done() {
    let server = start();
    let refusal = tonic::Status::resource_exhausted("the broker takes nothing now");
    let refuse = move |_: &_| dapr_pubsub::testing::Answer::Fail(refusal.clone());
    server.sidecar.on_publish(refuse);
    assert_eq!(deliver(&server, "1", "__key__.created").await, "RETRY");
    let refused = server.sidecar.calls();

    server.sidecar.on_publish(|_| dapr_pubsub::testing::Answer::Ok);
    let mut answers = Vec::new();
    for _ in 0..3 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        answers.push(deliver(&server, "1", "__key__.created").await);
    }
    assert_eq!(answers, ["SUCCESS"; 3]);
    let calls = server.sidecar.calls();
    let taken = &calls[refused.len()..];
    let topics: Vec<_> = taken.iter().map(|call| &*call.topic).collect();
    assert_eq!(topics, [__published_topics__]);
    assert_eq!(taken[0].ids(), refused[0].ids(), "one event, however often it is tried");
}
