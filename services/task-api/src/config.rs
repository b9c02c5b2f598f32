//! The configuration of `task-api`. Every field is an environment variable; the chart sets them.

use crate::TaskCreated;

service_kit::service_config! {
    /// Takes `POST /tasks` and announces `task.created` through the Dapr sidecar.
    publishing [TaskCreated<'static>] { listen_addr: "0.0.0.0:8000" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory as _, Parser as _};
    use service_kit::config::Check as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Config::command().debug_assert();
    }

    #[test]
    fn contradictory_timings_are_refused_with_the_consequence() {
        let refusal = |args: &[&str]| {
            Config::try_parse_from([&["task-api"], args].concat())
                .unwrap()
                .check()
                .unwrap_err()
        };
        let message = refusal(&["--publish-attempt-timeout", "5s"]);
        assert!(
            message.contains("PUBLISH_ATTEMPT_TIMEOUT")
                && message.contains("nothing would be tried again")
        );
        let message = refusal(&["--publish-deadline", "30s"]);
        assert!(message.contains("SHUTDOWN_DEADLINE") && message.contains("cut off"));
    }
}
