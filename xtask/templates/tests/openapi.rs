
#[tokio::test]
async fn the_served_description_is_the_golden_file() {
    let server = crate::start();
    let request = http::Request::get(format!("http://{}/openapi.json", server.address));
    let request = request.body(http_body_util::Full::default()).unwrap();
    let limit = std::time::Duration::from_secs(20);
    let answer = task_probe::client::Client::new().send(request, limit).await;
    compare("openapi.json", &answer.unwrap().json().unwrap());
}
