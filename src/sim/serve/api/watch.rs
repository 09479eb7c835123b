//! Watches: resumed from a version, with bookmarks, 410 for what is forgotten.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::request::{Asked, Target};
use super::respond::{self, Body};
use super::select::Selector;
use super::{Api, table};
use crate::sim::serve::resources::Resource;
use crate::sim::serve::store::{Object, What};

/// Between two bookmarks, in wall time.
const BOOKMARK: Duration = Duration::from_secs(10);
/// How long a watch lasts that does not say.
const LASTS: u64 = 1_800;

struct Watch {
    api: Arc<Api>,
    kind: &'static Resource,
    selector: Selector,
    table: bool,
    bookmarks: bool,
    /// Everything up to this version was told.
    version: u64,
    /// The epoch of the network when it began.
    epoch: u64,
    /// Names that the client has, as far as the selector lets them pass.
    columns_told: bool,
}

/// What is to be told next.
enum Next {
    Lines(Vec<String>),
    Gone(String),
    Broken,
}

pub fn answer(api: &Arc<Api>, asked: &Asked, target: &Target, kind: &'static Resource) -> Response<Body> {
    let from = asked.get("resourceVersion").filter(|v| *v != "0").and_then(|v| v.parse::<u64>().ok());
    let mut watch = api.world.read(|s| Watch {
        api: Arc::clone(api),
        kind,
        selector: Selector::read(asked, target, s.cluster.namespace()),
        table: asked.table,
        bookmarks: asked.is("allowWatchBookmarks"),
        version: from.unwrap_or(0),
        epoch: s.net.epoch(),
        columns_told: false,
    });
    let until = Instant::now() + Duration::from_secs(asked.number("timeoutSeconds").unwrap_or(LASTS));
    let (response, out) = respond::streamed("application/json");
    tokio::spawn(async move {
        let mut changes = watch.api.world.changes();
        let mut told = Instant::now();
        let first = if from.is_none() { watch.all() } else { Vec::new() };
        for line in first {
            if out.send(Ok(Bytes::from(line))).await.is_err() {
                return;
            }
        }
        loop {
            changes.borrow_and_update();
            let lines = match watch.next() {
                Next::Lines(lines) => lines,
                Next::Gone(line) => {
                    let _ = out.send(Ok(line.into())).await;
                    return;
                }
                Next::Broken => {
                    let _ = out.send(Err(respond::broken())).await;
                    return;
                }
            };
            if !lines.is_empty() {
                told = Instant::now();
            }
            for line in lines {
                if out.send(Ok(Bytes::from(line))).await.is_err() {
                    return;
                }
            }
            let bookmark = told + BOOKMARK;
            tokio::select! {
                () = out.closed() => return,
                () = tokio::time::sleep_until(until) => return,
                () = tokio::time::sleep_until(bookmark), if watch.bookmarks => {
                    told = Instant::now();
                    if out.send(Ok(watch.bookmark().into())).await.is_err() {
                        return;
                    }
                }
                changed = changes.changed() => if changed.is_err() { return },
            }
        }
    });
    response
}

impl Watch {
    /// What there is, as if it were new: a watch that begins nowhere.
    fn all(&mut self) -> Vec<String> {
        let (objects, version) = self.api.world.read(|s| {
            let all = s.store.table(self.kind.plural).map(|t| &t.objects).into_iter().flatten();
            let fits: Vec<_> = all.filter(|(_, o)| self.selector.takes(&o.value)).map(|(_, o)| o.clone()).collect();
            (fits, s.store.version())
        });
        self.version = version;
        objects.iter().map(|o| self.event("ADDED", o)).collect()
    }

    fn next(&mut self) -> Next {
        let (epoch, changes, version) = self.api.world.read(|s| {
            let changes = match s.store.table(self.kind.plural) {
                Some(table) => table.since(self.version),
                None => Some(Vec::new()),
            };
            (s.net.epoch(), changes, s.store.version())
        });
        if epoch != self.epoch {
            return Next::Broken;
        }
        let Some(changes) = changes else {
            let message = format!("too old resource version: {} ({version})", self.version);
            return Next::Gone(format!("{}\n", json!({"type": "ERROR", "object": respond::failure(410, "Expired", &message)})));
        };
        if let Some(last) = changes.last() {
            self.version = last.version;
        }
        let fits: Vec<_> = changes.into_iter().filter(|c| self.selector.takes(&c.object.value)).collect();
        Next::Lines(
            fits.iter()
                .map(|c| {
                    // An object that only now fits a field selector is told as
                    // changed; the clients at hand take that for new.
                    let what = if c.what == What::Added { "ADDED" } else { c.what.as_str() };
                    self.event(what, &c.object)
                })
                .collect(),
        )
    }

    fn event(&mut self, what: &str, object: &Object) -> String {
        let body = if self.table {
            let columns = !std::mem::replace(&mut self.columns_told, true);
            let now = self.api.world.read(|s| s.cluster.now());
            table::of(self.kind, &[&object.value], &object.version.to_string(), now, columns).to_string()
        } else {
            object.value.to_string()
        };
        format!("{{\"type\":\"{what}\",\"object\":{body}}}\n")
    }

    fn bookmark(&mut self) -> String {
        // What has changed since the last look is still to be told.
        self.version = self.api.world.read(|s| {
            let all_told = s.store.table(self.kind.plural).is_none_or(|t| t.since(self.version).is_some_and(|c| c.is_empty()));
            if all_told { s.store.version().max(self.version) } else { self.version }
        });
        let version = self.version.to_string();
        let object: Value = json!({"kind": self.kind.kind, "apiVersion": self.kind.api_version(), "metadata": {"resourceVersion": version, "creationTimestamp": null}});
        format!("{}\n", json!({"type": "BOOKMARK", "object": object}))
    }
}
