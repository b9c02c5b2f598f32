//! Asks a program about a broker that is not known here.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::clock;
use crate::config::Program;
use crate::figures::Figures;
use crate::question::Question;

/// Between two looks whether it has ended.
const INTERVAL: Duration = Duration::from_millis(20);
/// What is read of an answer.
const LONGEST: u64 = 64 << 10;

/// What the program may print.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Answer {
    backlog: Option<u64>,
    pending: Option<u64>,
    oldest_seconds: Option<u64>,
    dead_letters: Option<u64>,
}

/// Runs the program. Exit 0 is drained, unless it prints figures that say otherwise.
pub(crate) fn ask(program: &Program, question: &Question<'_>, timeout: Duration) -> Figures {
    let name = &program.program;
    match run(program, question, timeout) {
        Ok((status, printed, complaint)) => figures(name, status, &printed, &complaint),
        Err(reason) => Figures::unknown(format!("{name}: {reason}")),
    }
}

fn figures(name: &str, status: ExitStatus, printed: &str, complaint: &str) -> Figures {
    let answer = match printed.trim() {
        "" => Answer::default(),
        text => match serde_json::from_str(text) {
            Ok(answer) => answer,
            Err(error) => {
                return Figures::unknown(format!("{name} printed no JSON of figures: {error}"));
            }
        },
    };
    let drained = status.success().then_some(0);
    let figures = Figures {
        backlog: answer.backlog.or(drained),
        pending: answer.pending.or(drained),
        oldest: answer.oldest_seconds.map(Duration::from_secs),
        dead_letters: answer.dead_letters,
        ..Figures::default()
    };
    if status.success() || figures.waiting() > 0 {
        return figures;
    }
    let said = complaint
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty());
    Figures {
        reason: Some(format!(
            "{name} ended with {status}: {}",
            said.unwrap_or("it said nothing")
        )),
        ..figures
    }
}

fn run(
    program: &Program,
    question: &Question<'_>,
    timeout: Duration,
) -> Result<(ExitStatus, String, String), String> {
    let mut child = Command::new(&program.program)
        .args(&program.args)
        .env("GATE_COMPONENT", &question.triple.component)
        .env("GATE_TOPIC", &question.triple.topic)
        .env("GATE_CONSUMER", &question.triple.consumer)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let (printed, complaint) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let deadline = Instant::now() + timeout;
    let status = wait(&mut child, deadline).ok_or_else(|| {
        format!(
            "it did not end within {}",
            humantime::format_duration(timeout)
        )
    })?;
    // What it left running may hold the pipe open: nobody waits for that.
    let rest = |text: &mpsc::Receiver<String>| text.recv_timeout(INTERVAL * 10).unwrap_or_default();
    Ok((status, rest(&printed), rest(&complaint)))
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(pipe) = pipe {
            let _ = pipe.take(LONGEST).read_to_end(&mut text);
        }
        let _ = sender.send(String::from_utf8_lossy(&text).into_owned());
    });
    receiver
}

fn wait(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if clock::left(deadline).is_some() => clock::pause(INTERVAL),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::State;
    use crate::objects::Objects;
    use crate::objects::testing::{component, subscription};

    fn asked(script: &str) -> Figures {
        let objects = Objects {
            components: vec![component("pubsub-nats", "pubsub.nats", &[])],
            subscriptions: vec![subscription("s", "pubsub-nats", "orders", &["worker"])],
        };
        let program = Program {
            component: "pubsub-nats".to_owned(),
            program: "/bin/sh".to_owned(),
            args: vec!["-c".to_owned(), script.to_owned()],
        };
        let question = &crate::question::all(&objects)[0];
        ask(&program, question, Duration::from_secs(2))
    }

    #[test]
    fn zero_is_drained_and_figures_say_more() {
        assert_eq!(asked("exit 0").state(), State::Drained);
        let figures =
            asked("test $GATE_TOPIC = orders && echo '{\"backlog\": 3, \"oldestSeconds\": 9}'");
        assert_eq!((figures.backlog, figures.pending), (Some(3), Some(0)));
        assert_eq!(figures.state(), State::Waiting);
    }

    #[test]
    fn failing_is_unknown_with_its_last_words() {
        let figures = asked("echo one >&2; echo no such stream >&2; exit 3");
        assert_eq!(figures.state(), State::Unknown);
        let reason = figures.reason.unwrap();
        assert!(
            reason.contains("exit status: 3: no such stream"),
            "{reason}"
        );
        assert!(
            asked("echo hello")
                .reason
                .unwrap()
                .contains("printed no JSON")
        );
        assert!(
            asked("sleep 30")
                .reason
                .unwrap()
                .contains("did not end within 2s")
        );
    }
}
