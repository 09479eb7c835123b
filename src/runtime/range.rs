//! Programs of op-succinct behind the screens: run in the background, what they
//! say comes back as envelopes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::base::redact::{redact, redact_bytes};
use crate::envelope::Kind;
use crate::event::RunEvent;
use crate::prover::range::session::{Cluster, End, Session, Stop, Stopper, Told, prepare};
use crate::prover::range::{Run, Task};
use crate::sources::grpc::calls::ClusterApi;
use crate::sources::grpc::channel::{Link, Target};
use crate::sources::hub::Port;
use crate::ui::{RangeLaunch, RangeTask};

/// How long somebody who leaves waits for the end of a run: a program has 5 s to
/// end, then its request is cancelled.
const LEAVING: Duration = Duration::from_secs(12);

/// The run that goes on, if one does.
#[derive(Default)]
pub struct Runner {
    active: Option<Active>,
    begun: u64,
}

struct Active {
    stop: mpsc::Sender<Stop>,
    done: JoinHandle<()>,
}

/// What a run needs of the prover.
pub struct Around {
    /// The cluster that the screens look at.
    pub cluster: Cluster,
    /// The API's address, where it was given as one.
    pub rpc: Option<String>,
    /// Where news go.
    pub port: Arc<Port>,
    /// The threads.
    pub runtime: tokio::runtime::Handle,
}

struct Orders(mpsc::Receiver<Stop>);

impl Stopper for Orders {
    async fn wanted(&mut self, _: Option<&str>) -> Option<Stop> {
        match self.0.recv().await {
            Some(how) => Some(how),
            None => std::future::pending().await,
        }
    }
}

/// Sends news of one run.
#[derive(Clone)]
struct News {
    run: String,
    what: String,
    port: Arc<Port>,
}

impl News {
    async fn send(&self, event: RunEvent, text: &str, proof: Option<&str>) {
        let note = serde_json::json!({"run": self.run, "what": self.what, "event": event, "text": text, "proof_id": proof});
        let raw = note.to_string().into_bytes();
        let _ = self.port.send(Kind::Effect, redact_bytes(&raw).into_owned()).await;
    }

    async fn told(&self, told: Told) {
        match told {
            Told::Checked(f) => self.send(if f.good { RunEvent::Good } else { RunEvent::Bad }, &f.text, None).await,
            Told::Line(line) => self.send(RunEvent::Line, &line, None).await,
            Told::Say(text) => self.send(RunEvent::Word, &text, None).await,
            Told::Submitted(id) => self.send(RunEvent::Submitted, &format!("its request is {id}"), Some(&id)).await,
        }
    }
}

fn task(what: &RangeTask) -> Task {
    match what {
        RangeTask::Newest(n) => Task::Newest(*n),
        RangeTask::Blocks(a, b) => Task::Blocks(*a, *b),
        RangeTask::Aggregate { proofs, prover } => Task::Aggregate { proofs: proofs.clone(), prover: prover.clone() },
    }
}

impl Runner {
    /// Begins a run. What is wrong with it is told as its end.
    pub fn start(&mut self, l: &RangeLaunch, around: Around) -> Result<String, String> {
        if self.active.as_ref().is_some_and(|a| !a.done.is_finished()) {
            return Err("a program of op-succinct runs already: one at a time".into());
        }
        self.begun += 1;
        let task = task(&l.what);
        let said = format!("{} begins", task.describe());
        let port = Arc::clone(&around.port);
        let news = News { run: format!("{}-{}", std::process::id(), self.begun), what: task.describe(), port };
        let (stop, orders) = mpsc::channel(1);
        let runtime = around.runtime.clone();
        let launch = l.clone();
        let done = runtime.spawn(async move {
            news.send(RunEvent::Started, "", None).await;
            match run(&launch, task, around, &news, Orders(orders)).await {
                Ok(End::Well(text)) => news.send(RunEvent::Ended, &text, None).await,
                Ok(End::Stopped(text)) => news.send(RunEvent::Stopped, &text, None).await,
                Err(why) => news.send(RunEvent::Failed, &why, None).await,
            }
        });
        self.active = Some(Active { stop, done });
        Ok(said)
    }

    /// Stops the run; with `wait`, until it has ended.
    pub fn stop(&mut self, how: Stop, wait: bool, runtime: &tokio::runtime::Handle) -> Result<String, String> {
        let Some(active) = self.active.as_mut().filter(|a| !a.done.is_finished()) else { return Err("it has ended already".into()) };
        // A second order changes nothing.
        let _ = active.stop.try_send(how);
        if wait {
            let _ = runtime.block_on(async { tokio::time::timeout(LEAVING, &mut active.done).await });
        }
        Ok("stopping it".into())
    }
}

async fn run(l: &RangeLaunch, task: Task, around: Around, news: &News, mut orders: Orders) -> Result<End, String> {
    let env_file = Some(l.env_file.as_str()).filter(|f| !f.is_empty()).map(Path::new);
    let run = Run::plan(Path::new(&l.dir), env_file, task, l.timeout, Vec::new())?;
    run.look_for_ranges()?;
    let environment: Vec<(String, String)> =
        std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect();
    let prepared = prepare(&run, l.prove, around.rpc.clone(), &environment)?;
    // Its file may name another API than the one that the screens look at: the
    // request is followed where it is sent to.
    let cluster = match &prepared.rpc {
        Some(url) if around.rpc.as_ref() != Some(url) => Cluster {
            api: ClusterApi(Link::new(&Target::Url(url.clone()))?),
            name: redact(url.trim().trim_end_matches('/')).into_owned(),
            ..around.cluster
        },
        _ => around.cluster,
    };
    let (listen, mut told) = mpsc::channel(64);
    let session = Session { run, prove: l.prove, witness: l.witness, ask_servers: true, prepared, cluster: Some(cluster), listen };
    let work = async move {
        session.look_first().await.map_err(|f| f.text)?;
        session.go(&mut orders).await.map_err(|f| f.text)
    };
    let tell = async {
        while let Some(t) = told.recv().await {
            news.told(t).await;
        }
    };
    // The listener ends with the session.
    tokio::join!(work, tell).0
}
