//! The views, one file each, and the table of them.

pub mod alerts;
pub mod capacity;
pub mod common;
pub mod fleet;
pub mod help;
pub mod logs;
pub mod overview;
pub mod pods;
pub mod proofs;
pub mod sources;
pub mod workers;

#[cfg(test)]
mod screens;
#[cfg(test)]
pub mod testing;

use super::View;

/// Every view, in the order of the tab bar. A new one is one file and one line.
pub const TABLE: &[fn() -> Box<dyn View>] = &[
    || Box::new(overview::Overview::default()),
    || Box::new(workers::WorkersView::default()),
    || Box::new(proofs::ProofsView::default()),
    || Box::new(logs::LogsView::default()),
    || Box::new(alerts::AlertsView::default()),
    || Box::new(capacity::CapacityView::default()),
    || Box::new(pods::Pods::default()),
    || Box::new(sources::Sources::default()),
    || Box::new(help::Help::default()),
];

/// The view of several clusters, which is apart from those of one.
#[must_use]
pub fn fleet() -> Box<dyn View> {
    Box::new(fleet::Fleet::default())
}

/// All views, new.
#[must_use]
pub fn all() -> Vec<Box<dyn View>> {
    TABLE.iter().map(|f| f()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ui::keymap;

    #[test]
    fn every_view_is_whole() {
        let views: Vec<_> = all().into_iter().chain([fleet()]).collect();
        let ids: Vec<_> = views.iter().map(|v| v.id()).collect();
        assert!(ids.is_sorted(), "not in the order of the tab bar");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        for v in views {
            assert!(!v.title().is_empty() && !v.title().contains(' '), "{:?}", v.id());
            assert!(v.about().iter().map(|p| p.len()).sum::<usize>() > 80, "{} explains nothing", v.title());
            let mut keys = BTreeSet::new();
            for b in v.bindings() {
                assert!(!b.what.is_empty());
                for k in b.keys {
                    assert!(keymap::parse_key(k).is_some() && keys.insert(*k), "{}: {k}", v.title());
                }
            }
        }
    }
}
