//! An API server that is played: it has lists, by their plural.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::{Ended, gate};

/// What is live. What is not set is answered 404, as the API does without Dapr's definitions.
#[derive(Clone, Default)]
pub(crate) struct Cluster {
    lists: Arc<Mutex<BTreeMap<String, (u16, Value)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Cluster {
    /// With these Components and Subscriptions, and no workloads.
    pub(crate) fn with(components: &[Value], subscriptions: &[Value]) -> Self {
        let cluster = Self::default();
        cluster.set("components", components);
        cluster.set("subscriptions", subscriptions);
        cluster.set("deployments", &[]);
        cluster.set("pods", &[]);
        cluster.set("replicasets", &[]);
        cluster
    }

    pub(crate) fn set(&self, plural: &str, items: &[Value]) {
        self.answer(plural, 200, json!({"items": items}));
    }

    pub(crate) fn answer(&self, plural: &str, status: u16, body: Value) {
        self.lists
            .lock()
            .unwrap()
            .insert(plural.to_owned(), (status, body));
    }

    /// The paths that have been asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Runs the guard against this cluster. The plan is `components` and `subscriptions`.
    pub(crate) fn guard(
        &self,
        phase: &str,
        components: &[Value],
        subscriptions: &[Value],
        args: &[&str],
    ) -> Ended {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let cluster = self.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                cluster.serve(socket.unwrap());
            }
        });
        let plan = json!({"components": components, "subscriptions": subscriptions}).to_string();
        let env = [
            ("GATE_PLAN", plan.as_str()),
            ("GATE_PHASE", phase),
            ("GATE_KUBERNETES_URL", &url),
            ("GATE_NAMESPACE", "shop"),
            ("GATE_STABLE", "0s"),
            ("GATE_WAIT", "0s"),
            ("GATE_SECRET_WAIT", "0s"),
            ("GATE_TIMEOUT", "500ms"),
        ];
        gate(&[&["guard"], args].concat(), &env)
    }

    fn serve(&self, mut socket: TcpStream) {
        let mut lines = BufReader::new(socket.try_clone().unwrap())
            .lines()
            .map_while(Result::ok);
        let Some(request) = lines.next() else { return };
        lines.take_while(|line| !line.is_empty()).for_each(drop);
        let path = request.split(' ').nth(1).unwrap().to_owned();
        let plural = path.split('?').next().unwrap().rsplit('/').next().unwrap();
        let missing = (
            404,
            json!({"message": "the server could not find the requested resource"}),
        );
        let (status, body) = self
            .lists
            .lock()
            .unwrap()
            .get(plural)
            .cloned()
            .unwrap_or(missing);
        self.asked.lock().unwrap().push(path);
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let _ = socket.write_all(format!("{head}{body}").as_bytes());
    }
}

/// A Deployment, or with a phase a pod, with these variables.
pub(crate) fn workload(name: &str, phase: Option<&str>, env: &[(&str, &str)]) -> Value {
    let env: Vec<Value> = env
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let spec = json!({"containers": [{"name": name, "env": env}]});
    let annotations = json!({"dapr.io/app-id": name});
    match phase {
        Some(phase) => {
            json!({"metadata": {"name": name, "annotations": annotations}, "spec": spec, "status": {"phase": phase}})
        }
        None => {
            json!({"metadata": {"name": name}, "spec": {"template": {"metadata": {"annotations": annotations}, "spec": spec}}})
        }
    }
}
