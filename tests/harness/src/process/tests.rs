use super::*;
use tempfile::NamedTempFile;

/// A shell that runs `script`, and its log.
fn shell(script: &str) -> (Process, NamedTempFile) {
    let log = NamedTempFile::new().unwrap();
    let launch = Launch::new("shell", "/bin/sh", log.path()).args(["-c", script]);
    (Process::start(&launch).unwrap(), log)
}

#[tokio::test]
async fn sigterm_first_and_sigkill_at_the_deadline() {
    let polite = "trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done";
    let ended = terminate(polite, Duration::from_secs(10)).await;
    assert!(ended.is_clean(), "{ended:?}");

    let stubborn = "trap '' TERM; echo up; exec sleep 60";
    let ended = terminate(stubborn, Duration::from_millis(100)).await;
    assert!(ended.forced, "{ended:?}");
}

async fn terminate(script: &str, deadline: Duration) -> Ended {
    let (process, log) = shell(script);
    let up = async || match log::tail(log.path(), 1).as_str() {
        "up" => Ok(()),
        _ => Err("silent".to_owned()),
    };
    process.ready(Duration::from_secs(10), up).await.unwrap();
    process.terminate(deadline).await.unwrap()
}

#[tokio::test]
async fn dropping_it_kills_its_whole_group() {
    let (process, _log) = shell("sleep 60 & wait");
    let group = process.group;
    drop(process);
    let gone = async {
        while killpg(group, None).is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), gone).await.unwrap();
}
