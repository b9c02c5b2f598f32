use super::*;

#[tokio::test]
async fn dropping_it_kills_its_whole_group() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let script = ["-c", "sleep 60 & wait"];
    let mut launch = Launch::new("shell", "/bin/sh", log.path());
    launch.command.args(script);
    let process = Process::start(&mut launch).unwrap();
    let group = process.group;
    drop(process);
    let gone = async {
        while killpg(group, None).is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), gone).await.unwrap();
}
