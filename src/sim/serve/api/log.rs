//! A container's log, as a kubelet serves it.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::Response;

use super::Api;
use super::request::{Asked, Target};
use super::respond::{self, Body};
use crate::base::Timestamp;
use crate::sim::serve::world::State;
use crate::sim::{ContainerState, Pod};

/// A piece of a body is about this large.
const PIECE: usize = 48 << 10;

/// A place in a log, and how it is to be read.
struct Reading {
    api: Arc<Api>,
    pod: usize,
    run: u32,
    /// The number of the next line.
    next: u64,
    follow: bool,
    timestamps: bool,
    /// Bytes that may still be given, and whether the connection breaks then.
    left: usize,
    cut: bool,
    epoch: u64,
}

pub fn answer(api: &Arc<Api>, asked: &Asked, target: &Target) -> Response<Body> {
    let opened = api.world.with(|s| open(api, s, asked, target));
    let mut reading = match opened {
        Ok(r) => r,
        Err(response) => return *response,
    };
    let (response, out) = respond::streamed("text/plain");
    tokio::spawn(async move {
        let mut changes = reading.api.world.changes();
        loop {
            changes.borrow_and_update();
            let (piece, end) = reading.piece();
            let more = piece.len() >= PIECE;
            if !piece.is_empty() && out.send(Ok(piece)).await.is_err() {
                return;
            }
            match end {
                Some(End::Broken) => {
                    let _ = out.send(Err(respond::broken())).await;
                    return;
                }
                Some(End::Over) => return,
                None if more => continue,
                None => {}
            }
            tokio::select! {
                () = out.closed() => return,
                changed = changes.changed() => if changed.is_err() { return },
            }
        }
    });
    response
}

enum End {
    Over,
    Broken,
}

fn open(api: &Arc<Api>, s: &mut State, asked: &Asked, target: &Target) -> Result<Reading, Box<Response<Body>>> {
    let refuse = |code, reason: &str, message: String| Err(Box::new(respond::status(code, reason, &message)));
    let name = target.name.as_deref().unwrap_or_default();
    let here = target.namespace.as_deref() == Some(s.cluster.namespace());
    let Some((pod, p)) = s.cluster.pods().find(|(_, p)| p.name == name).filter(|_| here) else {
        return Err(Box::new(respond::not_found(target)));
    };
    if let Some(container) = asked.get("container").filter(|c| *c != p.container) {
        return refuse(400, "BadRequest", format!("container {container} is not valid for pod {name}"));
    }
    let container = p.container;
    let waits =
        |reason: &str| refuse(400, "BadRequest", format!("container \"{container}\" in pod \"{name}\" is waiting to start: {reason}"));
    let Some(machine) = &p.machine else { return waits("ContainerCreating") };
    if p.lost {
        return refuse(
            500,
            "InternalError",
            format!(
                "Get \"https://10.0.0.1:10250/containerLogs/{}/{name}/{container}\": dial tcp 10.0.0.1:10250: connect: no route to host ({machine})",
                s.cluster.namespace()
            ),
        );
    }
    let run = match wanted_run(p, asked.is("previous")) {
        Ok(run) => run,
        Err(None) => {
            return refuse(400, "BadRequest", format!("previous terminated container \"{container}\" in pod \"{name}\" not found"));
        }
        Err(Some(reason)) => return waits(reason),
    };
    let stream = s.logs.stream(pod, run);
    let (first, end) = stream.map_or((0, 0), |l| (l.first(), l.end()));
    let since = asked.get("sinceTime").and_then(Timestamp::parse);
    let since = since.or_else(|| asked.number("sinceSeconds").map(|n| s.cluster.now().minus(Duration::from_secs(n))));
    let mut next = match (since, stream) {
        (Some(at), Some(l)) => l.since(at),
        _ => first,
    };
    if let Some(tail) = asked.number("tailLines") {
        next = next.max(end.saturating_sub(tail));
    }
    let follow = asked.is("follow");
    let limit = asked.number("limitBytes").and_then(|n| usize::try_from(n).ok());
    let cut = if follow { s.net.log_cuts.pop_front() } else { None };
    Ok(Reading {
        api: Arc::clone(api),
        pod,
        run,
        next,
        follow: follow && !asked.is("previous"),
        timestamps: asked.is("timestamps"),
        left: cut.or(limit).unwrap_or(usize::MAX),
        cut: cut.is_some(),
        epoch: s.net.epoch(),
    })
}

/// Which run of a container is meant: the present one, or the last where it
/// waits to be started again; `Err` with why it waits, or that there is none.
fn wanted_run(p: &Pod, previous: bool) -> Result<u32, Option<&'static str>> {
    match (&p.state, previous) {
        (_, true) => p.restarts.checked_sub(1).ok_or(None),
        (ContainerState::Running, false) => Ok(p.restarts),
        (ContainerState::Waiting { reason, .. }, false) => p.restarts.checked_sub(1).ok_or(Some(*reason)),
    }
}

impl Reading {
    /// What is there to give, and whether that is the end.
    fn piece(&mut self) -> (Bytes, Option<End>) {
        let api = Arc::clone(&self.api);
        api.world.read(|s| {
            if s.net.epoch() != self.epoch {
                return (Bytes::new(), Some(End::Broken));
            }
            if s.net.logs_silent {
                return (Bytes::new(), None);
            }
            let mut piece = BytesMut::new();
            if let Some(stream) = s.logs.stream(self.pod, self.run) {
                self.next = self.next.max(stream.first());
                while let Some(line) = stream.line(self.next).filter(|_| piece.len() < PIECE) {
                    if self.timestamps {
                        stamp(&mut piece, line.nanos);
                    }
                    piece.extend_from_slice(&line.text);
                    piece.put_u8(b'\n');
                    self.next += 1;
                }
            }
            if piece.len() >= self.left {
                piece.truncate(self.left);
                return (piece.freeze(), Some(if self.cut { End::Broken } else { End::Over }));
            }
            self.left = self.left.saturating_sub(piece.len());
            let full = piece.len() >= PIECE;
            // The log of a container that ended, to its last line.
            let ended = s.cluster.pod(self.pod).is_none_or(|p| p.gone || p.restarts > self.run);
            let over = !full && (!self.follow || ended);
            (piece.freeze(), over.then_some(End::Over))
        })
    }
}

/// The container runtime's time: RFC 3339 with nanoseconds.
fn stamp(out: &mut BytesMut, nanos: i64) {
    use std::fmt::Write as _;
    let at = Timestamp::from_secs(nanos.div_euclid(1_000_000_000)).to_string();
    let _ = write!(out, "{}.{:09}Z ", at.trim_end_matches('Z'), nanos.rem_euclid(1_000_000_000));
}
