//! The API server's memory: objects with versions, and what changed lately, for
//! watches to resume from.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;

/// Changes of one kind that are kept; a watch from before them is answered 410.
const HISTORY: usize = 4_000;

/// An object as it was at a version.
#[derive(Debug)]
pub struct Object {
    /// Its `resourceVersion`.
    pub version: u64,
    /// Everything, with `kind`, `apiVersion` and `metadata.resourceVersion`.
    pub value: Value,
}

impl Object {
    /// `metadata.name`
    #[must_use]
    pub fn name(&self) -> &str {
        self.value["metadata"]["name"].as_str().unwrap_or_default()
    }
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It is new.
    Added,
    /// It is another.
    Modified,
    /// It is gone; the object is as it last was.
    Deleted,
}

impl What {
    /// As a watch says it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// A change. For a selector it matters what the object was before.
#[derive(Clone, Debug)]
pub struct Change {
    /// The version that it made.
    pub version: u64,
    /// What happened.
    pub what: What,
    /// The object now, or as it last was.
    pub object: Arc<Object>,
}

/// Objects of one kind.
#[derive(Debug, Default)]
pub struct Table {
    /// By name.
    pub objects: BTreeMap<String, Arc<Object>>,
    history: VecDeque<Change>,
    /// Changes after this version are known.
    oldest: u64,
}

impl Table {
    /// The changes after a version; `None` where they are forgotten.
    #[must_use]
    pub fn since(&self, version: u64) -> Option<Vec<Change>> {
        if version < self.oldest {
            return None;
        }
        let from = self.history.partition_point(|c| c.version <= version);
        Some(self.history.range(from..).cloned().collect())
    }

    fn record(&mut self, version: u64, what: What, object: Arc<Object>) {
        self.history.push_back(Change { version, what, object });
        if self.history.len() > HISTORY
            && let Some(old) = self.history.pop_front()
        {
            self.oldest = old.version;
        }
    }
}

/// All objects of the cluster.
#[derive(Debug, Default)]
pub struct Store {
    version: u64,
    tables: BTreeMap<&'static str, Table>,
}

impl Store {
    /// An empty one, in which versions begin where a cluster's that has lived
    /// for a while would.
    #[must_use]
    pub fn new() -> Self {
        Self { version: 20_000, ..Self::default() }
    }

    /// The newest version.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The objects of a kind, by its plural name.
    #[must_use]
    pub fn table(&self, plural: &str) -> Option<&Table> {
        self.tables.get(plural)
    }

    /// An object.
    #[must_use]
    pub fn get(&self, plural: &str, name: &str) -> Option<&Arc<Object>> {
        self.tables.get(plural)?.objects.get(name)
    }

    /// Puts an object in, if it differs from what is there.
    pub fn put(&mut self, plural: &'static str, mut value: Value) {
        let name = value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let table = self.tables.entry(plural).or_default();
        let before = table.objects.get(&name);
        if let Some(before) = before {
            value["metadata"]["resourceVersion"] = before.version.to_string().into();
            if before.value == value {
                return;
            }
        }
        self.version += 1;
        value["metadata"]["resourceVersion"] = self.version.to_string().into();
        let what = if before.is_some() { What::Modified } else { What::Added };
        let object = Arc::new(Object { version: self.version, value });
        table.objects.insert(name, Arc::clone(&object));
        table.record(self.version, what, object);
    }

    /// Takes an object out.
    pub fn remove(&mut self, plural: &'static str, name: &str) {
        let Some(table) = self.tables.get_mut(plural) else { return };
        let Some(old) = table.objects.remove(name) else { return };
        self.version += 1;
        let mut value = old.value.clone();
        value["metadata"]["resourceVersion"] = self.version.to_string().into();
        table.record(self.version, What::Deleted, Arc::new(Object { version: self.version, value }));
    }

    /// Forgets what changed: every watch has to list again.
    pub fn compact(&mut self) {
        self.version += 1;
        let version = self.version;
        for table in self.tables.values_mut() {
            table.history.clear();
            table.oldest = version;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_kept_for_watches_until_they_are_too_old() {
        let mut store = Store::new();
        let begin = store.version();
        let pod = |phase: &str| json!({"metadata": {"name": "a"}, "status": {"phase": phase}});
        store.put("pods", pod("Pending"));
        store.put("pods", pod("Running"));
        store.put("pods", pod("Running"));
        store.put("nodes", json!({"metadata": {"name": "n"}}));
        store.remove("pods", "a");
        store.remove("pods", "a");
        let pods = store.table("pods").unwrap();
        let all: Vec<_> = pods.since(begin).unwrap().iter().map(|c| (c.version - begin, c.what)).collect();
        assert_eq!(all, [(1, What::Added), (2, What::Modified), (4, What::Deleted)]);
        assert_eq!(pods.since(begin + 2).unwrap().len(), 1);
        for n in 0..HISTORY {
            store.put("pods", pod(&n.to_string()));
        }
        assert!(store.table("pods").unwrap().since(begin).is_none());
        store.compact();
        assert!(store.table("nodes").unwrap().since(store.version() - 1).is_none());
        assert!(store.table("nodes").unwrap().since(store.version()).is_some());
    }
}
