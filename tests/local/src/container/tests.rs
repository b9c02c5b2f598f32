use super::*;
use harness::wait::until;

const DEADLINE: Duration = Duration::from_secs(20);

/// A shell that says `up` each time that it is started.
fn shell(script: &str) -> Launch {
    let log = std::env::temp_dir().join(format!("container-{:08x}.log", rand::random::<u32>()));
    Launch::new("shell", "/bin/sh", log).args(["-c", &format!("echo up; {script}")])
}

fn lives(launch: &Launch) -> usize {
    let log = std::fs::read_to_string(&launch.log).unwrap_or_default();
    log.lines().filter(|line| *line == "up").count()
}

async fn lived(launch: &Launch, lives: usize) {
    let look = async || {
        let now = self::lives(launch);
        Ok((now < lives).then(|| format!("{now} of {lives} lives")))
    };
    until("lives", DEADLINE, look).await.unwrap();
}

#[tokio::test]
async fn one_that_ends_is_started_again_and_that_is_told() {
    let (launch, kubelet) = (shell("exit 3"), Arc::default());
    let container = Container::start(launch.clone(), Some(&kubelet)).await;
    lived(&launch, 2).await;
    drop(container);
    let told = kubelet.take_restarts().concat();
    assert!(
        told.contains("shell ended (exit status: 3) and was started again"),
        "{told}"
    );
    std::fs::remove_file(launch.log).unwrap();
}

#[tokio::test]
async fn one_that_the_harness_has_killed_waits_for_the_harness() {
    let (launch, kubelet) = (shell("exec sleep 60"), Arc::default());
    let container = Container::start(launch.clone(), Some(&kubelet))
        .await
        .unwrap();
    lived(&launch, 1).await;
    container.kill().await.unwrap();
    sleep(PAUSE * 2).await;
    assert_eq!(lives(&launch), 1);

    container.restart().await.unwrap();
    lived(&launch, 2).await;
    assert!(container.process().ended().is_none());
    let group = container.process();
    drop(container);
    group.wait().await.unwrap();
    assert!(kubelet.take_restarts().is_empty());
    std::fs::remove_file(launch.log).unwrap();
}
